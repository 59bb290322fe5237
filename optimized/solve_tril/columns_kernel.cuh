// Device code of vec16 and tma by columns: a block solves a few tiles side by side and is done.
#pragma once

#include "optimized/device/cp_async.cuh"
#include "optimized/device/dependent_launch.cuh"
#include "optimized/device/first_wave.cuh"
#include "optimized/device/mbarrier.cuh"
#include "optimized/device/tma.cuh"
#include "optimized/solve_tril/columns.cuh"
#include "optimized/solve_tril/plain.cuh"

namespace plumb::solve_tril {

// A team of warps solves kTiles tiles. Two to a block where a warp has least to do (H200, BT = 16, bf16, T = 8192:
// 6.9 us, one 7.3, four 7.2; where BT is 32 one is fastest).
template <int kChunk>
constexpr int kColumnTeams = kChunk == 16 ? 2 : 1;
template <int kChunk>
constexpr int kColumnWarps = kChunk == 64 ? 4 : kColumnTeams<kChunk>;  // of a block

// Blocks that share a multiprocessor, for which shared memory and registers are divided. Of four tiles of BT = 64
// there may be five: then the order of their multiply-adds is that which needs fewer registers, and less of X has a
// place of its own.
template <int kChunk, int kTiles>
constexpr int kColumnsResident = kChunk == 16   ? 8
                                 : kChunk == 32 ? 16
                                 : kTiles == 4  ? 4
                                                : 5;

// What the register allocation must leave room for: only where that was seen not to spill.
template <int kChunk, int kResident>
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ == 900
constexpr int kColumnsBound = kResident;
#else
constexpr int kColumnsBound = kChunk == 64 ? 1 : 0;  // without a bound sm_100 spills there
#endif

// Blocks of X below each other: rows `first` to `end` - 1 of block column q.
struct Run {
  int q, first, end;
};

// What a warp solves one after the other; a run may be empty. Of BT = 64 four warps have 2,000, 1,730, 1,380 and
// 1,650 multiply-adds a lane (four tiles); the last waits for what the first solves.
template <int kSide>
constexpr int kRuns = kSide == 4 ? 2 : kSide;
template <int kSide>
__device__ __forceinline__ Run run_of(int warp, int turn) {
  if constexpr (kSide == 4) {  // not a table, which would lie in local memory
    if (warp == 0) return turn == 0 ? Run{0, 0, 3} : Run{};
    if (warp == 1) return turn == 0 ? Run{1, 1, 3} : Run{2, 2, 4};
    if (warp == 2) return turn == 0 ? Run{3, 3, 4} : Run{1, 3, 4};
    return turn == 0 ? Run{0, 3, 4} : Run{};
  } else {
    return {turn, turn, kSide};
  }
}

template <class A, class X, int kChunk, int kTiles, int kResident, bool kTma>
struct ColumnSolver {
  using C = Columns<kTiles>;
  static constexpr int kSide = kChunk / C::kBlock;
  static constexpr int kTeams = kColumnTeams<kChunk>;
  static constexpr int kWarps = kColumnWarps<kChunk> / kTeams;  // of a team
  // Warps that bring A, the last ones. A 16-bit A of two tiles has a block's 64 accesses for two.
  static constexpr int kLoaders = kWarps == 4 && sizeof(A) == 2 && kTiles == 2 ? 2 : kWarps;
  static constexpr int kFirstLoader = kWarps - kLoaders;
  static constexpr int kMembers = kLoaders * C::kLanes;  // of these, threads of a tile
  static constexpr bool kDense = kResident > kColumnsResident<kChunk, kTiles>;
  static constexpr Order kOrder = kDense ? Order::kColumns : Order::kThereAndBack;
  static constexpr int kScratch = kSide < 4 ? 0 : kDense ? C::kBlockBytes : 2 * C::kBlockBytes;
  static constexpr bool kWidensInPlace = kTma && sizeof(A) == 2;
  // Block rows 0 to 2 of X are stored when they are whole, from where they are kept (H200, fp32 to bf16: T = 4096
  // 14.7 us, a block of X at a time 15.6; T = 8192 25.9, 26.4. bf16 is 5% slower there).
  static constexpr bool kWholeRows = kSide == 4 && kTiles == 4 && sizeof(A) == 4 && sizeof(X) == 2;
  // Where cp.async brings A of BT = 64, the barriers lie in row 0 of block (3, 3), which has no element of A, is
  // used by no term and is no place for X: with four tiles that leaves 48 KiB, for which a launch need not opt in,
  // or 44, of which five blocks have room.
  static constexpr bool kBarriersInside = !kTma && kSide == 4;
  static constexpr int kEnd = C::block_at(kSide, 0) + kScratch;
  static constexpr int kBarrierBytes = 128;  // of a team
  static constexpr int kBarriersAt = kBarriersInside ? C::block_at(3, 3) : kTeams * kEnd;
  static constexpr int kSharedBytes = kBarriersInside ? kEnd : kTeams * (kEnd + kBarrierBytes);

