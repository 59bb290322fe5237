// The rotation of one head, shared by rope and qk_norm_rope: which elements pair up, the canonical fp32 arithmetic,
// and the bound of the float64 value.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "reference/fault.h"
#include "reference/numeric/grid.h"
#include "reference/numeric/tensor.h"
#include "reference/rope/rope.h"

namespace plumb {

// Where the elements of pair i stand in a head, i in [0, rotary_dim / 2).
struct RotaryPair {
  std::size_t first, second;
};

inline RotaryPair rotary_pair(std::int32_t style, std::size_t rotary_dim, std::size_t i) {
  return style == PLUMB_ROPE_NEOX ? RotaryPair{i, i + rotary_dim / 2} : RotaryPair{2 * i, 2 * i + 1};
}

// The cache's row for a token, or nullptr where the token is padding: a position outside [0, max_position).
inline const std::byte* cos_sin_of(const plumb_tensor& positions, const plumb_tensor& cache, std::int64_t token) {
  std::int64_t position = load_integer(address(positions, {token}), dtype_of(positions));
  if (fault(Fault::kPositionIn32BitFloat)) position = static_cast<std::int64_t>(static_cast<float>(position));
  if (fault(Fault::kPositionIn32Bits)) position = static_cast<std::int32_t>(position);
  if (fault(Fault::kPositionPastCache) && position >= cache.shape[0]) return address(cache, {position, 0});
  if (fault(Fault::kPaddingUsed) && position < 0) return address(cache, {0, 0});
  return position >= 0 && position < cache.shape[0] ? address(cache, {position, 0}) : nullptr;
}

// fp32 in the canonical order, in place on the first rotary_dim elements; cos_sin holds rotary_dim values, cosines
// first.
inline void rotate(std::span<float> head, std::span<const float> cos_sin, std::int32_t style) {
  const std::size_t half = cos_sin.size() / 2, pairs = half - (fault(Fault::kLastPairLeftOut) && half % 4 != 0);
  const float *cosine = cos_sin.data(), *sine = cosine + half;
  if (fault(Fault::kSineFromPadded)) sine = cosine + std::bit_floor(half);
  const auto turn = [](float& x1, float& x2, float c, float s) {
    if (fault(Fault::kSignOfSine)) s = -s;
    float y1 = std::fmaf(x1, c, -(x2 * s));
    if (fault(Fault::kProductsUnfused)) y1 = x1 * c - x2 * s;
    if (fault(Fault::kOtherProductFused)) y1 = std::fmaf(-x2, s, x1 * c);
    x2 = std::fmaf(x2, c, x1 * s);
    x1 = y1;
  };
  if (style == PLUMB_ROPE_NEOX) {
    const auto second = [half](std::size_t i) { return fault(Fault::kXorPairs) ? i ^ half : i + half; };
    for (std::size_t i = 0; i < pairs; ++i) turn(head[i], head[second(i)], cosine[i], sine[i]);
  } else {
    const std::size_t step = fault(Fault::kCacheTwiceTooWide) ? 2 : 1;
    for (std::size_t i = 0; i < pairs; ++i) turn(head[2 * i], head[2 * i + 1], cosine[step * i], sine[i]);
  }
}

// How far fp32 may be from the two elements that enter a rotation. All zero for elements read from memory.
struct RotationInput {
  double common_error = 0;    // a factor that both share: it stays relative to the result
  double own_error = 0;       // relative, of each alone: it stays relative to the absolute terms
  double absolute_error = 0;  // of each
};

// Fills element i for a c + b s. Each product and the sum are rounded, whichever product an fmaf swallows, and each
// of the three may underflow: u (|a c| + |b s|) + u |a c + b s| + 3 kUnderflow. (The canonical order rounds only
// one product; the other order is as honest.)
inline void expect_turned(Expectation& expected, std::size_t i, double a, double c, double b, double s,
                          const RotationInput& input, const Grid& grid) {
  const double p = a * c, q = b * s, value = p + q, terms = std::fabs(p) + std::fabs(q);
  const double slack = (kUnitRoundoff + input.own_error) * terms +
                       (kUnitRoundoff + input.common_error) * std::fabs(value) +
                       input.absolute_error * (std::fabs(c) + std::fabs(s)) + 3 * kUnderflow;
  expect_near(expected, i, value, slack * kHigherOrders, grid);
  constexpr double largest = std::numeric_limits<float>::max();
  if (terms < largest) return;
  const auto overflows = [](double term) { return std::isfinite(term) && std::fabs(term) >= largest; };
  if (overflows(a) || overflows(b) || overflows(p) || overflows(q)) expected.slack[i] = Expectation::kUnjudged;
}

// Fills the rotary elements of a head that starts at element `at` of the tensor.
inline void expect_rotated(Expectation& expected, std::size_t at, std::span<const double> head,
                           std::span<const float> cos_sin, std::int32_t style, const RotationInput& input,
                           const Grid& grid) {
  const std::size_t half = cos_sin.size() / 2;
  for (std::size_t i = 0; i < half; ++i) {
    const auto [first, second] = rotary_pair(style, cos_sin.size(), i);
    const double x1 = head[first], x2 = head[second], c = cos_sin[i], s = cos_sin[half + i];
    expect_turned(expected, at + first, x1, c, -x2, s, input, grid);
    expect_turned(expected, at + second, x2, c, x1, s, input, grid);
  }
}

}  // namespace plumb
