// Columns of X in registers: how a warp solves kTiles tiles side by side, 32 / kTiles lanes each.
//
// A tile's columns are independent of each other, so the lanes that hold a block column q of X need nothing of the
// others. For each block row p >= q: the products with the block rows above, in ascending order, then the
// substitution in the diagonal block; X (p, q) waits in shared memory for the block rows below.
//
// Words from shared memory are dear: an H200 loads 64 a cycle where pairs of lanes load the same, and with 4.5 of
// them for 8 multiply-adds that pipe was busy 74-80% of the time. So a lane of a product has half the rows and
// twice the columns, which takes 3; a substitution needs all rows of a column, and between the two neighbours swap
// halves. What bounds resident blocks since then, stream_kernel.cuh says.
//
// What lies before a chain's first k is multiplied by zero where it is not left out. That changes no bit while A
// is finite: a product is +0 or -0 and the sum stays +0. A tile that is not is solved again, plainly. It shows in
// the last row: if A[i][k] is Inf or NaN then X[i][k] is, and so is X[i'][k] for i' > i, whose chain has the term
// A[i'][i] X[i][k].
#pragma once

#include <cstdint>

#include "optimized/device/element.cuh"

namespace plumb::solve_tril {

// Blocks are 16 x 16; shared memory has the lower ones of all tiles, (0,0) (1,0) (1,1) (2,0) ..., each as 16 rows
// of kTiles rows of 64 bytes in four 16-byte chunks. Chunk c of a tile's row, a multiple of 64 bytes from the
// start, stands at c xor that place's bits 7 and 8 (TMA's 64-byte swizzle): a chunk of all tiles lies in different
// banks.
template <int kTiles>
struct Columns {
  static constexpr int kBlock = 16;
  static constexpr int kColumns = kTiles / 2;  // of a lane that substitutes: neighbours
  static constexpr int kLanes = 32 / kTiles;   // of a tile
  static constexpr int kRowBytes = 64 * kTiles;
  static constexpr int kBlockBytes = kBlock * kRowBytes;

  // Of a lane that substitutes: all rows, its member's columns, kColumns * member_of and on.
  using Values = float[kBlock][kColumns];
  // Of a lane in a product: rows 2 i + half_of, and the columns of both members of its group, 8 columns apart.
  using Sums = float[kBlock / 2][2 * kColumns];

  // 16-byte loads of a half-warp go as one where lanes l and l ^ 1 load the same, as they do of A, or lanes l and
  // l ^ 2, as of X: those two are a group.
  static constexpr int kGroups = kLanes / 2;
  static __device__ __forceinline__ int tile_of(int lane) { return lane / 4 % kTiles; }
  static __device__ __forceinline__ int group_of(int lane) { return lane % 2 + lane / (4 * kTiles) * 2; }
  static __device__ __forceinline__ int half_of(int lane) { return lane / 2 % 2; }
  static __device__ __forceinline__ int member_of(int lane) { return group_of(lane) + half_of(lane) * kGroups; }

  static __host__ __device__ constexpr int block_at(int p, int q) { return (p * (p + 1) / 2 + q) * kBlockBytes; }
  static __device__ __forceinline__ int chunk_at(int row, int tile, int chunk) {
    const int at = row * kRowBytes + tile * 64;
    return at + (chunk ^ ((at / 128) & 3)) * 16;
  }
  // Where X (p, q) is kept, the place of row 0 of a group's columns: in other banks than the other groups of a
  // half-warp, and than the same group of the other block columns.
  static __device__ __forceinline__ int kept_at(int tile, int group, int q) {
    return tile * 64 + ((group * 8 * kColumns) ^ (kTiles == 4 ? tile / 2 * 32 : 0) ^ (q * 16));
  }
};

// Elements that belong at the even chunk `to` of a block and at the one after it, which stands at the place xor one
// chunk.
template <class A>
__device__ __forceinline__ void store_as_fp32(const Packed<A, 8>& packed, char* block, int to) {
  float values[8];
  unpack(packed, values);
#pragma unroll
  for (int j = 0; j < 8; j += 4) {
    *reinterpret_cast<float4*>(block + (to ^ (j * 4))) =
        make_float4(values[j], values[j + 1], values[j + 2], values[j + 3]);
  }
}

// Turns a block of a 16-bit type, which lies as it was in memory in the upper half of its place, into fp32. By a
// warp.
template <class A, int kTiles>
__device__ __forceinline__ void widen_block(char* block, int lane) {
  using C = Columns<kTiles>;
  constexpr int kRounds = C::kBlockBytes / 2 / 512, kRows = C::kBlock / kRounds;
  const int access = lane % 2, tile = lane / 2 % kTiles, row = lane / (2 * kTiles);
  Packed<A, 8> packed[kRounds];
#pragma unroll
  for (int round = 0; round < kRounds; ++round) {
    load<16>(packed[round], block + C::kBlockBytes / 2 + round * 512 + lane * 16);
  }
  __syncwarp();
#pragma unroll
  for (int round = 0; round < kRounds; ++round) {
    store_as_fp32(packed[round], block, C::chunk_at(round * kRows + row, tile, 2 * access));
  }
}

// Half a block's rows of one chunk. The next ones are fetched while the fused multiply-adds of these run.
template <int kTiles>
struct HalfChunk {
  float4 row[8];