  const Arguments& arguments;
  char* blocks;
  Mbarrier* ready;  // by block row of A
  int lane, warp, tile_index, member;
  Tile tile;

  // By block row: A as it is in memory, before it is widened.
  __device__ __forceinline__ Mbarrier* arrived() const { return ready + kSide; }
  // X (p, q) above the last block row: (0, 0), (1, 0), (2, 0), (1, 1), (2, 1), none, (2, 2).
  static constexpr int kKept = kSide == 4 ? 7 : 0;
  static_assert((2 * kSide + kKept) * sizeof(Mbarrier) <= kBarrierBytes);
  __device__ __forceinline__ Mbarrier& is_kept(int p, int q) const { return ready[2 * kSide + p + 2 * q]; }

  __device__ __forceinline__ void init_barriers() const {
#pragma unroll
    for (int p = 0; p < kSide; ++p) {
      mbarrier_init(ready[p], kWidensInPlace ? 32 * kWarps : kTma ? 1 : 32 * kLoaders);
      if constexpr (kWidensInPlace) mbarrier_init(arrived()[p], 1);
    }
#pragma unroll
    for (int i = 0; i < kKept; ++i) mbarrier_init(is_kept(i, 0), 32);
    if constexpr (kTma) mbarrier_fence();
  }

  // By one thread, whose tile is the block's first: the blocks of all tiles, by the copy engine.
  __device__ __forceinline__ void request_boxes(const CUtensorMap& a_map) const {
    constexpr int kBytes = C::kBlockBytes / 4 * static_cast<int>(sizeof(A));
#pragma unroll 1
    for (int p = 0; p < kSide; ++p) {
      Mbarrier& loaded = kWidensInPlace ? arrived()[p] : ready[p];
      mbarrier_arrive_expecting(loaded, (p + 1) * kBytes);
#pragma unroll 1
      for (int m = 0; m <= p; ++m) {
        const BoxCorner corner{{m * C::kBlock, static_cast<int>(tile.head),
                                static_cast<int>(tile.token) + p * C::kBlock, static_cast<int>(tile.batch)}};
        load_box(blocks + C::block_at(p, m) + (kWidensInPlace ? C::kBlockBytes / 2 : 0), &a_map, corner, loaded);
      }
    }
  }

  // The warps take turns.
  __device__ __forceinline__ void widen_boxes() const {
#pragma unroll 1
    for (int p = 0; p < kSide; ++p) {
      mbarrier_wait(arrived()[p], 0);
#pragma unroll 1
      for (int m = (p + warp) % kWarps; m <= p; m += kWarps)
        widen_block<A, kTiles>(blocks + C::block_at(p, m), lane);
      mbarrier_arrive(ready[p]);
    }
  }

