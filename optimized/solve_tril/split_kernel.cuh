// Device code of vec16_split: several warps solve one tile, for launches too small to fill the device.
#pragma once

#include "optimized/device/dependent_launch.cuh"
#include "optimized/solve_tril/block_io.cuh"

namespace plumb::solve_tril {

// A warp per block left of the diagonal (six for BT = 64), and at least one per diagonal block.
template <int kSide>
constexpr int kSplitWarps = kSide == 4 ? 6 : kSide;

// The blocks left of the diagonal by distance from it, as that is the order in which they can be finished.
template <int kSide>
__device__ __forceinline__ int2 block_of_warp(int warp) {
  int q = warp;
  for (int distance = 1; distance < kSide; ++distance) {
    if (q < kSide - distance) return make_int2(q + distance, q);
    q -= kSide - distance;
  }
  return make_int2(kSide, 0);  // none
}

// First all diagonal blocks are inverted at once. Then in turn d = 1, 2, ... every warp adds the next product to
// its block's chain, and the blocks at distance d are complete: they are solved, for the others to use in the next
// turn.
template <class A, class X, int kChunk>
__global__ void __launch_bounds__(32 * kSplitWarps<kChunk / kBlock>) split_kernel(const Arguments arguments) {
  constexpr int kSide = kChunk / kBlock;
  constexpr int kWarps = kSplitWarps<kSide>;
  __shared__ alignas(128) float a_blocks[block_count(kSide) * kBlockFloats];
  __shared__ alignas(128) float x_blocks[block_count(kSide) * kBlockFloats];

  wait_for_producers();
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  const int column = lane & 15;  // solving, the upper half-warp repeats what the lower one does and drops it
  const bool keeps = lane < 16;
  const Tile tile = tile_at<kChunk>(arguments, blockIdx.x);
  if (tile.rows == 0) return;

  const A* a = static_cast<const A*>(arguments.a) + tile.offset(arguments.a_stride);
  const auto for_own_blocks = [&](auto visit) {
#pragma unroll
    for (int p = 0, number = 0; p < kSide; ++p) {
#pragma unroll
      for (int m = 0; m <= p; ++m, ++number) {
        if (number % kWarps == warp) visit(p, m);
      }
    }
  };
  for_own_blocks([&](int p, int m) {
    request_blocks<32, 1>(a_blocks, a, arguments.a_stride.token, p, m, m + 1, tile.rows, lane);
  });
  cp_async_commit();
  release_dependents();
  cp_async_wait<0>();
  for_own_blocks([&](int p, int m) { widen_block<32, A>(a_blocks + block_index(p, m) * kBlockFloats, lane); });
  __syncthreads();

  float x[1][kBlock];
  if (warp < kSide) {
    const int diagonal = block_index(warp, warp) * kBlockFloats;
    take_column(x[0], x_blocks + diagonal, warp, column, true);
    substitute(x, a_blocks + diagonal, {column});
    if (keeps) put_column(x_blocks + diagonal, warp, column, x[0]);
  }
  __syncthreads();

  const int2 own = block_of_warp<kSide>(warp);
  const int p = own.x, q = own.y;
  const UpdateLane<2> part(lane);
  float accumulator[4][2] = {};
#pragma unroll 1
  for (int distance = 1; distance < kSide; ++distance) {
    if (p < kSide && p - q >= distance) {
      const int m = q + distance - 1;
      update(accumulator, a_blocks + block_index(p, m) * kBlockFloats, x_blocks + block_index(m, q) * kBlockFloats,
             q, m == q, part);
      if (p - q == distance) {
        float* block = x_blocks + block_index(p, q) * kBlockFloats;
        put_accumulator(block, q, accumulator, part);
        __syncwarp();
        take_column(x[0], block, q, column, false);
        substitute(x, a_blocks + block_index(p, p) * kBlockFloats, {0});
        __syncwarp();  // both halves have read what the lower one replaces
        if (keeps) put_column(block, q, column, x[0]);
      }
    }
    __syncthreads();
  }

  if (warp >= kSide) return;
  X* to = static_cast<X*>(arguments.x) + tile.offset(arguments.x_stride);
  RowWriter<kSide, 32, X> writer(x_blocks, to, arguments.x_stride.token, tile.rows, lane, warp);
  writer.write(warp, arguments.x_stride.token);
}

}  // namespace plumb::solve_tril
