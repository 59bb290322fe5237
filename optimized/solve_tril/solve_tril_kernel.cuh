// The substitution in 16 x 16 blocks: layouts in shared memory, the block update, the solve of a block row.
//
// Canonical bits: every X[i][j] below the diagonal is one fmaf chain acc = fmaf(-A[i][k], X[k][j], acc) over
// k = j .. i-1 ascending from +0. A block row p takes the chain's blocks in ascending order: first the blocks m < p
// (update), then the diagonal block (substitute). A factor whose k lies before j is left out, not multiplied by
// zero: A[i][k] may be infinite.
//
// A tile's lower blocks lie one after the other, (0,0) (1,0) (1,1) (2,0) ..., 1 KiB each in fp32: rows of 64 bytes,
// in four 16-byte chunks. X replaces A in place. Two layouts keep the accesses of a quarter-warp in different
// banks:
//  - A: chunk c of row r stands at c ^ (r / 2 & 3), which is also TMA's 64-byte swizzle. The update reads one chunk
//    of rows 0 .. 3 (+ 4 i) at a time.
//  - X of block column q: row r stands at r ^ (q & 1), its chunk c at c ^ (q / 2). Neighbouring block columns meet
//    when two half-warps solve a column each, and all four when a whole row of X is stored.
#pragma once

#include "optimized/solve_tril/tile.cuh"

namespace plumb::solve_tril {

constexpr int kBlock = 16;
constexpr int kBlockFloats = kBlock * kBlock;

__host__ __device__ constexpr int block_index(int p, int q) { return p * (p + 1) / 2 + q; }
__host__ __device__ constexpr int block_count(int side) { return side * (side + 1) / 2; }

__host__ __device__ constexpr int a_offset(int row, int chunk) {
  return row * kBlock + (chunk ^ (row / 2 & 3)) * 4;
}
__host__ __device__ constexpr int x_offset(int q, int row, int column) {
  return (row ^ (q & 1)) * kBlock + ((column / 4) ^ (q / 2)) * 4 + column % 4;
}

// The same value, of which the compiler knows nothing: what is made of it is made where it is used, instead of once
// before a loop and kept in registers that the loop needs.
__device__ __forceinline__ int recomputed(int value) {
#ifdef __CUDA_ARCH__
  asm volatile("" : "+r"(value));
#endif
  return value;
}

// A lane's part in an update: rows row + 4 i (i < 4) and kWidth columns from kWidth * column_group on. With four
// columns a half-warp covers a block, with two a warp. Lane bits alternate between columns and rows, so that among
// any four neighbours pairs share each address: meant to let 16-byte loads of two quarter-warps go as one.
template <int kWidth>
struct UpdateLane {
  int row;
  int column_group;

  __device__ __forceinline__ explicit UpdateLane(int lane)
      : row((lane >> 1 & 1) | (lane >> 2 & 2)), column_group((lane & 1) | (lane >> 1 & 2)) {
    if constexpr (kWidth == 2) column_group |= lane >> 2 & 4;
  }
};

// Column j of a group takes part in step k once first_group <= floor((k - j) / kWidth).
__host__ __device__ constexpr int last_group(int k, int j, int width) {
  return (k - j + width) / width - 1;  // k - j >= -width, and C++ rounds towards zero
}

// accumulator -= A X for blocks A = (p, m) and X = (m, q). `diagonal`: m = q, and each column begins at its own k.
template <int kWidth>
__device__ __forceinline__ void update(float (&accumulator)[4][kWidth], const float* a, const float* x, int q,
                                       bool diagonal, UpdateLane<kWidth> lane) {
  const int first_group = diagonal ? lane.column_group : -1;
  // Two bases each: xor with a lane's bit is + for even constants and - for odd ones.
  const float* a_even = a + lane.row * kBlock + (lane.row >> 1) * 4;
  const float* a_odd = a + lane.row * kBlock - (lane.row >> 1) * 4;
  const float* x_column = x + x_offset(q & 2, 0, lane.column_group * kWidth);
  const float* x_even = x_column + (q & 1) * kBlock;
  const float* x_odd = x_column - (q & 1) * kBlock;
#pragma unroll
  for (int k0 = 0; k0 < kBlock; k0 += 4) {
    float a_values[4][4];
    float x_values[4][kWidth];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int chunk = (k0 / 4) ^ (2 * (i & 1));
      const float4 v = *reinterpret_cast<const float4*>((chunk & 1 ? a_odd : a_even) + i * 4 * kBlock + chunk * 4);
      a_values[i][0] = v.x, a_values[i][1] = v.y, a_values[i][2] = v.z, a_values[i][3] = v.w;
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const float* row = (k & 1 ? x_odd : x_even) + (k0 + k) * kBlock;
      if constexpr (kWidth == 4) {
        const float4 v = *reinterpret_cast<const float4*>(row);
        x_values[k][0] = v.x, x_values[k][1] = v.y, x_values[k][2] = v.z, x_values[k][3] = v.w;
      } else {
        const float2 v = *reinterpret_cast<const float2*>(row);
        x_values[k][0] = v.x, x_values[k][1] = v.y;
      }
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
#pragma unroll
      for (int j = 0; j < kWidth; ++j) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          if (first_group <= last_group(k0 + k, j, kWidth)) {
            accumulator[i][j] = fmaf(-a_values[i][k], x_values[k][j], accumulator[i][j]);
          }
        }
      }
    }
  }
}