  // Rows 2 i + half of chunk k0 / 4. `block` points at the lane's tile.
  __device__ __forceinline__ void fetch_alternate(const char* block, int tile, int k0, int half) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int swizzle = kTiles == 4 ? 2 * half + tile / 2 : ((2 * i) & 3) + half;  // of that row
      row[i] = *reinterpret_cast<const float4*>(block + (2 * i + half) * Columns<kTiles>::kRowBytes +
                                                ((k0 / 4) ^ swizzle) * 16);
    }
  }

  // Rows 8 half + i, from row `first` on.
  __device__ __forceinline__ void fetch(const char* block, int tile, int k0, int half, int first = 0) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int r = 8 * half + i;
      if (r < first) continue;
      const int swizzle = (r * Columns<kTiles>::kRowBytes / 128) & 3;  // tile * 64 adds its own bit
      row[i] = *reinterpret_cast<const float4*>(block + r * Columns<kTiles>::kRowBytes +
                                                (((k0 / 4) ^ swizzle ^ (tile / 2)) * 16));
    }
  }

  __device__ __forceinline__ float at(int i, int k) const {
    return k == 0 ? row[i].x : k == 1 ? row[i].y : k == 2 ? row[i].z : row[i].w;
  }
};

// The order of a step's multiply-adds, which are independent of each other: by columns, for which ptxas needs
// fewest registers, or the columns of one row there and of the next one back, so that neighbours in a row share A's
// element and at its end X's. Measured on an H200, a multiply-add of three registers takes 1.45 cycles where it
// shares none with its neighbour, 1.23 in rows and 1.03 there and back. CMakeLists.txt says where ptxas keeps that
// order.
enum class Order { kColumns, kThereAndBack };

template <Order kOrder, int kRows, int kColumns, class Visit>
__device__ __forceinline__ void for_each_sum(Visit visit) {
#pragma unroll
  for (int n = 0; n < kRows * kColumns; ++n) {
    if constexpr (kOrder == Order::kColumns) {
      visit(n % kRows, n / kRows);
    } else {
      const int row = n / kColumns, column = n % kColumns;
      visit(row, row % 2 == 0 ? column : kColumns - 1 - column);
    }
  }
}

// sums -= A X for the block A at `block` (from the lane's tile on) and X kept at `x` (from the lane's group on).
// The next four k are fetched while the fused multiply-adds of these run. kDiagonal: X is a diagonal block, whose
// right half begins with row 8.
template <bool kDiagonal, Order kOrder, int kTiles>
__device__ __forceinline__ void apply_block(typename Columns<kTiles>::Sums& sums, const char* block, int tile,
                                            int half, const char* x) {
  using C = Columns<kTiles>;
  constexpr int kWidth = 2 * C::kColumns;
  HalfChunk<kTiles> a[2];
  Packed<float, kWidth> packed[2][4];
  const auto fetch = [&](int k0) {
    const int buffer = (k0 / 4) & 1;
    a[buffer].fetch_alternate(block, tile, k0, half);
#pragma unroll
    for (int k = 0; k < 4; ++k) load<16>(packed[buffer][k], x + (k0 + k) * C::kRowBytes);
  };
  fetch(0);
#pragma unroll
  for (int k0 = 0; k0 < C::kBlock; k0 += 4) {
    if (k0 + 4 < C::kBlock) fetch(k0 + 4);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      float x_values[kWidth];
      unpack(packed[(k0 / 4) & 1][k], x_values);
      const auto subtract = [&](int i, int c) {
        sums[i][c] = fmaf(-a[(k0 / 4) & 1].at(i, k), x_values[c], sums[i][c]);
      };
      if (kDiagonal && k0 + k < C::kBlock / 2) {
        for_each_sum<Order::kColumns, C::kBlock / 2, C::kColumns>(subtract);
      } else {
        for_each_sum<kDiagonal ? Order::kColumns : kOrder, C::kBlock / 2, kWidth>(subtract);
      }
    }
  }
}