  // What of A a thread brings: in every kRows-th row of a tile the same 16 bytes of each block.
  struct Portion {
    static constexpr int kPer = 16 / static_cast<int>(sizeof(A)), kAccesses = C::kBlock / kPer,
                         kRows = kMembers / kAccesses, kChunks = kPer / 4;  // of fp32
    int access, tile, row;                                                  // the first row
    std::int64_t offset;                                                    // of the tile, in elements
    int rows;                                                               // of the tile
  };

  // In fp32 of the tile that it solves. In 16-bit types neighbouring lanes have neighbouring accesses of a row and
  // then those of the next tile, which lie in other banks of shared memory (H200, bf16, BT = 16 and 32: 4% faster;
  // in fp32, which cp.async brings there, up to 2% slower).
  __device__ __forceinline__ Portion portion() const {
    if constexpr (sizeof(A) == 4) {
      const int thread = (warp - kFirstLoader) * C::kLanes + member;
      return {.access = thread % Portion::kAccesses,
              .tile = tile_index,
              .row = thread / Portion::kAccesses,
              .offset = tile.offset(arguments.a_stride),
              .rows = tile.rows};
    } else {
      constexpr int kAtOnce = Portion::kAccesses * kTiles;
      const int of = lane / Portion::kAccesses % kTiles, from = 4 * of;  // a lane that solves that tile
      return {.access = lane % Portion::kAccesses,
              .tile = of,
              .row = (lane + 32 * (warp - kFirstLoader)) / kAtOnce,
              .offset = __shfl_sync(0xffffffffu, tile.offset(arguments.a_stride), from),
              .rows = __shfl_sync(0xffffffffu, tile.rows, from)};
    }
  }

  // Brings the thread's portion. A 16-bit A goes through registers or is widened in shared memory (H200, bf16:
  // where BT is 32 12.4 us at T = 8192, through registers 14.0; where BT is 64 and two warps bring it, while the
  // others begin, 5.5 us at T = 512, through registers 5.9; where BT is 16 or all warps bring it 2-8% slower).
  __device__ __forceinline__ void request() const {
    const Portion share = portion();
    if constexpr (sizeof(A) == 4) {
      request_copies(share);
    } else if constexpr (kSide == 2 || kLoaders < kWarps) {
      request_copies(share);
      widen_copies<0>(share);
    } else {
      load_and_widen(share);
    }
  }

  // Visits (p, round, m, the row's address + m's columns, whether to read it).
  template <class Visit, class EndOfRow>
  __device__ __forceinline__ void for_each_access(const Portion& share, Visit visit, EndOfRow end_of_row) const {
    constexpr int kRows = Portion::kRows;
    const int first_column = Portion::kPer * share.access;
    const A* from =
        static_cast<const A*>(arguments.a) + share.offset + share.row * arguments.a_stride.token + first_column;
    const std::int64_t step = kRows * arguments.a_stride.token;
    int left = share.rows - share.row;
#pragma unroll
    for (int p = 0; p < kSide; ++p) {
#pragma unroll
      for (int round = 0; round < C::kBlock / kRows; ++round) {
        const bool below_diagonal = first_column < round * kRows + share.row;
#pragma unroll
        for (int m = 0; m <= p; ++m) visit(p, round, m, from + C::kBlock * m, left > 0, m < p || below_diagonal);
        from += step;
        left -= kRows;
      }
      end_of_row(p);
    }
  }

  // By cp.async. 16-bit types arrive in half of the place that they take as fp32.
  __device__ __forceinline__ void request_copies(const Portion& share) const {
    constexpr int kRows = Portion::kRows;
    static_assert(kRows * C::kRowBytes % 512 == 0, "the swizzle would change from round to round");
    char* const to = blocks + C::chunk_at(share.row, share.tile, share.access * Portion::kChunks);
    for_each_access(
        share,
        [&](int p, int round, int m, const A* from, bool exists, bool wanted) {
          if (wanted) cp_async_cg16(to + C::block_at(p, m) + round * kRows * C::kRowBytes, from, exists ? 16 : 0);
        },
        [&](int p) {
          if constexpr (sizeof(A) == 4) {
            mbarrier_arrive_after_copies(ready[p]);
          } else {
            cp_async_commit();
          }
        });
  }