// Hands a finished accumulator over to the lanes that solve by columns.
template <int kWidth>
__device__ __forceinline__ void put_accumulator(float* x, int q, const float (&accumulator)[4][kWidth],
                                                UpdateLane<kWidth> lane) {
  float* to = x + x_offset(q, lane.row, lane.column_group * kWidth);
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if constexpr (kWidth == 4) {
      *reinterpret_cast<float4*>(to + i * 4 * kBlock) =
          make_float4(accumulator[i][0], accumulator[i][1], accumulator[i][2], accumulator[i][3]);
    } else {
      *reinterpret_cast<float2*>(to + i * 4 * kBlock) = make_float2(accumulator[i][0], accumulator[i][1]);
    }
  }
}

// One column of a block in a lane's registers: what was accumulated so far, or a column of the unit matrix.
__device__ __forceinline__ void take_column(float (&x)[kBlock], const float* block, int q, int column,
                                            bool diagonal) {
  const float* even = block + x_offset(q & 2, 0, column) + (q & 1) * kBlock;
  const float* odd = even - 2 * (q & 1) * kBlock;
#pragma unroll
  for (int i = 0; i < kBlock; ++i) {
    x[i] = diagonal ? (i == column ? 1.0f : 0.0f) : (i & 1 ? odd : even)[i * kBlock];
  }
}

__device__ __forceinline__ void put_column(float* block, int q, int column, const float (&x)[kBlock]) {
  float* even = block + x_offset(q & 2, 0, column) + (q & 1) * kBlock;
  float* odd = even - 2 * (q & 1) * kBlock;
#pragma unroll
  for (int i = 0; i < kBlock; ++i) (i & 1 ? odd : even)[i * kBlock] = x[i];
}

// Forward substitution with the diagonal block `a`, of which only what stands below the diagonal is used.
// first[c]: the k at which column c's chain begins; anything <= 0 for a column left of the diagonal block.
template <int kColumns>
__device__ __forceinline__ void substitute(float (&x)[kColumns][kBlock], const float* a,
                                           const int (&first)[kColumns]) {
#pragma unroll
  for (int k0 = 0; k0 < kBlock; k0 += 4) {
#pragma unroll
    for (int i = k0 + 1; i < kBlock; ++i) {
      const float4 v = *reinterpret_cast<const float4*>(a + a_offset(i, k0 / 4));
      const float a_values[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
      for (int k = k0; k < k0 + 4 && k < i; ++k) {
#pragma unroll
        for (int c = 0; c < kColumns; ++c) {
          if (first[c] <= k) x[c][i] = fmaf(-a_values[k - k0], x[c][k], x[c][i]);
        }
      }
    }
  }
}

// Solves block row p in place, when the accumulators of its blocks left of the diagonal have been put. A lane owns
// column lane % 16 of up to kColumns block columns: with kHalves = 2 half-warps on a tile, h, h + 2; with one,
// 0, 1. Ends with X visible to the warp.
template <int kColumns, int kHalves>
__device__ __forceinline__ void solve_block_row(float* tile, int p, int lane) {
  const int column = lane & 15;
  const int half = kHalves == 2 ? lane >> 4 & 1 : 0;
  float x[kColumns][kBlock];
  int first[kColumns];
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const int q = half + kHalves * c;
    // Of two, the first is never the diagonal's. q > p: no such block; its lanes solve the diagonal's and drop it.
    const bool diagonal = c == kColumns - 1 && q >= p;
    first[c] = diagonal ? column : 0;
    take_column(x[c], tile + block_index(p, diagonal ? 0 : q) * kBlockFloats, q, column, diagonal);
  }
  substitute(x, tile + block_index(p, p) * kBlockFloats, first);
  __syncwarp();  // A's diagonal block has been read by all
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const int q = half + kHalves * c;
    if (q <= p) put_column(tile + block_index(p, q) * kBlockFloats, q, column, x[c]);
  }
  __syncwarp();
}

