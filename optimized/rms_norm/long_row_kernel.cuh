// Device code of rms_norm: rows too long for registers, which are read twice.
#pragma once

#include "optimized/rms_norm/leaves.cuh"

namespace plumb {

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
  begin_dependent(a.dependent);

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
        Leaf<T> h = load_leaf<kAccess>(x, a.hidden, index);
        if (residual != nullptr) {
          h = added(h, load_leaf<kAccess>(residual, a.hidden, index));
          store_leaf<kAccess>(h, residual, a.hidden, index);
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
    for (std::int64_t first = 0; first < leaves; first += threads) {
      const std::int64_t index = first + threadIdx.x;
      const Leaf<T> h = load_leaf<kAccess>(source, a.hidden, index);
      const Leaf<W> w = load_leaf<kAccess>(static_cast<const W*>(a.weight), a.hidden, index);
      store_leaf<kAccess>(normalised_leaf(h, w, inverse, a), y, a.hidden, index);
    }
  }
}

}  // namespace plumb
