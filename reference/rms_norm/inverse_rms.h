// The true inverse RMS of a row, and how far the canonical fp32 order may be from it.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "reference/numeric/canonical_sum.h"
#include "reference/numeric/grid.h"

namespace plumb {

struct InverseRms {
  double value;
  double relative_error;  // infinite where fp32 overflows or loses the sum in underflow
};

// 1 / sqrt(mean + eps), and its bound in fp32, n < 2^24:
//   sum    a square passes through at most 8 fmaf of its leaf and log2(leaves) additions, and all terms are
//          nonnegative: (min(8, n) + levels) u relative. Each of at most n fmaf may underflow: n kUnderflow.
//   mean   1/n and the product: 2 u, none when n is a power of two. Underflow: kUnderflow more.
//   + eps  1 u of the whole; the mean's errors count by its share, mean / (mean + eps).
//   sqrt   takes a relative error t to 1/sqrt(1 - t) - 1 (about t/2) in 1/sqrt, and rounds: 1 u.
//   1 / x  1 u.
inline InverseRms inverse_rms(double sum_of_squares, std::int64_t n, double eps) {
  const double mean = sum_of_squares / static_cast<double>(n), radicand = mean + eps;
  const double value = 1 / std::sqrt(radicand);
  if (!std::isfinite(sum_of_squares) || radicand == 0) return {value, 0};  // by IEEE: NaN, 0 or infinity, exactly

  const auto length = static_cast<std::uint64_t>(n);
  const auto levels = std::bit_width(std::bit_ceil((length + kLeaf - 1) / kLeaf)) - 1;
  const auto leaf = static_cast<int>(std::min<std::uint64_t>(kLeaf, length));
  const double sum_error = (leaf + levels) * kUnitRoundoff;
  const double mean_error = sum_error + (std::has_single_bit(length) ? 0 : 2) * kUnitRoundoff;
  const double t = (mean_error * mean + 2 * kUnderflow) / radicand + kUnitRoundoff;

  const double largest = std::numeric_limits<float>::max();
  const bool overflows = sum_of_squares * (1 + sum_error) > largest || radicand * (1 + t) > largest;
  if (overflows || t > 0.5) return {value, std::numeric_limits<double>::infinity()};
  return {value, (1 / std::sqrt(1 - t) - 1 + 2 * kUnitRoundoff) * kHigherOrders};
}

}  // namespace plumb
