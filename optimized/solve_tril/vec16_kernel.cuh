// Device code of vec16: a warp solves a tile of 64, or two of 32 or 16; A comes by 16-byte cp.async.
#pragma once

#include "optimized/device/dependent_launch.cuh"
#include "optimized/solve_tril/block_io.cuh"

namespace plumb::solve_tril {

template <int kChunk>
constexpr int kTilesPerWarp = kChunk == 64 ? 1 : 2;

// Waits until at most `groups` (0 .. 3) of this thread's cp.async groups are under way.
__device__ __forceinline__ void wait_for_all_but(int groups) {
  switch (groups) {
    case 0:
      return cp_async_wait<0>();
    case 1:
      return cp_async_wait<1>();
    case 2:
      return cp_async_wait<2>();
    default:
      return cp_async_wait<3>();
  }
}

// Blocks per multiprocessor that the register allocation must leave room for. On sm_90 shared memory holds 20 tiles
// of 64 and the kernels fit into their 96 registers; elsewhere a bound made some of them spill, so the compiler
// chooses.
template <int kChunk>
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ == 900
constexpr int kResident = kChunk == 64 ? 20 : 0;
#else
constexpr int kResident = 0;
#endif

// One warp per block: a block that has finished makes room at once, so that loading, solving and storing of
// different tiles overlap.
template <class A, class X, int kChunk>
__global__ void __launch_bounds__(32, kResident<kChunk>) vec16_kernel(const Arguments arguments) {
  constexpr int kSide = kChunk / kBlock;
  constexpr int kTiles = kTilesPerWarp<kChunk>;
  constexpr int kTeam = 32 / kTiles;
  __shared__ alignas(128) float blocks[kTiles][block_count(kSide) * kBlockFloats];

  wait_for_producers();
  const int lane = threadIdx.x;
  const int team = lane / kTeam, member = lane % kTeam;
  const Tile tile = tile_at<kChunk>(arguments, blockIdx.x * kTiles + team);
  if (kTiles == 1 && tile.rows == 0) return;

  const A* a = static_cast<const A*>(arguments.a) + tile.offset(arguments.a_stride);
#pragma unroll
  for (int p = 0; p < kSide; ++p) {
    request_blocks<kTeam, kSide>(blocks[team], a, arguments.a_stride.token, p, 0, p + 1, tile.rows, member);
    cp_async_commit();
  }
  release_dependents();

  X* x = static_cast<X*>(arguments.x) + tile.offset(arguments.x_stride);
  RowWriter<kSide, kTeam, X> writer(blocks[team], x, arguments.x_stride.token, tile.rows, member);
  solve_tile<kSide>(
      blocks[team], lane,
      [&](int r) {
        wait_for_all_but(kSide - 1 - r);
        for (int m = 0; m <= r; ++m) widen_block<kTeam, A>(blocks[team] + block_index(r, m) * kBlockFloats, member);
      },
      [&](int p) { writer.write(p, arguments.x_stride.token); });
}

}  // namespace plumb::solve_tril
