// Device code of rms_norm: one row per group of threads, the row held in registers, or read twice where it is long.
#pragma once

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
};

inline constexpr int kRmsNormMaxThreads = 512;
inline constexpr int kRmsNormMaxWarps = kRmsNormMaxThreads / 32;

// Where a warp turns elements that arrive in narrow coalesced accesses into leaves: its 32 leaves lie side by side.
struct StagingRow {
  alignas(16) std::uint32_t word[32 * kLeafElements];
};

// Elements of one access.
template <int kAccess, class T>
constexpr int access_elements() {
  return kAccess > static_cast<int>(sizeof(T)) ? kAccess / static_cast<int>(sizeof(T)) : 1;
}

// Reads the leaf `index` of a row of `extent` elements; beyond the end there are zeros. kAccess divides the row's
// address and its length in bytes; below T's own size it means one element. With 16-byte accesses a lane reads its
// own leaf. With narrower ones the warp reads its lanes' leaves together (they are consecutive, and every lane
// takes part), each access next to its neighbour's.
template <int kAccess, class T, class Index>
__device__ __forceinline__ Leaf<T> load_leaf(const T* row, Index extent, Index index, StagingRow* staging) {
  Leaf<T> leaf{};
  if constexpr (kAccess == 16) {
    constexpr int kElements = 16 / static_cast<int>(sizeof(T));
#pragma unroll
    for (int at = 0; at < kLeafElements; at += kElements) {
      const Index element = index * kLeafElements + at;
      if (element < extent) load_words<16>(leaf.word + at * sizeof(T) / 4, row + element);
    }
  } else {
    constexpr int kElements = access_elements<kAccess, T>();
    constexpr int kUnits = kLeafElements / kElements;
    const int lane = threadIdx.x % 32;
    const Index first = (index - lane) * kLeafElements;
    Packed<T, kElements> unit[kUnits];
#pragma unroll
    for (int i = 0; i < kUnits; ++i) {
      unit[i] = {};
      const Index element = first + (i * 32 + lane) * kElements;
      if (element < extent) load<16>(unit[i], row + element);
    }
    T* const staged = reinterpret_cast<T*>(staging->word);
#pragma unroll
    for (int i = 0; i < kUnits; ++i) store<16>(unit[i], staged + (i * 32 + lane) * kElements);
    __syncwarp();
    load<16>(leaf, staged + lane * kLeafElements);
    __syncwarp();
  }
  return leaf;
}