// From half the rows of the columns of two members to all rows of the lane's own columns: lanes l and l ^ 2 swap.
template <int kTiles>
__device__ __forceinline__ void swap_halves(typename Columns<kTiles>::Values& values,
                                            const typename Columns<kTiles>::Sums& sums, int half) {
  constexpr int kColumns = Columns<kTiles>::kColumns;
#pragma unroll
  for (int i = 0; i < Columns<kTiles>::kBlock / 2; ++i) {
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const float other = __shfl_xor_sync(0xffffffffu, half != 0 ? sums[i][c] : sums[i][kColumns + c], 2);
      values[2 * i][c] = half != 0 ? other : sums[i][c];
      values[2 * i + 1][c] = half != 0 ? sums[i][kColumns + c] : other;
    }
  }
}

// Rows k + 1 .. of the half, for k = kFirst .. kFirst + 3.
template <int kFirst, int kHalf, Order kOrder, int kTiles>
__device__ __forceinline__ void substitute_half(typename Columns<kTiles>::Values& x, const HalfChunk<kTiles>& a) {
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    for_each_sum<kOrder, 8, Columns<kTiles>::kColumns>([&, k](int i, int c) {
      const int row = 8 * kHalf + i;
      if (kFirst + k < row) x[row][c] = fmaf(-a.at(i, k), x[kFirst + k][c], x[row][c]);
    });
  }
}

// Forward substitution with the diagonal block at `block`, of which a[0] holds the first half chunk.
template <Order kOrder, int kTiles>
__device__ __forceinline__ void substitute_columns(typename Columns<kTiles>::Values& x, HalfChunk<kTiles> (&a)[2],
                                                   const char* block, int tile) {
  a[1].fetch(block, tile, 0, 1);
  substitute_half<0, 0, kOrder, kTiles>(x, a[0]);
  a[0].fetch(block, tile, 4, 0, 5);
  substitute_half<0, 1, kOrder, kTiles>(x, a[1]);
  a[1].fetch(block, tile, 4, 1);
  substitute_half<4, 0, kOrder, kTiles>(x, a[0]);
  a[0].fetch(block, tile, 8, 1, 9);
  substitute_half<4, 1, kOrder, kTiles>(x, a[1]);
  a[1].fetch(block, tile, 12, 1, 13);
  substitute_half<8, 1, kOrder, kTiles>(x, a[0]);
  substitute_half<12, 1, kOrder, kTiles>(x, a[1]);
}

// X (p, q) of the lane's columns. `block`: A's block (p, q), from the lane's tile on; kept(m, q): where X (m, q) is
// kept.
template <int kTiles, Order kOrder, class Kept>
__device__ __forceinline__ void solve_block(typename Columns<kTiles>::Values& values, const char* block, int lane,
                                            int p, int q, Kept kept) {
  using C = Columns<kTiles>;
  const int tile = C::tile_of(lane), half = C::half_of(lane), first = C::member_of(lane) * C::kColumns;
  HalfChunk<kTiles> a[2];
  if (p == q) {
    __syncwarp();  // else the compiler sets these registers for all blocks (H200: up to 1% slower)
#pragma unroll
    for (int i = 0; i < C::kBlock; ++i) {
#pragma unroll
      for (int c = 0; c < C::kColumns; ++c) values[i][c] = first + c == i ? 1.0f : 0.0f;
    }
  } else {
    const int at = C::kept_at(tile, C::group_of(lane), q);
    typename C::Sums sums = {};
    apply_block<true, kOrder, kTiles>(sums, block, tile, half, kept(q, q) + at);
    block += C::kBlockBytes;
#pragma unroll 1
    for (int m = q + 1; m < p; ++m) {
      apply_block<false, kOrder, kTiles>(sums, block, tile, half, kept(m, q) + at);
      block += C::kBlockBytes;
    }
    swap_halves<kTiles>(values, sums, half);
  }
  a[0].fetch(block, tile, 0, 0);
  substitute_columns<kOrder, kTiles>(values, a, block, tile);
}

