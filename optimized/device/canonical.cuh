// The canonical order of fp32 operations on the device; reference/numeric/canonical_sum.h is its definition.
#pragma once

#include "optimized/device/element.cuh"
#include "optimized/device/fault.cuh"

namespace plumb {

inline constexpr int kLeafElements = 8;
inline constexpr unsigned kWholeWarp = 0xffffffffu;

template <class T>
using Leaf = Packed<T, kLeafElements>;

// One ascending chain. Zeros after a short leaf's end change nothing: fmaf(0, 0, s) is s.
__device__ __forceinline__ float leaf_sum(const float (&values)[kLeafElements]) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kLeafElements; ++i) {
    sum = device_fault(Fault::kLeafUnfused) ? __fadd_rn(sum, __fmul_rn(values[i], values[i]))
                                            : __fmaf_rn(values[i], values[i], sum);
  }
  if (device_fault(Fault::kSumInBf16)) sum = rounded_to<__nv_bfloat16>(sum);
  return sum;
}

template <class T>
__device__ __forceinline__ float leaf_sum(const Leaf<T>& leaf) {
  float values[kLeafElements];
  unpack(leaf, values);
  return leaf_sum(values);
}

// The tree over kCount sums of one thread, widest distance first; padding with more zeros than the tree needs is
// harmless as no sum is negative zero.
template <int kCount>
__device__ __forceinline__ float halve(float* sums) {
#pragma unroll
  for (int i = 0; i < kCount / 2; ++i) sums[i] = __fadd_rn(sums[i], sums[i + kCount / 2]);
  if constexpr (kCount > 2) return halve<kCount / 2>(sums);
  return sums[0];
}

// The tree over `lanes` (a power of two) neighbouring lanes; each gets the root. Addition commutes, so both lanes
// of an exchange compute the same bits. Every lane of the warp must take part.
__device__ __forceinline__ float halve_lanes(float sum, int lanes) {
  for (int distance = lanes / 2; distance > 0; distance /= 2) {
    const int apart = device_fault(Fault::kSumOfNeighbours) ? lanes / 2 / distance : distance;
    sum = __fadd_rn(sum, __shfl_xor_sync(kWholeWarp, sum, apart));
  }
  return sum;
}

template <int kLanes>
__device__ __forceinline__ float halve_lanes(float sum) {
#pragma unroll
  for (int distance = kLanes / 2; distance > 0; distance /= 2) {
    const int apart = device_fault(Fault::kSumOfNeighbours) ? kLanes / 2 / distance : distance;
    sum = __fadd_rn(sum, __shfl_xor_sync(kWholeWarp, sum, apart));
  }
  return sum;
}

// inverse_count is 1 / n, rounded to fp32.
__device__ __forceinline__ float inverse_rms(float sum, float inverse_count, float eps) {
  if (device_fault(Fault::kEpsOnSum)) return __frcp_rn(__fsqrt_rn(__fmul_rn(__fadd_rn(sum, eps), inverse_count)));
  if (device_fault(Fault::kEpsOutsideRoot))
    return __frcp_rn(__fadd_rn(__fsqrt_rn(__fmul_rn(sum, inverse_count)), eps));
  if (device_fault(Fault::kMeanByDivision)) {
    return __frcp_rn(__fsqrt_rn(__fadd_rn(__fdiv_rn(sum, rintf(__frcp_rn(inverse_count))), eps)));
  }
  if (device_fault(Fault::kInverseInDouble))
    return static_cast<float>(1.0 / sqrt(static_cast<double>(__fadd_rn(__fmul_rn(sum, inverse_count), eps))));
  return __frcp_rn(__fsqrt_rn(__fadd_rn(__fmul_rn(sum, inverse_count), eps)));
}

__device__ __forceinline__ float normalised(float x, float inverse, float weight) {
  return __fmul_rn(__fmul_rn(x, inverse), weight);
}

// (x1, x2) turned by the angle of (c, s), in place.
__device__ __forceinline__ void rotate(float& x1, float& x2, float c, float s) {
  if (device_fault(Fault::kSignOfSine)) s = -s;
  float y1 = __fmaf_rn(x1, c, -__fmul_rn(x2, s));
  if (device_fault(Fault::kProductsUnfused)) y1 = __fsub_rn(__fmul_rn(x1, c), __fmul_rn(x2, s));
  if (device_fault(Fault::kOtherProductFused)) y1 = __fmaf_rn(-x2, s, __fmul_rn(x1, c));
  x2 = __fmaf_rn(x2, c, __fmul_rn(x1, s));
  x1 = y1;
}

}  // namespace plumb
