// Units in the last place, on the output type's own grid.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "reference/numeric/dtype.h"

namespace plumb {

// The spacing of `dtype`'s grid at |value|: the subnormal spacing below the smallest normal number, the spacing of
// the largest binade above it. NaN gives NaN.
inline double ulp_at(double value, plumb_dtype dtype) {
  if (std::isnan(value)) return value;
  const FloatFormat format = float_format(dtype);
  const double magnitude = std::fmin(std::fabs(value), format.max_finite);
  const int exponent = magnitude == 0 ? format.min_exponent : std::max(std::ilogb(magnitude), format.min_exponent);
  return std::ldexp(1.0, exponent - (format.precision - 1));
}

// Position of a value on the grid: consecutive representable values differ by one, both zeros are 0, the infinities
// stand one past the largest finite values. Undefined for NaN.
inline std::int64_t grid_index(std::uint32_t bits, plumb_dtype dtype) {
  const std::uint32_t sign = size_of(dtype) == 2 ? 0x8000u : 0x80000000u;
  const auto magnitude = static_cast<std::int64_t>(bits & (sign - 1));
  return bits & sign ? -magnitude : magnitude;
}

inline bool is_nan_bits(std::uint32_t bits, plumb_dtype dtype) {
  switch (dtype) {
    case PLUMB_BF16:
      return (bits & 0x7fffu) > 0x7f80u;
    case PLUMB_F16:
      return (bits & 0x7fffu) > 0x7c00u;
    default:
      return (bits & 0x7fffffffu) > 0x7f800000u;
  }
}

// Number of grid steps between two elements; 0 for two NaN, the largest value for one NaN.
inline std::int64_t ulp_distance(std::uint32_t a, std::uint32_t b, plumb_dtype dtype) {
  const bool a_nan = is_nan_bits(a, dtype), b_nan = is_nan_bits(b, dtype);
  if (a_nan || b_nan) return a_nan && b_nan ? 0 : std::numeric_limits<std::int64_t>::max();
  return std::llabs(grid_index(a, dtype) - grid_index(b, dtype));
}

// Bit equality, NaN being equal to NaN. The two zeros differ.
inline bool same_bits(std::uint32_t a, std::uint32_t b, plumb_dtype dtype) {
  return a == b || (is_nan_bits(a, dtype) && is_nan_bits(b, dtype));
}

}  // namespace plumb