  // Block row p and those below it, as far as the thread has requested them: it reads and writes its own places.
  template <int p>
  __device__ __forceinline__ void widen_copies(const Portion& share) const {
    constexpr int kRows = Portion::kRows;
    cp_async_wait<kSide - 1 - p>();
#pragma unroll
    for (int m = 0; m <= p; ++m) {
#pragma unroll
      for (int round = 0; round < C::kBlock / kRows; ++round) {
        const int row = round * kRows + share.row;
        if (m == p && Portion::kPer * share.access >= row) continue;
        char* const block = blocks + C::block_at(p, m) + round * kRows * C::kRowBytes;
        const int to = C::chunk_at(share.row, share.tile, share.access * Portion::kChunks);
        Packed<A, 8> packed;
        load<16>(packed, block + to);
        store_as_fp32(packed, block, to);
      }
    }
    mbarrier_arrive(ready[p]);
    if constexpr (p + 1 < kSide) widen_copies<p + 1>(share);
  }

  // Through registers.
  __device__ __forceinline__ void load_and_widen(const Portion& share) const {
    constexpr int kRows = Portion::kRows, kRounds = C::kBlock / kRows;
    Packed<A, 8> packed[kSide * (kSide + 1) / 2 * kRounds];
    for_each_access(
        share,
        [&](int p, int round, int m, const A* from, bool exists, bool wanted) {
          auto& to = packed[(p * (p + 1) / 2 + m) * kRounds + round];
          to = {};
          if (exists && wanted) load<16>(to, from);
        },
        [](int) {});
#pragma unroll
    for (int p = 0; p < kSide; ++p) {
#pragma unroll
      for (int m = 0; m <= p; ++m) {
#pragma unroll
        for (int round = 0; round < kRounds; ++round) {
          const int row = round * kRows + share.row;
          if (p == m && row == 0) continue;  // nothing is left of the diagonal
          store_as_fp32(packed[(p * (p + 1) / 2 + m) * kRounds + round], blocks + C::block_at(p, m),
                        C::chunk_at(row, share.tile, share.access * Portion::kChunks));
        }
      }
      mbarrier_arrive(ready[p]);
    }
  }

  // Block row p of X from where it is kept, and the zeros right of it; neighbouring lanes store a tile's row.
  __device__ __forceinline__ void store_whole_rows(int p, int block_rows) const {
    constexpr int kPer = 8, kAccesses = kSide * C::kBlock / kPer, kGroups = C::kGroups;
    static_assert(kAccesses * kTiles == 32);
    const int access = lane % kAccesses, of = lane / kAccesses, q = access / 2, half = access % 2;
    const int from = 4 * of;  // a lane that solves that tile
    X* to = static_cast<X*>(arguments.x) + __shfl_sync(0xffffffffu, tile.offset(arguments.x_stride), from) +
            p * C::kBlock * arguments.x_stride.token + kPer * access;
    const int rows = __shfl_sync(0xffffffffu, tile.rows, from) - p * C::kBlock;
    if (p >= block_rows) return;
    for (int n = 0; n <= p; ++n) mbarrier_wait(is_kept(p, n), 0);
    const char* const block = kept(p, min(p, q));
    int at[kGroups];  // of the group's columns in this half
#pragma unroll
    for (int group = 0; group < kGroups; ++group) {
      at[group] = C::kept_at(of, group, q) + half * 4 * C::kColumns;
    }
#pragma unroll 4
    for (int i = 0; i < C::kBlock; ++i) {
      float values[kPer] = {};
      if (q <= p) {
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
          const auto pair = *reinterpret_cast<const float2*>(block + at[group] + i * C::kRowBytes);
          values[2 * group] = pair.x, values[2 * group + 1] = pair.y;
        }
      }
      Packed<X, kPer> packed;
      pack<X>(values, packed);
      if (i < rows) store<16>(packed, to);
      to += arguments.x_stride.token;
    }
  }