// What a half-warp does in one step: accumulate A (p, m) X (m, q) for the block (p, q).
struct Step {
  int p, q, m;
  bool begin;  // the accumulator starts from +0
  bool put;    // the chain's last block left of the diagonal
};

__host__ __device__ constexpr std::uint32_t packed(Step s) {
  return static_cast<std::uint32_t>(s.p | s.q << 2 | s.m << 4 | (s.begin ? 1 << 6 : 0) | (s.put ? 1 << 7 : 0));
}
__device__ __forceinline__ Step unpacked(std::uint32_t s) {
  return {static_cast<int>(s & 3), static_cast<int>(s >> 2 & 3), static_cast<int>(s >> 4 & 3), (s & 1 << 6) != 0,
          (s & 1 << 7) != 0};
}

// The ten block products of a 4 x 4 tile in five steps of two half-warps, none idle. Block row 2's first product
// fills the step that block row 1 leaves half empty and waits in its accumulator while block row 1 is solved.
static __constant__ const std::uint32_t kStepsOfFour[5][2] = {
    {packed({1, 0, 0, true, true}), packed({2, 0, 0, true, false})},
    {packed({2, 1, 1, true, true}), packed({2, 0, 1, false, true})},
    {packed({3, 0, 0, true, false}), packed({3, 1, 1, true, false})},
    {packed({3, 0, 1, false, false}), packed({3, 1, 2, false, true})},
    {packed({3, 0, 2, false, true}), packed({3, 2, 2, true, true})},
};

// After turn p of the loop over block rows so many steps are done, and so many block rows of A were needed.
template <int kSide>
__host__ __device__ constexpr int steps_until(int p) {
  return kSide == 4 && p == 3 ? 5 : p < 0 ? 0 : p;
}
template <int kSide>
__host__ __device__ constexpr int rows_until(int p) {
  return kSide == 4 && p == 1 ? 3 : p + 1;
}

// Solves a tile (kSide = 4: by a warp; kSide = 1, 2: one by each half-warp), block row by block row.
// prepare(r): makes block row r of A ready, as fp32; called once each, ascending, by all 32 lanes.
// store(p): takes block row p of X, visible to the warp, to where it goes.
template <int kSide, class Prepare, class Store>
__device__ __forceinline__ void solve_tile(float* tile, int lane, Prepare prepare, Store store) {
  constexpr int kHalves = kSide == 4 ? 2 : 1;
  const UpdateLane<4> part(lane);
  float accumulator[4][4] = {};
#pragma unroll 1
  for (int p = 0; p < kSide; ++p) {
#pragma unroll 1
    for (int r = rows_until<kSide>(p - 1); r < rows_until<kSide>(p); ++r) prepare(r);
    __syncwarp();
    if constexpr (kSide > 1) {
#pragma unroll 1
      for (int number = steps_until<kSide>(p - 1); number < steps_until<kSide>(p); ++number) {
        const Step step = kSide == 2 ? Step{1, 0, 0, true, true} : unpacked(kStepsOfFour[number][lane >> 4 & 1]);
#pragma unroll
        for (int i = 0; i < 16; ++i) accumulator[i / 4][i % 4] = step.begin ? 0.0f : accumulator[i / 4][i % 4];
        update(accumulator, tile + block_index(step.p, step.m) * kBlockFloats,
               tile + block_index(step.m, step.q) * kBlockFloats, step.q, step.m == step.q, part);
        __syncwarp();  // all operands have been read: the accumulator may replace A's block
        if (step.put) put_accumulator(tile + block_index(step.p, step.q) * kBlockFloats, step.q, accumulator, part);
        __syncwarp();
      }
    }
    const bool one_column = kSide == 4 ? p < 2 : p < 1;
    if (one_column) {
      solve_block_row<1, kHalves>(tile, p, lane);
    } else {
      solve_block_row<2, kHalves>(tile, p, lane);
#pragma unroll
      for (int i = 0; i < 16; ++i) accumulator[i / 4][i % 4] = 0.0f;  // nothing waits in it: free its registers
    }
    store(p);
  }
}

}  // namespace plumb::solve_tril
