// Device code of stream and tma: resident blocks through which tiles flow.
//
// Three kinds of warps share a block's ring of slots, each of which holds the lower blocks of a unit, kUnitTiles
// tiles side by side. Loaders fill free slots, with cp.async or with the copy engine; where A is of 16 bits
// wideners turn it into fp32 in place; teams of solvers take the units in turn, store X from registers and free the
// slot. So memory is busy while tiles are solved, and nobody waits for a launch.
//
// Measured on an H200, T = 32768, 32 heads, fp32 to bf16 / bf16: 86 / 88 us. Without its multiply-adds the same
// takes 82 / 72, where L2 looks up tags 81% of the time (X goes out in pieces of 32 bytes), without loads and
// stores 62 / 71, where an instruction takes 1.4 cycles of its scheduler (registers are read through two banks).
// Three warps to a team, X through shared memory and the copy engine, and products in loops that fetch ahead were
// as fast or slower.
#pragma once

#include "optimized/device/cp_async.cuh"
#include "optimized/device/dependent_launch.cuh"
#include "optimized/device/tma.cuh"
#include "optimized/solve_tril/columns.cuh"
#include "optimized/solve_tril/stream.h"
#include "optimized/solve_tril/tile.cuh"

namespace plumb::solve_tril {

// What a block consists of. With two warps in a team the first solves block column 0 and the second 1, 2, 3: about
// the same work.
template <class A, int kChunk, bool kTma>
struct Stream {
  using C = Columns<kUnitTiles>;
  static constexpr int kSide = kChunk / C::kBlock;
  static constexpr bool kWidens = sizeof(A) == 2;
  static constexpr int kTeamWarps = kSide == 4 ? 2 : 1;
  static constexpr int kTeams = 8 / kTeamWarps;
  static constexpr int kSolverWarps = kTeams * kTeamWarps;
  static constexpr int kLoaderWarps = kTma ? 1 : kWidens ? 2 : 4;
  static constexpr int kWidenerWarps = kWidens ? 2 : 0;
  static constexpr int kThreads = 32 * (kSolverWarps + kLoaderWarps + kWidenerWarps);
  static constexpr int kMostSlots = kSide == 4 ? 5 : kSide == 2 ? 16 : 32;
  static constexpr int kSlotBytes = C::block_at(kSide, 0);
  static constexpr int kScratchBytes = kTeamWarps == 2 ? C::kBlockBytes : 0;  // of a team

  static constexpr int shared_bytes(int slots);
};

// A unit's tiles, as its loaders tell the solvers.
struct UnitHeader {
  std::int64_t x_offset[kUnitTiles];  // elements
  int rows[kUnitTiles];
};

struct SlotBarriers {
  Mbarrier arrived[4];  // by block row: A's bytes, as they are in memory; of 16-bit types only
  Mbarrier full[4];     // by block row: A in fp32
  Mbarrier passed;      // the team's first warp needs A's block (1, 1) no more
  Mbarrier empty;       // the unit has been solved
};

template <class A, int kChunk, bool kTma>
constexpr int Stream<A, kChunk, kTma>::shared_bytes(int slots) {
  return slots * (kSlotBytes + static_cast<int>(sizeof(UnitHeader) + sizeof(SlotBarriers))) +
         kTeams * kScratchBytes;
}

// Walks over a ring of slots.
struct RingPlace {
  int slot = 0, round = 0;
  __device__ __forceinline__ void advance(int by, int slots) {
    slot += by;
    while (slots <= slot) slot -= slots, ++round;
  }
  __device__ __forceinline__ int parity() const { return round & 1; }
};

// One block column of X with plain loops and A from memory, where A is not finite: 16 lanes have a column each, of
// one tile after the other. `scratch`: 4 KiB that no other warp uses.
template <class A, class X>
__device__ __noinline__ void solve_column_plainly(const A* a, std::int64_t a_step, X* x, std::int64_t x_step,
                                                  int rows, int column, float* scratch) {
  for (int i = 0; i < rows; ++i) {
    float value = i == column ? 1.0f : 0.0f;
    for (int k = column; k < i; ++k) value = fmaf(-to_float(a[i * a_step + k]), scratch[k * 16], value);
    scratch[i * 16] = value;
    x[i * x_step + column] = from_float<X>(value);
  }
}

// A warp's part in solving one unit.
template <class A, class X, int kChunk, bool kTma>
struct UnitSolver {
  using S = Stream<A, kChunk, kTma>;
  using C = Columns<kUnitTiles>;

