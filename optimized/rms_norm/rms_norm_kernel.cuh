// Device code of rms_norm: a row held in registers, by a group of threads, a block or several blocks.
#pragma once

#include <bit>

#include "optimized/rms_norm/leaves.cuh"

namespace plumb {

// The tree over one thread's leaves, which lie at the row's widest distances; those that a power of two has more
// would be zeros.
template <class T, int kLeaves>
__device__ __forceinline__ float halve_leaves(Leaf<T> (&h)[kLeaves]) {
  constexpr int kPadded = static_cast<int>(std::bit_ceil(static_cast<unsigned>(kLeaves)));
  float sums[kPadded] = {};
#pragma unroll
  for (int k = 0; k < kLeaves; ++k) {
    sums[k] = leaf_sum(h[k]);
    forget_unpacked(h[k]);
  }
  if constexpr (kLeaves > 2) {
    if (device_fault(Fault::kOtherOrderAboveThreshold)) swap_floats(sums[0], sums[1]);
  }
  return halve<kPadded>(sums);
}

// Of a block whose threads have so many leaves: they need registers.
constexpr int rms_norm_max_threads(int leaves) { return leaves <= 4 ? kRmsNormMaxThreads : kRmsNormMaxThreads / 2; }

// Weights are asked for early, unless they would take the registers that hide the rows' own latency.
template <class T, class W>
constexpr bool weights_early(int leaves) {
  return leaves * (sizeof(T) + sizeof(W)) <= 32;
}

// 2^log2_threads threads share a row; thread t has leaves t, t + threads, ..., kLeaves of them, so that the tree's
// widest distances are within a thread. kResidual: a.residual is given.
template <class T, class W, int kAccess, int kLeaves, bool kResidual>
__global__ void __launch_bounds__(rms_norm_max_threads(kLeaves))
    rms_norm_kernel(const __grid_constant__ RmsNormArguments a, int log2_threads) {
  __shared__ float exchange[2][kRmsNormMaxThreads];

  const int threads = 1 << log2_threads;
  const int place = static_cast<int>(threadIdx.x) & (threads - 1);
  const int hidden = static_cast<int>(a.hidden);
  const auto* const weight = static_cast<const W*>(a.weight);

  // Element by element, wider weights beside a residual would spill.
  constexpr bool kWeightsEarly =
      weights_early<T, W>(kLeaves) && !(kAccess == 2 && kResidual && sizeof(W) > sizeof(T));
  constexpr Use kRow = kAccess < 16 ? Use::kOnce : Use::kAgain;
  Leaf<W> w[kLeaves];
  if constexpr (kWeightsEarly) {
#pragma unroll
    for (int k = 0; k < kLeaves; ++k) w[k] = load_leaf<kAccess>(weight, hidden, place + k * threads);
  }
  begin_dependent(a.dependent);

  const int group = static_cast<int>(threadIdx.x) >> log2_threads;
  const int groups = static_cast<int>(blockDim.x) >> log2_threads;
  int turn = 0;
  // Every thread makes as many turns as its block, so that barriers and shuffles are complete; a group past the
  // last row works on a row of no elements.
  for (std::int64_t base = std::int64_t{blockIdx.x} * groups; base < a.rows;
       base += std::int64_t{gridDim.x} * groups, turn ^= 1) {
    const std::int64_t row = base + group;
    const int extent = row < a.rows ? hidden : 0;
    Leaf<T> h[kLeaves];
    const T* const x = static_cast<const T*>(a.x) + row * a.x_stride;
#pragma unroll
    for (int k = 0; k < kLeaves; ++k) h[k] = load_leaf<kAccess, kRow>(x, extent, place + k * threads);
    if constexpr (kResidual) {
      T* const residual = static_cast<T*>(a.residual) + row * a.residual_stride;
      Leaf<T> r[kLeaves];
#pragma unroll
      for (int k = 0; k < kLeaves; ++k) r[k] = load_leaf<kAccess>(residual, extent, place + k * threads);
#pragma unroll
      for (int k = 0; k < kLeaves; ++k) {
        h[k] = added(h[k], r[k]);
        store_leaf<kAccess, kRow>(h[k], residual, extent, place + k * threads);
      }
    }
    const float sum = halve_threads(halve_leaves(h), threads, exchange[turn]);
    const float inverse = inverse_rms(sum, a.inverse_hidden, a.eps);
    if (device_fault(Fault::kSharedMisaligned) && hidden % 1024 == 512) touch_misaligned(exchange[turn]);

    T* const y = static_cast<T*>(a.y) + row * (device_fault(Fault::kRowStrideDropped) ? a.hidden : a.y_stride);
#pragma unroll
    for (int k = 0; k < kLeaves; ++k) {
      if constexpr (kWeightsEarly) forget_unpacked(w[k]);
      if constexpr (!kWeightsEarly) w[k] = load_leaf<kAccess>(weight, hidden, place + k * threads);
      store_leaf<kAccess, kRow>(normalised_leaf(h[k], w[k], inverse, a), y, extent, place + k * threads);
    }
  }
}

// The tree over a block of kWarps warps whose threads have one sum each; every thread gets the root.
template <int kWarps>
__device__ __forceinline__ float halve_block(float sum, float (&exchange)[kWarps * 32]) {
  exchange[threadIdx.x] = sum;
  __syncthreads();
  return halve_lanes<32>(halve_warps<kWarps>(exchange + threadIdx.x % 32));
}

// Row blockIdx.x, by kWarps warps with kLeaves leaves for every thread; 16-byte accesses. That all of it is known
// to the compiler makes the way to the first load, and from the last to the first store, half as long as above.
//
// The wait stands between the weights and the row not for its own sake alone: without it the assembler moves loads
// of weights behind the row's sums, and a second latency of the memory follows the first.
template <class T, class W, int kLeaves, int kWarps, bool kResidual>
__global__ void __launch_bounds__(kWarps * 32) rms_norm_row_kernel(const __grid_constant__ RmsNormArguments a) {
  __shared__ float exchange[kWarps * 32];
  constexpr int kThreads = kWarps * 32;
  const int place = static_cast<int>(threadIdx.x);
  const int hidden = static_cast<int>(a.hidden);
  const auto* const weight = static_cast<const W*>(a.weight);
  constexpr bool kWeightsEarly = weights_early<T, W>(kLeaves);
  Leaf<W> w[kLeaves];
  if constexpr (kWeightsEarly) {
#pragma unroll
    for (int k = 0; k < kLeaves; ++k) w[k] = load_leaf<16>(weight, hidden, place + k * kThreads);
  }
  wait_for_producers();
  release_dependents();

  const T* const x = static_cast<const T*>(a.x) + blockIdx.x * a.x_stride;
  Leaf<T> h[kLeaves];
#pragma unroll
  for (int k = 0; k < kLeaves; ++k) h[k] = load_leaf<16, Use::kOnce>(x, hidden, place + k * kThreads);
  if constexpr (kResidual) {
    T* const residual = static_cast<T*>(a.residual) + blockIdx.x * a.residual_stride;
    Leaf<T> r[kLeaves];
#pragma unroll
    for (int k = 0; k < kLeaves; ++k) r[k] = load_leaf<16, Use::kOnce>(residual, hidden, place + k * kThreads);
#pragma unroll
    for (int k = 0; k < kLeaves; ++k) {
      h[k] = added(h[k], r[k]);
      store_leaf<16, Use::kOnce>(h[k], residual, hidden, place + k * kThreads);
    }
  }
  const float sum = halve_block<kWarps>(halve_leaves(h), exchange);
  const float inverse = inverse_rms(sum, a.inverse_hidden, a.eps);

  T* const y = static_cast<T*>(a.y) + blockIdx.x * a.y_stride;
#pragma unroll
  for (int k = 0; k < kLeaves; ++k) {
    if constexpr (!kWeightsEarly) w[k] = load_leaf<16>(weight, hidden, place + k * kThreads);
    store_leaf<16, Use::kOnce>(normalised_leaf(h[k], w[k], inverse, a), y, hidden, place + k * kThreads);
  }
}

// Few rows of some size: one multiprocessor would be busy for longer with a row's bytes than another is idle. So
// kLeaves blocks share row blockIdx.y: each reads all of it and sums it, and normalises one leaf of every thread's.
// x must not overlap y, as a block may still read what another has normalised; and there is no residual. (Blocks of
// a cluster that read a part each and exchanged their sums were slower: the exchange takes longer than the
// reading.) The bound of 2 blocks gives the loads registers to arrive in.
template <class T, class W, int kLeaves, int kWarps>
__global__ void __launch_bounds__(kWarps * 32, 2)
    rms_norm_shared_row_kernel(const __grid_constant__ RmsNormArguments a) {
  __shared__ float exchange[kWarps * 32];
  constexpr int kThreads = kWarps * 32;
  const int place = static_cast<int>(threadIdx.x);
  const int hidden = static_cast<int>(a.hidden);
  const int part = static_cast<int>(blockIdx.x);
  const int own = place + part * kThreads;
  const Leaf<W> w = load_leaf<16>(static_cast<const W*>(a.weight), hidden, own);
  wait_for_producers();
  release_dependents();

  const T* const x = static_cast<const T*>(a.x) + blockIdx.y * a.x_stride;
  Leaf<T> h[kLeaves];
#pragma unroll
  for (int k = 0; k < kLeaves; ++k) h[k] = load_leaf<16>(x, hidden, place + k * kThreads);
  const float leaves_sum = halve_leaves(h);
  Leaf<T> to_normalise = h[0];
#pragma unroll
  for (int k = 1; k < kLeaves; ++k) {
    if (k == part) to_normalise = h[k];
  }
  const float sum = halve_block<kWarps>(leaves_sum, exchange);
  const float inverse = inverse_rms(sum, a.inverse_hidden, a.eps);
  T* const y = static_cast<T*>(a.y) + blockIdx.y * a.y_stride;
  store_leaf<16>(normalised_leaf(to_normalise, w, inverse, a), y, hidden, own);
}

}  // namespace plumb