  // Zeros in the blocks right of the diagonal, by all threads.
  __device__ __forceinline__ void write_zeros() const {
    X* row = static_cast<X*>(arguments.x) + tile.offset(arguments.x_stride);
#pragma unroll
    for (int p = 0; p + 1 < kSide; ++p) {
      store_zeros<kTiles, kSide>(row, arguments.x_stride.token, p, member, warp, kWarps, tile.rows - p * C::kBlock);
      row += C::kBlock * arguments.x_stride.token;
    }
  }

  // Where X (p, q) is kept for the block rows below. Block column 0 alone uses A's blocks (p, 0), whose place they
  // take. (1, 1) and (2, 2) have blocks of their own, and (2, 1) takes A's (1, 1) when the first warp is done with
  // it; if there is no room, (2, 2) takes A's (2, 2) likewise.
  __device__ __forceinline__ char* kept(int p, int q) const {
    const bool own = p == q && (!kDense || p == 1);
    return blocks + (q == 0 ? C::block_at(p, 0)
                     : own  ? C::block_at(kSide, 0) + (q - 1) * C::kBlockBytes
                            : C::block_at(q, q));
  }

  // Returns whether the last row came out finite.
  __device__ __forceinline__ bool solve_run(const Run& run, int block_rows) const {
    const int q = run.q, end = min(run.end, block_rows);
    X* x = static_cast<X*>(arguments.x) + tile.offset(arguments.x_stride) +
           run.first * C::kBlock * arguments.x_stride.token;
    bool finite = true;
#pragma unroll 1
    for (int p = run.first; p < end; ++p) {
      const char* block = blocks + tile_index * 64 + C::block_at(p, q);
      mbarrier_wait(ready[p], 0);
      typename C::Values values;
      solve_block<kTiles, kOrder>(values, block, lane, p, q, [&](int m, int n) {
        if (kKept > 0 && run.first > n) mbarrier_wait(is_kept(m, n), 0);
        return kept(m, n);
      });
      if (kSide > 1 && p + 1 < (kWholeRows ? kSide : block_rows)) {
        __syncwarp();  // what stood there has been read by all
        // The first warp has read A's (q, q).
        if (kWarps > 1 && p == 2 && (q == 1 || (kDense && q == 2))) mbarrier_wait(is_kept(q, 0), 0);
        keep<kTiles>(values, kept(p, q), lane, q);
        if (kKept > 0 && (kWholeRows || q < 2)) mbarrier_arrive(is_kept(p, q));
      }
      if (!kWholeRows || p + 1 == kSide) {
        store_block<kTiles>(values, x + q * C::kBlock, arguments.x_stride.token, member, tile.rows - p * C::kBlock);
      }
      x += C::kBlock * arguments.x_stride.token;
      finite = ends_finite<kTiles>(values);
    }
    return finite;
  }
};

