// Order statistics of a handful of timings.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace plumb {

// The value below which `share` of the samples lie, by linear interpolation between neighbours; share 0.5 is the
// median. There must be samples.
inline double quantile(std::vector<double> samples, double share) {
  std::sort(samples.begin(), samples.end());
  const double place = share * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, samples.size() - 1);
  return samples[below] + (place - static_cast<double>(below)) * (samples[above] - samples[below]);
}

inline double median(std::vector<double> samples) { return quantile(std::move(samples), 0.5); }

}  // namespace plumb
