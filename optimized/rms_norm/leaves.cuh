// What the kernels of rms_norm take, how their threads read and write leaves, and how they share sums.
#pragma once

#include <algorithm>
#include <cstdint>

#include "optimized/device/canonical.cuh"
#include "optimized/device/dependent_launch.cuh"

namespace plumb {

struct RmsNormArguments {
  const void* x;
  const void* weight;
  void* residual;  // nullptr: none
  void* y;
  std::int64_t rows;
  std::int64_t hidden;
  std::int64_t x_stride, residual_stride, y_stride;  // elements
  float eps;
  float inverse_hidden;
  float weight_offset;
  bool round_before_weight;
  bool dependent;  // the launch asked for PLUMB_DEPENDENT_LAUNCH
};

inline constexpr int kRmsNormMaxThreads = 512;
inline constexpr int kRmsNormMaxWarps = kRmsNormMaxThreads / 32;

// The leaf `index` of a row of `extent` elements; beyond the end there are zeros. kAccess, in bytes, divides the
// row's address and its length; 2 means any address of an element and any length.
template <int kAccess, Use kUse = Use::kAgain, class T, class Index>
__device__ __forceinline__ Leaf<T> load_leaf(const T* row, Index extent, Index index) {
  Leaf<T> leaf{};
  const Index first = index * kLeafElements;
  if (device_fault(Fault::kTailLeafLeftOut) && first + kLeafElements > extent) return leaf;
  if constexpr (kAccess == 2 && sizeof(T) == 2) {
    if (first + kLeafElements <= extent) {
      load<2, kUse>(leaf, row + first);
    } else {
      const auto* const elements = reinterpret_cast<const std::uint16_t*>(row);
#pragma unroll
      for (int i = 0; i < kLeafElements; ++i) {
        if (first + i < extent) leaf.word[i / 2] |= std::uint32_t{elements[first + i]} << i % 2 * 16;
      }
    }
  } else {
    constexpr int kStep = std::max(kAccess, static_cast<int>(sizeof(T)));  // bytes
    constexpr int kElements = kStep / static_cast<int>(sizeof(T));
#pragma unroll
    for (int at = 0; at < kLeafElements; at += kElements) {
      if (first + at < extent) load_words<kStep, kUse>(leaf.word + at * sizeof(T) / 4, row + first + at);
    }
  }
  return leaf;
}

template <int kAccess, Use kUse = Use::kAgain, class T, class Index>
__device__ __forceinline__ void store_leaf(const Leaf<T>& leaf, T* row, Index extent, Index index) {
  const Index first = index * kLeafElements;
  if constexpr (kAccess == 2 && sizeof(T) == 2) {
    if (first + kLeafElements <= extent || (device_fault(Fault::kTailIntoNextRow) && first < extent)) {
      store<2, kUse>(leaf, row + first);
    } else {
      auto* const elements = reinterpret_cast<std::uint16_t*>(row);
#pragma unroll
      for (int i = 0; i < kLeafElements; ++i) {
        if (first + i < extent) elements[first + i] = static_cast<std::uint16_t>(leaf.word[i / 2] >> i % 2 * 16);
      }
    }
  } else {
    constexpr int kStep = std::max(kAccess, static_cast<int>(sizeof(T)));
    constexpr int kElements = kStep / static_cast<int>(sizeof(T));
#pragma unroll
    for (int at = 0; at < kLeafElements; at += kElements) {
      if (first + at < extent) store_words<kStep, kUse>(leaf.word + at * sizeof(T) / 4, row + first + at);
    }
  }
}

// h = round(x + residual)
template <class T>
__device__ __forceinline__ Leaf<T> added(const Leaf<T>& x, const Leaf<T>& residual) {
  float a[kLeafElements], b[kLeafElements];
  unpack(x, a);
  unpack(residual, b);
#pragma unroll
  for (int i = 0; i < kLeafElements; ++i) a[i] = __fadd_rn(a[i], b[i]);
  Leaf<T> sum;
  pack(a, sum);
  return sum;
}

template <class T, class W>
__device__ __forceinline__ Leaf<T> normalised_leaf(const Leaf<T>& h, const Leaf<W>& weight, float inverse,
                                                   const RmsNormArguments& a) {
  float v[kLeafElements], w[kLeafElements];
  unpack(h, v);
  unpack(weight, w);
#pragma unroll
  for (float& value : v) value = __fmul_rn(value, device_fault(Fault::kWeightFirst) ? 1.0f : inverse);
  if (a.round_before_weight && !device_fault(Fault::kWeightBeforeRounding)) {
#pragma unroll
    for (float& value : v) value = rounded_to<T>(value);
  }
#pragma unroll
  for (int i = 0; i < kLeafElements; ++i) {
    float offset_weight = __fadd_rn(w[i], a.weight_offset);
    if (device_fault(Fault::kGemmaInBf16)) offset_weight = rounded_to<T>(offset_weight);
    v[i] = __fmul_rn(v[i], offset_weight);
    if (device_fault(Fault::kWeightFirst)) v[i] = __fmul_rn(v[i], inverse);
  }
  Leaf<T> y;
  pack(v, y);
  return y;
}

// The tree over the sums of kWarps warps at one lane.
template <int kWarps>
__device__ __forceinline__ float halve_warps(const float* sums) {
  float v[kWarps];
#pragma unroll
  for (int warp = 0; warp < kWarps; ++warp) v[warp] = sums[warp * 32];
  return halve<kWarps>(v);
}

// The tree over `threads` (a power of two) threads' sums: the whole block where that is more than a warp. Distances
// above a warp come first, so the block's sums go through shared memory once and every warp finishes on its own.
// One barrier is enough when calls take turns with two `exchange` buffers: a thread that writes one again has
// passed the barrier of the call in between, which all threads reach after they have read it.
__device__ __forceinline__ float halve_threads(float sum, int threads, float* exchange) {
  if (threads <= 32) return halve_lanes(sum, threads);
  exchange[threadIdx.x] = sum;
  if (!device_fault(Fault::kNoBlockBarrier)) __syncthreads();
  const float* const lane = exchange + threadIdx.x % 32;
  switch (threads) {
    case 64:
      sum = halve_warps<2>(lane);
      break;
    case 128:
      sum = halve_warps<4>(lane);
      break;
    case 256:
      sum = halve_warps<8>(lane);
      break;
    default:
      sum = halve_warps<kRmsNormMaxWarps>(lane);
  }
  return halve_lanes<32>(sum);
}

}  // namespace plumb
