// Rounding a float64 to a dtype's grid, and turning a true value with its error bound into what a judge may demand.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "reference/numeric/dtype.h"
#include "reference/numeric/expectation.h"

namespace plumb {

// Half of the smallest fp32 subnormal: what one operation may lose absolutely when its result underflows.
inline constexpr double kUnderflow = 0x1p-150;

// Bounds below are first order in u; this covers the higher orders, and the rounding of float64 itself.
inline constexpr double kHigherOrders = 1 + 0x1p-16;

// The values of a floating-point dtype, prepared for rounding many numbers to them.
class Grid {
 public:
  explicit constexpr Grid(plumb_dtype dtype)
      : precision_(float_format(dtype).precision),
        min_exponent_(float_format(dtype).min_exponent),
        max_finite_(float_format(dtype).max_finite),
        // Half a step past the largest finite value; the tie goes to the even neighbour, which is infinity.
        overflow_(max_finite_ + 0.5 * (max_finite_ / (pow2(precision_) - 1))) {}

  // The smallest magnitude that rounds to infinity.
  constexpr double overflow() const { return overflow_; }

  // `value` rounded once to nearest even, subnormals and overflow to infinity included.
  double round(double value) const {
    const double magnitude = std::fabs(value);
    if (!(magnitude < overflow_)) return value - value == 0 ? std::copysign(kInfinity, value) : value;
    const int exponent = static_cast<int>(std::bit_cast<std::uint64_t>(magnitude) >> 52) - 1023;
    const int step = std::max(exponent, min_exponent_) - (precision_ - 1);
    return std::nearbyint(value * pow2(-step)) * pow2(step);  // both scalings are exact
  }

 private:
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  // 2^exponent for exponents of normal float64 numbers.
  static constexpr double pow2(int exponent) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
  }

  int precision_, min_exponent_;
  double max_finite_, overflow_;
};

inline double round_to_grid(double value, plumb_dtype dtype) { return Grid(dtype).round(value); }

// Fills element i for a result that fp32 arithmetic brings to within `slack` of `value` before the one rounding to
// the output type. NaN and infinities are asked for as they are. A finite value that surely rounds to infinity asks
// for that infinity; where the bound reaches over the edge, or is no number, nothing can be asked.
inline void expect_near(Expectation& expected, std::size_t i, double value, double slack, const Grid& grid) {
  expected.value[i] = value;
  expected.slack[i] = slack;
  if (std::fabs(value) + slack < grid.overflow()) return;
  const bool exact = !std::isfinite(value);
  const bool overflows = std::fabs(value) - slack >= grid.overflow();
  if (overflows) expected.value[i] = std::copysign(std::numeric_limits<double>::infinity(), value);
  expected.slack[i] = exact || overflows ? 0.0 : Expectation::kUnjudged;
}

// Marks elements that must keep every bit, and notes what they are.
inline void expect_kept(Expectation& expected, std::size_t at, std::span<const float> values) {
  std::copy(values.begin(), values.end(), expected.value.begin() + static_cast<std::ptrdiff_t>(at));
  std::fill_n(expected.slack.begin() + static_cast<std::ptrdiff_t>(at), values.size(), Expectation::kKeep);
}

}  // namespace plumb
