// Holm's step-down adjustment: many tests, one stated chance of any false alarm.
#include "harness/gate/holm.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace plumb {

std::vector<double> holm_adjust(std::span<const double> p_values) {
  std::vector<std::size_t> ascending(p_values.size());
  std::iota(ascending.begin(), ascending.end(), std::size_t{0});
  std::stable_sort(ascending.begin(), ascending.end(),
                   [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;  // no hypothesis is rejected before one with a smaller p-value
  for (std::size_t step = 0; step < ascending.size(); ++step) {
    const double factor = static_cast<double>(ascending.size() - step);
    largest = std::max(largest, std::min(1.0, factor * p_values[ascending[step]]));
    adjusted[ascending[step]] = largest;
  }
  return adjusted;
}

}  // namespace plumb