  const Arguments& arguments;
  char* blocks;
  char* scratch;  // of the team
  SlotBarriers& slot;
  int parity;
  int lane, tile_index, member, rows;
  X* x;

  // Where X (p, q) is kept for the block rows below. Block column 0 alone uses A's blocks (p, 0).
  // The second warp has a block of its own, and takes A's (1, 1) when the first warp is done with it.
  __device__ __forceinline__ char* kept(int p, int q) const {
    return q == 0   ? blocks + C::block_at(p, 0)
           : p == q ? (S::kTeamWarps == 2 ? scratch : blocks + C::block_at(p, q))
                    : blocks + C::block_at(1, 1);
  }

  // Returns whether the last row came out finite.
  __device__ __forceinline__ bool solve_block_column(int q, int block_rows) const {
    bool finite = true;
    X* row = x + q * C::kBlock * arguments.x_stride.token;
#pragma unroll 1
    for (int p = q; p < block_rows; ++p) {
      const char* block = blocks + tile_index * 64 + C::block_at(p, q);
      mbarrier_wait(slot.full[p], parity);
      typename C::Values values;
      solve_block<kUnitTiles, Order::kThereAndBack>(values, block, lane, p, q,
                                                    [&](int m, int n) { return kept(m, n); });
      if (S::kSide > 1 && p + 1 < block_rows) {
        __syncwarp();  // what stood there has been read by all
        if (S::kTeamWarps == 2 && q == 0 && p == 1) mbarrier_arrive(slot.passed);
        if (S::kTeamWarps == 2 && q == 1 && p == 2) mbarrier_wait(slot.passed, parity);
        keep<kUnitTiles>(values, kept(p, q), lane, q);
      }
      store_block<kUnitTiles>(values, row + q * C::kBlock, arguments.x_stride.token, member, rows - p * C::kBlock);
      if (p == q && p + 1 < S::kSide) {
        store_zeros<kUnitTiles, S::kSide>(row, arguments.x_stride.token, p, member, 0, 1, rows - p * C::kBlock);
      }
      row += C::kBlock * arguments.x_stride.token;
      finite = ends_finite<kUnitTiles>(values);
    }
    return finite;
  }
};

template <class A, class X, int kChunk, bool kTma>
__device__ __forceinline__ void solve_units(const Arguments& arguments, char* ring, UnitHeader* headers,
                                            SlotBarriers* barriers, char* scratch, int units, int slots, int warp,
                                            int lane) {
  using S = Stream<A, kChunk, kTma>;
  using C = Columns<kUnitTiles>;
  // A team more than there are slots would wait for a slot's second use before its first.
  const int teams = min(S::kTeams, slots);
  const int team = warp / S::kTeamWarps, role = warp % S::kTeamWarps;
  if (team >= teams) return;
  RingPlace place;
  place.advance(team, slots);
#pragma unroll 1
  for (int unit = blockIdx.x + team * gridDim.x; unit < units; unit += teams * gridDim.x) {
    SlotBarriers& slot = barriers[place.slot];
    char* const blocks = ring + place.slot * S::kSlotBytes;
    mbarrier_wait(slot.full[0], place.parity());
    const UnitHeader& header = headers[place.slot];
    const int tile_index = C::tile_of(lane);
    const UnitSolver<A, X, kChunk, kTma> solver{.arguments = arguments,
                                                .blocks = blocks,
                                                .scratch = scratch + team * S::kScratchBytes,
                                                .slot = slot,
                                                .parity = place.parity(),
                                                .lane = lane,
                                                .tile_index = tile_index,
                                                .member = C::member_of(lane),
                                                .rows = header.rows[tile_index],
                                                .x = static_cast<X*>(arguments.x) + header.x_offset[tile_index]};
    const int block_rows = __reduce_max_sync(0xffffffffu, (solver.rows + C::kBlock - 1) / C::kBlock);
#pragma unroll 1
    for (int q = role; q < (role + 1 == S::kTeamWarps ? S::kSide : 1); ++q) {
      const bool finite = solver.solve_block_column(q, block_rows);
      if (__all_sync(0xffffffffu, finite)) continue;
      __syncwarp();  // what stood in `free` has been read by all
      float* const free = reinterpret_cast<float*>(role == 0 ? blocks + C::block_at(q, q) : solver.scratch);
#pragma unroll 1
      for (int i = 0; i < kUnitTiles; ++i) {
        const Tile tile = tile_at<kChunk>(arguments, unit * kUnitTiles + i);
        if (lane >= C::kBlock) continue;
        solve_column_plainly(static_cast<const A*>(arguments.a) + tile.offset(arguments.a_stride),
                             arguments.a_stride.token,
                             static_cast<X*>(arguments.x) + tile.offset(arguments.x_stride),
                             arguments.x_stride.token, tile.rows, q * C::kBlock + lane, free + lane);
      }
    }
    // One phase of `passed` per unit: it belongs to the slot, as the first warp may be several units ahead.
    if (S::kTeamWarps == 2 && role == 0 && block_rows < 3) mbarrier_arrive(slot.passed);
    // Block rows behind a tail are loaded and widened, too, if only with zeros: not to be outrun.
    for (int p = block_rows; p < S::kSide; ++p) mbarrier_wait(slot.full[p], place.parity());
    if constexpr (kTma) fence_before_store_box();  // the copy engine writes next what was written here
    mbarrier_arrive(slot.empty);
    place.advance(teams, slots);
  }
}

// A's block rows into free slots by cp.async, as they are. Of rows that do not exist zeros. A warp takes
// neighbouring blocks of a row of all tiles at a time; in loops, as their code would crowd out that of the solvers
// (H200, unrolled: up to 7% slower).
template <class A, int kChunk>
__device__ __forceinline__ void load_units(const Arguments& arguments, char* ring, UnitHeader* headers,
                                           SlotBarriers* barriers, int units, int slots, int thread) {
  using S = Stream<A, kChunk, false>;
  using C = Columns<kUnitTiles>;
  constexpr int kPer = 16 / static_cast<int>(sizeof(A)), kAccesses = C::kBlock / kPer;
  constexpr int kBlocks = 32 / kUnitTiles / kAccesses;  // side by side, of a row of all tiles
  const int lane = thread % 32, first_row = thread / 32;
  const int access = lane % kAccesses, tile_index = lane / kAccesses % kUnitTiles,
            first_m = lane / (kAccesses * kUnitTiles);
  static_assert(S::kLoaderWarps % 2 == 0, "the swizzle would change from row to row");
  // 16-bit blocks arrive in the upper half of their place.
  const int to_first =
      first_m * C::kBlockBytes +
      (S::kWidens ? C::kBlockBytes / 2 + first_row * (C::kRowBytes / 2) + tile_index * 32 + access * 16
                  : C::chunk_at(first_row, tile_index, access));
  constexpr int kRoundBytes = S::kLoaderWarps * C::kRowBytes / (S::kWidens ? 2 : 1);
  RingPlace place;
#pragma unroll 1
  for (int unit = blockIdx.x; unit < units; unit += gridDim.x) {
    const Tile tile = tile_at<kChunk>(arguments, unit * kUnitTiles + tile_index);
    SlotBarriers& slot = barriers[place.slot];
    if (place.round > 0) mbarrier_wait(slot.empty, place.parity() ^ 1);
    if (first_row == 0 && first_m == 0 && access == 0 && !(device_fault(Fault::kStaleUnit) && place.round > 0)) {
      headers[place.slot].x_offset[tile_index] = tile.offset(arguments.x_stride);
      headers[place.slot].rows[tile_index] = tile.rows;
    }
    const std::int64_t step = S::kLoaderWarps * arguments.a_stride.token;
    const A* from = static_cast<const A*>(arguments.a) + tile.offset(arguments.a_stride) +
                    first_row * arguments.a_stride.token + first_m * C::kBlock + access * kPer;
    char* const to = ring + place.slot * S::kSlotBytes + to_first;
    int left = tile.rows - first_row;
#pragma unroll 1
    for (int p = 0; p < S::kSide; ++p) {
#pragma unroll 1
      for (int m0 = 0; m0 + first_m <= p; m0 += kBlocks) {
        // Of a diagonal block only what holds elements below the diagonal.
        const int first_round =
            m0 + first_m < p ? 0 : (kPer * access + S::kLoaderWarps - first_row) / S::kLoaderWarps;
        char* const to_row = to + C::block_at(p, m0);
        const A* from_row = from + C::kBlock * m0;
#pragma unroll
        for (int round = 0; round < C::kBlock / S::kLoaderWarps; ++round) {
          if (first_round <= round) {
            cp_async_cg16(to_row + round * kRoundBytes, from_row, round * S::kLoaderWarps < left ? 16 : 0);
          }
          from_row += step;
        }
      }
      from += C::kBlock / S::kLoaderWarps * step;
      left -= C::kBlock;
      Mbarrier& loaded = S::kWidens ? slot.arrived[p] : slot.full[p];
      mbarrier_arrive_after_copies(loaded);
      if (p == 0) mbarrier_arrive(loaded);  // for the header
    }
    place.advance(1, slots);
  }
}

// The same by the copy engine, a block of all tiles at a time; by one warp.
template <class A, int kChunk>
__device__ __forceinline__ void load_units_by_boxes(const Arguments& arguments, const CUtensorMap& a_map,
                                                    char* ring, UnitHeader* headers, SlotBarriers* barriers,
                                                    int units, int slots, int lane) {
  using S = Stream<A, kChunk, true>;
  using C = Columns<kUnitTiles>;
  RingPlace place;
#pragma unroll 1
  for (int unit = blockIdx.x; unit < units; unit += gridDim.x) {
    const Tile tile = tile_at<kChunk>(arguments, unit * kUnitTiles + lane % kUnitTiles);
    SlotBarriers& slot = barriers[place.slot];
    if (place.round > 0) mbarrier_wait(slot.empty, place.parity() ^ 1);
    if (lane < kUnitTiles) {
      if (!(device_fault(Fault::kStaleUnit) && place.round > 0)) {
        headers[place.slot].x_offset[lane] = tile.offset(arguments.x_stride);
        headers[place.slot].rows[lane] = tile.rows;
      }
      mbarrier_arrive(S::kWidens ? slot.arrived[0] : slot.full[0]);
    }
    __syncwarp();  // a lane left behind would miss a phase of `empty`
    if (lane == 0) {
      char* const blocks = ring + place.slot * S::kSlotBytes;
#pragma unroll 1
      for (int p = 0; p < S::kSide; ++p) {
        Mbarrier& loaded = S::kWidens ? slot.arrived[p] : slot.full[p];
        const bool exists = p * C::kBlock < tile.rows;
        mbarrier_arrive_expecting(loaded, exists ? (p + 1) * C::kBlockBytes / (S::kWidens ? 2 : 1) : 0);
        for (int m = 0; exists && m <= p; ++m) {
          const BoxCorner corner{{m * C::kBlock, static_cast<int>(tile.head),
                                  static_cast<int>(tile.token) + p * C::kBlock, static_cast<int>(tile.batch)}};
          load_box(blocks + C::block_at(p, m) + (S::kWidens ? C::kBlockBytes / 2 : 0), &a_map, corner, loaded);
        }
      }
    }
    place.advance(1, slots);
  }
}

// Turns what has arrived into fp32. A warp takes every kWidenerWarps-th block of a block row.
template <class A, int kChunk, bool kTma>
__device__ __forceinline__ void widen_units(char* ring, SlotBarriers* barriers, int units, int slots, int warp,
                                            int lane) {
  using S = Stream<A, kChunk, kTma>;
  using C = Columns<kUnitTiles>;
  RingPlace place;
#pragma unroll 1
  for (int unit = blockIdx.x; unit < units; unit += gridDim.x) {
    SlotBarriers& slot = barriers[place.slot];
    char* const blocks = ring + place.slot * S::kSlotBytes;
#pragma unroll 1
    for (int p = 0; p < S::kSide; ++p) {
      mbarrier_wait(slot.arrived[p], place.parity());
#pragma unroll 1
      for (int m = (p + warp) % 2; m <= p; m += S::kWidenerWarps) {
        widen_block<A, kUnitTiles>(blocks + C::block_at(p, m), lane);
      }
      mbarrier_arrive(slot.full[p]);
    }
    place.advance(1, slots);
  }
}

// `units`: groups of kUnitTiles tiles, in order of their numbers. With cu_seqlens, and for the copy engine, they
// must be heads of one slot.
template <class A, class X, int kChunk, bool kTma>
__device__ __forceinline__ void stream_units(const Arguments& arguments, const CUtensorMap* a_map, int units,
                                             int slots) {
  using S = Stream<A, kChunk, kTma>;
  extern __shared__ __align__(1024) char shared[];
  char* const ring = shared;
  char* const scratch = ring + slots * S::kSlotBytes;
  auto* const headers = reinterpret_cast<UnitHeader*>(scratch + S::kTeams * S::kScratchBytes);
  auto* const barriers = reinterpret_cast<SlotBarriers*>(headers + slots);
  const int lane = threadIdx.x % 32, warp = __shfl_sync(0xffffffffu, threadIdx.x / 32, 0);

  for (int i = threadIdx.x; i < slots; i += blockDim.x) {
    constexpr int kLoads = kTma ? 1 : 32 * S::kLoaderWarps, kHeaders = kTma ? kUnitTiles : kLoads;
    for (int p = 0; p < S::kSide; ++p) {
      const int loads = p > 0 ? kLoads : kLoads + kHeaders;
      mbarrier_init(barriers[i].arrived[p], loads);
      mbarrier_init(barriers[i].full[p], S::kWidens ? 32 * S::kWidenerWarps : loads);
    }
    mbarrier_init(barriers[i].passed, 32);
    mbarrier_init(barriers[i].empty, 32 * S::kTeamWarps);
  }
  if constexpr (kTma) mbarrier_fence();
  wait_for_producers();
  __syncthreads();
  release_dependents();

  if (warp < S::kSolverWarps) {
    solve_units<A, X, kChunk, kTma>(arguments, ring, headers, barriers, scratch, units, slots, warp, lane);
  } else if (warp < S::kSolverWarps + S::kLoaderWarps) {
    if constexpr (kTma) {
      load_units_by_boxes<A, kChunk>(arguments, *a_map, ring, headers, barriers, units, slots, lane);
    } else {
      load_units<A, kChunk>(arguments, ring, headers, barriers, units, slots, threadIdx.x - 32 * S::kSolverWarps);
    }
  } else {
    if constexpr (S::kWidens) {
      widen_units<A, kChunk, kTma>(ring, barriers, units, slots, warp - S::kSolverWarps - S::kLoaderWarps, lane);
    }
  }
}

template <class A, class X, int kChunk>
__global__ void __launch_bounds__(Stream<A, kChunk, false>::kThreads, 1)
    stream_kernel(const Arguments arguments, int units, int slots) {
  stream_units<A, X, kChunk, false>(arguments, nullptr, units, slots);
}

template <class A, class X, int kChunk>
__global__ void __launch_bounds__(Stream<A, kChunk, true>::kThreads, 1)
    stream_tma_kernel(const Arguments arguments, const __grid_constant__ CUtensorMap a_map, int units, int slots) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  if (threadIdx.x == 0) prefetch_tensor_map(&a_map);
  stream_units<A, X, kChunk, true>(arguments, &a_map, units, slots);
#endif
}

}  // namespace plumb::solve_tril