template <int kAccess, class T, class Index>
__device__ __forceinline__ void store_leaf(const Leaf<T>& leaf, T* row, Index extent, Index index,
                                           StagingRow* staging) {
  if constexpr (kAccess == 16) {
    constexpr int kElements = 16 / static_cast<int>(sizeof(T));
#pragma unroll
    for (int at = 0; at < kLeafElements; at += kElements) {
      const Index element = index * kLeafElements + at;
      if (element < extent) store_words<16>(leaf.word + at * sizeof(T) / 4, row + element);
    }
  } else {
    constexpr int kElements = access_elements<kAccess, T>();
    constexpr int kUnits = kLeafElements / kElements;
    const int lane = threadIdx.x % 32;
    const Index first = (index - lane) * kLeafElements;
    T* const staged = reinterpret_cast<T*>(staging->word);
    store<16>(leaf, staged + lane * kLeafElements);
    __syncwarp();
#pragma unroll
    for (int i = 0; i < kUnits; ++i) {
      const Index element = first + (i * 32 + lane) * kElements;
      Packed<T, kElements> unit;
      load<16>(unit, staged + (i * 32 + lane) * kElements);
      if (element < extent) store<16>(unit, row + element);
    }
    __syncwarp();
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
  for (int i = 0; i < kLeafElements; ++i) {
    float scaled = __fmul_rn(v[i], inverse);
    if (a.round_before_weight) scaled = rounded_to<T>(scaled);
    v[i] = __fmul_rn(scaled, __fadd_rn(w[i], a.weight_offset));
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
  __syncthreads();
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

// 2^log2_threads threads share a row; thread t has leaves t, t + threads, ..., kLeaves of them, so that the tree's
// widest distances are within a thread. kResidual: a.residual is given. With accesses below 16 bytes a row takes
// whole warps.
template <class T, class W, int kAccess, int kLeaves, bool kResidual>
__global__ void __launch_bounds__(kRmsNormMaxThreads)
    rms_norm_kernel(const __grid_constant__ RmsNormArguments a, int log2_threads) {
  __shared__ float exchange[2][kRmsNormMaxThreads];
  __shared__ StagingRow staging_rows[kAccess < 16 ? kRmsNormMaxWarps : 1];
  StagingRow* const staging = &staging_rows[kAccess < 16 ? threadIdx.x / 32 : 0];

  const int threads = 1 << log2_threads;
  const int place = static_cast<int>(threadIdx.x) & (threads - 1);
  const int hidden = static_cast<int>(a.hidden);
  const auto* const weight = static_cast<const W*>(a.weight);

  // Weights early, unless they would take the registers that hide the rows' own latency.
  constexpr bool kWeightsEarly = kLeaves * (sizeof(T) + sizeof(W)) <= 32;
  Leaf<W> w[kLeaves];
  if constexpr (kWeightsEarly) {
#pragma unroll
    for (int k = 0; k < kLeaves; ++k) w[k] = load_leaf<kAccess>(weight, hidden, place + k * threads, staging);
  }
  wait_for_producers();
  release_dependents();

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
    for (int k = 0; k < kLeaves; ++k) h[k] = load_leaf<kAccess>(x, extent, place + k * threads, staging);
    if constexpr (kResidual) {
      T* const residual = static_cast<T*>(a.residual) + row * a.residual_stride;
      Leaf<T> r[kLeaves];
#pragma unroll
      for (int k = 0; k < kLeaves; ++k) r[k] = load_leaf<kAccess>(residual, extent, place + k * threads, staging);
#pragma unroll
      for (int k = 0; k < kLeaves; ++k) {
        h[k] = added(h[k], r[k]);
        store_leaf<kAccess>(h[k], residual, extent, place + k * threads, staging);
      }
    }
    float sums[kLeaves];
#pragma unroll
    for (int k = 0; k < kLeaves; ++k) {
      sums[k] = leaf_sum(h[k]);
      forget_unpacked(h[k]);
    }
    const float sum = halve_threads(halve<kLeaves>(sums), threads, exchange[turn]);
    const float inverse = inverse_rms(sum, a.inverse_hidden, a.eps);

    T* const y = static_cast<T*>(a.y) + row * a.y_stride;
#pragma unroll
    for (int k = 0; k < kLeaves; ++k) {
      if constexpr (kWeightsEarly) forget_unpacked(w[k]);
      if constexpr (!kWeightsEarly) w[k] = load_leaf<kAccess>(weight, hidden, place + k * threads, staging);
      store_leaf<kAccess>(normalised_leaf(h[k], w[k], inverse, a), y, extent, place + k * threads, staging);
    }
  }
}

// Rows too long for registers: a block reads a row twice, and sums the first time. Thread t again has leaves t,
// t + threads, ... The tree first adds what is far apart, so these are taken kLongLeaves at a time at the widest
// distances, and these handfuls in bit-reversed order: then neighbours are what the tree adds next, and a binary
// counter of partial sums is all there is to keep.
inline constexpr int kLongLeaves = 8;
inline constexpr int kLongLog2Handfuls = 16;  // at most; 2^31 elements

template <class T, class W, int kAccess>
__global__ void __launch_bounds__(kRmsNormMaxThreads)
    rms_norm_long_kernel(const __grid_constant__ RmsNormArguments a, int log2_handfuls) {
  __shared__ float exchange[2][kRmsNormMaxThreads];
  __shared__ StagingRow staging_rows[kAccess < 16 ? kRmsNormMaxWarps : 1];
  StagingRow* const staging = &staging_rows[kAccess < 16 ? threadIdx.x / 32 : 0];
  wait_for_producers();
  release_dependents();

  const std::int64_t threads = kRmsNormMaxThreads;
  int turn = 0;
  for (std::int64_t row = blockIdx.x; row < a.rows; row += gridDim.x, turn ^= 1) {
    const T* const x = static_cast<const T*>(a.x) + row * a.x_stride;
    T* const residual = a.residual != nullptr ? static_cast<T*>(a.residual) + row * a.residual_stride : nullptr;
    float sum = 0.0f;
    float partial[kLongLog2Handfuls + 1] = {};
    for (std::uint32_t i = 0; i < 1u << log2_handfuls; ++i) {
      const std::uint32_t handful = log2_handfuls == 0 ? 0 : __brev(i) >> (32 - log2_handfuls);
      float sums[kLongLeaves];
#pragma unroll
      for (int k = 0; k < kLongLeaves; ++k) {
        const std::int64_t round = (std::int64_t{k} << log2_handfuls) + handful;
        const std::int64_t index = round * threads + threadIdx.x;
        Leaf<T> h = load_leaf<kAccess>(x, a.hidden, index, staging);
        if (residual != nullptr) {
          h = added(h, load_leaf<kAccess>(residual, a.hidden, index, staging));
          store_leaf<kAccess>(h, residual, a.hidden, index, staging);
        }
        sums[k] = leaf_sum(h);
      }
      sum = halve<kLongLeaves>(sums);
      // partial[level] holds a subtree of 2^level handfuls exactly where i's bit `level` is set.
      bool carrying = true;
#pragma unroll
      for (int level = 0; level <= kLongLog2Handfuls; ++level) {
        const bool full = (i >> level & 1u) != 0;
        if (carrying && full) sum = __fadd_rn(partial[level], sum);
        if (carrying && !full) partial[level] = sum;
        carrying = carrying && full;
      }
    }
    sum = halve_threads(sum, kRmsNormMaxThreads, exchange[turn]);  // the last carry was the whole tree
    const float inverse = inverse_rms(sum, a.inverse_hidden, a.eps);

    // What the second pass reads, this thread itself has written or only it will write (x may be y).
    const T* const source = residual != nullptr ? residual : x;
    T* const y = static_cast<T*>(a.y) + row * a.y_stride;
    const std::int64_t leaves = (a.hidden + kLeafElements - 1) / kLeafElements;
    for (std::int64_t first = 0; first < leaves;
         first += threads) {  // uniform: a warp reads narrow leaves together
      const std::int64_t index = first + threadIdx.x;
      const Leaf<T> h = load_leaf<kAccess>(source, a.hidden, index, staging);
      const Leaf<W> w = load_leaf<kAccess>(static_cast<const W*>(a.weight), a.hidden, index, staging);
      store_leaf<kAccess>(normalised_leaf(h, w, inverse, a), y, a.hidden, index, staging);
    }
  }
}

}  // namespace plumb
