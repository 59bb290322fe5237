// Products and samples of axis values.
#include "harness/cases/matrix.h"

#include "harness/cases/random.h"

namespace plumb {

AxisValues replaced(AxisValues axes, const AxisValues& replacements) {
  for (const auto& [name, values] : replacements) {
    for (auto& axis : axes) {
      if (axis.first == name) axis.second = values;
    }
  }
  return axes;
}

AxisValues with(AxisValues axes, const AxisValues::value_type& axis) {
  axes.push_back(axis);
  return axes;
}

Matrix::Matrix(const Schema& schema, std::uint64_t seed, Validity is_valid)
    : schema_(schema), seed_(seed), is_valid_(is_valid) {}

bool Matrix::add(const Case& point) {
  if (!is_valid_(point) || !names_.insert(name_of(point)).second) return false;
  cases_.push_back(point);
  return true;
}

void Matrix::cross(const AxisValues& axes) {
  std::size_t points = 1;
  for (const auto& axis : axes) points *= axis.second.size();
  for (const plumb_dtype dtype : schema_.dtypes) {
    for (std::size_t number = 0; number < points; ++number) {
      Case point(schema_, dtype, seed_);
      std::size_t rest = number;
      for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {  // the last axis runs fastest
        point[axis->first] = axis->second[rest % axis->second.size()];
        rest /= axis->second.size();
      }
      add(point);
    }
  }
}

void Matrix::sample(const AxisValues& axes, std::size_t count, std::uint32_t stream) {
  // The draw does not depend on the seed of the inputs: --seed changes the data, never the list of cases.
  const RandomStream random(0x706c756d62ull, stream);
  const std::size_t give_up = count * 200;
  for (std::size_t draw = 0; draw < give_up && count > 0; ++draw) {
    std::uint64_t counter = draw * 64;
    Case point(schema_, schema_.dtypes[random.below(counter++, static_cast<std::uint32_t>(schema_.dtypes.size()))],
               seed_);
    for (const auto& [name, values] : axes) {
      point[name] = values[random.below(counter++, static_cast<std::uint32_t>(values.size()))];
    }
    if (add(point)) --count;
  }
}

}  // namespace plumb