// Team b has the tiles kTiles b, kTiles b + 1, ...; with cu_seqlens, and for the copy engine, they must be heads
// of one slot. What the copy engine brings of rows past a sequence's end only reaches rows of X that do not exist.
template <class A, class X, int kChunk, int kTiles, int kResident, bool kTma>
__device__ __forceinline__ void solve_columns(const Arguments& arguments, const CUtensorMap* a_map) {
  using C = Columns<kTiles>;
  using Solver = ColumnSolver<A, X, kChunk, kTiles, kResident, kTma>;
  extern __shared__ __align__(1024) char shared[];  // Solver::kSharedBytes
  const int lane = threadIdx.x % 32, warp_of_block = __shfl_sync(0xffffffffu, threadIdx.x / 32, 0);
  const int team = Solver::kTeams == 1 ? 0 : warp_of_block / Solver::kWarps;
  const int warp = Solver::kWarps == 1 ? 0 : warp_of_block % Solver::kWarps;
  const std::uint32_t first_tile = (blockIdx.x * Solver::kTeams + team) * kTiles;
  Solver solver{.arguments = arguments,
                .blocks = shared + team * Solver::kEnd,
                .ready = reinterpret_cast<Mbarrier*>(shared + Solver::kBarriersAt + team * Solver::kBarrierBytes),
                .lane = lane,
                .warp = warp,
                .tile_index = C::tile_of(lane),
                .member = C::member_of(lane),
                .tile = {}};
  if (warp == 0 && lane == 0) solver.init_barriers();
  solver.tile = tile_at<kChunk>(arguments, first_tile + solver.tile_index);
  if (!__syncthreads_or(solver.tile.rows > 0)) return;  // sequences leave slots empty
  wait_for_producers();
  constexpr int kBytes = Solver::kTeams * C::block_at(Solver::kSide, 0) / 4 * static_cast<int>(sizeof(A));
  wait_for_those_before<kColumnsBound<kChunk, kResident>>(arguments.sm_count, kBytes);
  if constexpr (kTma) {
    if (warp == Solver::kWarps - 1 && lane == 0) solver.request_boxes(*a_map);  // of the warp that has most time
  } else if (warp >= Solver::kFirstLoader) {
    solver.request();
  }
  release_dependents();
  if constexpr (Solver::kWidensInPlace) solver.widen_boxes();

  const int block_rows = __reduce_max_sync(0xffffffffu, (solver.tile.rows + C::kBlock - 1) / C::kBlock);
  bool finite = true;
#pragma unroll 1
  for (int turn = 0; turn < kRuns<Solver::kSide>; ++turn) {
    if (!solver.solve_run(run_of<Solver::kSide>(warp, turn), block_rows)) finite = false;
  }
  // Not while A is on its way: the warp would wait for these stores before it solves (H200, T = 8192, fp32 to bf16:
  // 26.7 us; 29.8).
  if constexpr (Solver::kWholeRows) {
    if (warp < 3) solver.store_whole_rows(2 - warp, block_rows);  // the last warp has most to wait for
  } else {
    solver.write_zeros();
  }
  if (kTma && !Solver::kWidensInPlace) {  // the block must outlive its boxes, and a tail has not waited for all
#pragma unroll 1
    for (int p = 0; p < Solver::kSide; ++p) mbarrier_wait(solver.ready[p], 0);
  }
  if (__syncthreads_and(finite)) return;
#pragma unroll 1
  for (int i = 0; i < Solver::kTeams * kTiles; ++i) {
    solve_plainly<A, X, kChunk>(reinterpret_cast<float(&)[kChunk][kChunk]>(shared), arguments,
                                tile_at<kChunk>(arguments, blockIdx.x * Solver::kTeams * kTiles + i));
  }
}

template <class A, class X, int kChunk, int kTiles, int kResident = kColumnsResident<kChunk, kTiles>>
__global__ void __launch_bounds__(32 * kColumnWarps<kChunk>, kColumnsBound<kChunk, kResident>)
    columns_kernel(const Arguments arguments) {
  solve_columns<A, X, kChunk, kTiles, kResident, false>(arguments, nullptr);
}

template <class A, class X, int kChunk, int kTiles, int kResident = kColumnsResident<kChunk, kTiles>>
__global__ void __launch_bounds__(32 * kColumnWarps<kChunk>, kColumnsBound<kChunk, kResident>)
    columns_tma_kernel(const Arguments arguments, const __grid_constant__ CUtensorMap a_map) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  if (threadIdx.x == 0) prefetch_tensor_map(&a_map);
  solve_columns<A, X, kChunk, kTiles, kResident, true>(arguments, &a_map);
#endif
}

}  // namespace plumb::solve_tril