// Whether the last row is finite. If it is not, in a tile's last block row, the block column is solved plainly.
template <int kTiles>
__device__ __forceinline__ bool ends_finite(const typename Columns<kTiles>::Values& values) {
  float sum = 0.0f;
#pragma unroll
  for (int c = 0; c < Columns<kTiles>::kColumns; ++c) sum = fmaf(values[Columns<kTiles>::kBlock - 1][c], 0.0f, sum);
  return sum == 0.0f;
}

// Keeps X (p, q) for the block rows below. By all lanes of a warp.
template <int kTiles>
__device__ __forceinline__ void keep(const typename Columns<kTiles>::Values& values, char* block, int lane, int q) {
  using C = Columns<kTiles>;
  char* const to = block + C::kept_at(C::tile_of(lane), C::group_of(lane), q) + C::half_of(lane) * 4 * C::kColumns;
#pragma unroll
  for (int i = 0; i < C::kBlock; ++i) {
    Packed<float, C::kColumns> packed;
    pack<float>(values[i], packed);
    store<16>(packed, to + i * C::kRowBytes);
  }
  __syncwarp();
}

template <int kTiles, bool kAll, class X>
__device__ __forceinline__ void store_rows(const typename Columns<kTiles>::Values& values, X* to,
                                           std::int64_t token_stride, int rows) {
  using C = Columns<kTiles>;
#pragma unroll
  for (int i = 0; i < C::kBlock; ++i) {
    Packed<X, C::kColumns> packed;
    pack<X>(values[i], packed);
    if (kAll || i < rows) {
      if constexpr (sizeof packed == 8) {  // of two halves the compiler makes two stores where BT is 16
        *reinterpret_cast<std::uint64_t*>(to) = packed.word[0] | std::uint64_t{packed.word[1]} << 32;
      } else {
        store<16>(packed, to);
      }
    }
    to += token_stride;
  }
}

// X (p, q) to memory, of which `to` is the first element, but rows from `rows` on. By all lanes of a warp.
template <int kTiles, class X>
__device__ __forceinline__ void store_block(const typename Columns<kTiles>::Values& values, X* to,
                                            std::int64_t token_stride, int member, int rows) {
  to += member * Columns<kTiles>::kColumns;
  if (__all_sync(0xffffffffu, rows >= Columns<kTiles>::kBlock)) {
    store_rows<kTiles, true>(values, to, token_stride, rows);
  } else {
    store_rows<kTiles, false>(values, to, token_stride, rows);
  }
}

// Zeros right of the diagonal block of block row p, by one of `warps` warps: `row` is the block row's first
// element, of which `rows` rows exist. Whole rows, as a store takes a cycle for each 128-byte line that it touches.
template <int kTiles, int kSide, class X>
__device__ __forceinline__ void store_zeros(X* row, std::int64_t token_stride, int p, int member, int warp,
                                            int warps, int rows) {
  using C = Columns<kTiles>;
  constexpr int kPer = 16 / static_cast<int>(sizeof(X)), kAccesses = kSide * C::kBlock / kPer;
  constexpr int kAtOnce = C::kLanes < kAccesses ? C::kLanes : kAccesses;  // of a row's accesses
  constexpr int kRows = C::kLanes / kAtOnce;
  const int first = warp * kRows + member / kAtOnce, step = warps * kRows;
  row += first * token_stride + member % kAtOnce * kPer;
#pragma unroll 4
  for (int i = first; i < C::kBlock; i += step) {
#pragma unroll
    for (int access = 0; access < kAccesses; access += kAtOnce) {
      const bool right = (access + member % kAtOnce) * kPer >= (p + 1) * C::kBlock;
      if (right && i < rows) *reinterpret_cast<uint4*>(row + access * kPer) = make_uint4(0, 0, 0, 0);
    }
    row += step * token_stride;
  }
}

}  // namespace plumb::solve_tril
