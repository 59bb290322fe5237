// Device code of tma: as vec16, with A's lower blocks loaded and full tiles of X stored by the copy engine.
#pragma once

#include "optimized/device/dependent_launch.cuh"
#include "optimized/device/tma.cuh"
#include "optimized/solve_tril/block_io.cuh"
#include "optimized/solve_tril/vec16_kernel.cuh"

namespace plumb::solve_tril {

// Map axes are column, token, head, batch. A's box is one block, [16, 16, 1, 1], swizzled over 64 bytes when fp32;
// X's is one block row, [BT, 16, 1, 1]. A chunk at a sequence's end loads rows of the next sequence (or, past T,
// zeros): they only reach rows of X that do not exist. Such a tail is stored row by row.
template <class A, class X, int kChunk>
__global__ void __launch_bounds__(32, kChunk == 16 ? 1 : 0)
    tma_kernel(const Arguments arguments, const __grid_constant__ CUtensorMap a_map,
               const __grid_constant__ CUtensorMap x_map) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  constexpr int kSide = kChunk / kBlock;
  constexpr int kTiles = kTilesPerWarp<kChunk>;
  constexpr int kTeam = 32 / kTiles;
  constexpr int kBlockBytes = kBlockFloats * static_cast<int>(sizeof(A));
  __shared__ alignas(1024) float blocks[kTiles][block_count(kSide) * kBlockFloats];
  __shared__ alignas(128) X staged[kTiles][kBlock * kChunk];
  __shared__ Mbarrier arrived[kSide];

  const int lane = threadIdx.x;
  const int team = lane / kTeam, member = lane % kTeam;
  if (lane == 0) {
    prefetch_tensor_map(&a_map);
    prefetch_tensor_map(&x_map);
#pragma unroll
    for (Mbarrier& barrier : arrived) mbarrier_init(barrier, kTiles);
    mbarrier_fence();
  }
  __syncwarp();

  wait_for_producers();
  const Tile tile = tile_at<kChunk>(arguments, blockIdx.x * kTiles + team);
  if (kTiles == 1 && tile.rows == 0) return;
  const BoxCorner corner{
      {0, static_cast<int>(tile.token), static_cast<int>(tile.head), static_cast<int>(tile.batch)}};

  if (member == 0) {
    for (int p = 0; p < kSide; ++p) {
      mbarrier_arrive_expecting(arrived[p], tile.rows > 0 ? (p + 1) * kBlockBytes : 0);
      if (tile.rows == 0) continue;
      for (int m = 0; m <= p; ++m) {
        BoxCorner block = corner;
        block.at[0] = kBlock * m;
        block.at[1] += kBlock * p;
        load_box(landing<A>(blocks[team] + block_index(p, m) * kBlockFloats), &a_map, block, arrived[p]);
      }
    }
  }
  release_dependents();

  const auto prepare = [&](int r) {
    mbarrier_wait(arrived[r], 0);
    for (int m = 0; m <= r; ++m) widen_block<kTeam, A>(blocks[team] + block_index(r, m) * kBlockFloats, member);
  };
  // Both halves take the same way through the stores, so that they meet at the same barriers.
  X* x = static_cast<X*>(arguments.x) + tile.offset(arguments.x_stride);
  RowWriter<kSide, kTeam, X> writer(blocks[team], x, arguments.x_stride.token, tile.rows, member);
  const bool all_full = __all_sync(0xffffffffu, tile.rows == kChunk);
  const auto store = [&](int p) {
    if (!all_full) return writer.write(p, arguments.x_stride.token);
    if (member == 0) wait_for_stored_boxes();
    __syncwarp();  // the block row before this has left `staged`
    int at = member * kPerAccess<X>;
    writer.reader.read(p, [&](const auto& packed) {
      plumb::store<16>(packed, staged[team] + at);
      at += kTeam * kPerAccess<X>;
    });
    fence_before_store_box();
    __syncwarp();
    if (member == 0) {
      BoxCorner row = corner;
      row.at[1] += kBlock * p;
      store_box(&x_map, row, staged[team]);
    }
  };
  solve_tile<kSide>(blocks[team], lane, prepare, store);
  if (all_full && member == 0) wait_for_stored_boxes();  // shared memory must outlive its readers
#endif
}

}  // namespace plumb::solve_tril
