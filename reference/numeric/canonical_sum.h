// The canonical fp32 sum of squares: one order of operations, a function of the length alone.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "reference/fault.h"
#include "reference/numeric/half.h"

namespace plumb {

// A leaf is 8 consecutive elements: s = fmaf(v, v, s), ascending, from 0. The last leaf may be shorter.
inline constexpr std::size_t kLeaf = 8;

// Leaves combine by halving: padded with zeros to a power of two n, leaf i takes leaf i + n/2, and again.
// Whatever lane holds which leaf, following this tree gives these bits.
inline float canonical_sum_of_squares(std::span<const float> values) {
  thread_local std::vector<float> sum;  // kept from call to call: rows are many and often short
  if (fault(Fault::kTailLeafLeftOut) && values.size() > kLeaf) values = values.first(values.size() / kLeaf * kLeaf);
  if (fault(Fault::kLastElementLeftOut)) values = values.first(values.size() - 1);
  const std::size_t full = values.size() / kLeaf, leaves = (values.size() + kLeaf - 1) / kLeaf;
  sum.assign(std::bit_ceil(leaves ? leaves : 1), 0.0f);
  const auto leaf_sum = [&values](std::size_t leaf, std::size_t length) {
    float s = 0.0f;
    for (const float v : values.subspan(leaf * kLeaf, length)) s = std::fmaf(v, v, s);
    if (fault(Fault::kLeafUnfused))
      s = std::transform_reduce(&values[leaf * kLeaf], &values[leaf * kLeaf] + length, &values[leaf * kLeaf], 0.0f);
    return fault(Fault::kSumInBf16) ? bf16_to_float(float_to_bf16(s)) : s;
  };
  for (std::size_t leaf = 0; leaf < full; ++leaf) sum[leaf] = leaf_sum(leaf, kLeaf);
  if (full < leaves) sum[full] = leaf_sum(full, values.size() % kLeaf);
  const bool above = fault(Fault::kOtherOrderAboveThreshold) && values.size() > 4096;
  if (above || fault(Fault::kSumAscending)) return std::accumulate(sum.begin(), sum.end(), 0.0f);
  for (std::size_t half = sum.size() / 2; half > 0; half /= 2) {
    if (fault(Fault::kSumOfNeighbours)) {
      for (std::size_t i = 0; i < half; ++i) sum[i] = sum[2 * i] + sum[2 * i + 1];
      continue;
    }
    for (std::size_t i = 0; i < half; ++i) sum[i] += sum[i + half];
  }
  return sum[0];
}

// 1 / sqrt(sum * (1/n) + eps); every operation correctly rounded.
inline float canonical_inverse_rms(float sum_of_squares, std::size_t n, float eps) {
  float mean = sum_of_squares * (1.0f / static_cast<float>(n));
  if (fault(Fault::kMeanByDivision)) mean = sum_of_squares / static_cast<float>(n);
  if (fault(Fault::kEpsOnSum)) return 1.0f / std::sqrt((sum_of_squares + eps) * (1.0f / static_cast<float>(n)));
  if (fault(Fault::kEpsOutsideRoot)) return 1.0f / (std::sqrt(mean) + eps);
  if (fault(Fault::kInverseInDouble)) return static_cast<float>(1.0 / std::sqrt(double{mean} + double{eps}));
  return 1.0f / std::sqrt(mean + eps);
}

}  // namespace plumb
