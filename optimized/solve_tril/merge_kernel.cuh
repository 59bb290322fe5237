// Device code of the tf32 variants: 16 x 16 diagonal blocks by fp32 substitution, the blocks below on tensor cores.
//
//   X[i][i] = (I + A[i][i])^-1                                  columns side by side, as the canon has them
//   X[i][j] = -X[i][i] (A[i][j] X[j][j] + ... + A[i][i-1] X[i-1][j])   for j < i, block row after block row
//
// The products are done transposed, X[k][j]^T A[i][k]^T and then S^T X[i][i]^T: what one product leaves in the
// registers of a lane is then what the next one wants there as its left operand, and the right operands are A's
// rows as memory has them. Indices within a block are dealt to the lanes so that this holds: of a block of A or (as
// right operand) of X[i][i], lane 4 g + t has the two rows row_of(g, 0) and row_of(g, 1), in each the four columns
// from 4 t on; of a block of X it has the four rows from 4 t on, in each the two columns from 2 g on. So A goes
// from global memory to the registers in which it is used and X straight back; only the diagonal blocks pass
// through shared memory, where the layout changes.
//
// Each product is rounded to tf32 (kProducts = 1) or done as three, low * high + high * low + high * high in this
// order for every eight k (kProducts = 3); both in ascending k. Order and operands depend on BT alone, so all
// launches give the same bits on one architecture.
#pragma once

#include "optimized/device/dependent_launch.cuh"
#include "optimized/device/element.cuh"
#include "optimized/device/first_wave.cuh"
#include "optimized/device/mma.cuh"
#include "optimized/solve_tril/tile.cuh"

namespace plumb::solve_tril::merge {

constexpr int kBlock = 16;
constexpr int kBlocks = 4;  // diagonal blocks of a warp: one tile of 64 or two of 32

template <int kChunk>
constexpr int kTiles = kBlocks* kBlock / kChunk;

// A diagonal block in shared memory. Row r stands at r ^ (r / 4 & 1) and its 16-byte chunk c at c ^ 2 (r / 8), so
// that reading four neighbouring rows per lane takes every bank once; the distance between blocks lets the four
// quarter-warps work on a block each.
constexpr int kBlockStride = kBlock * kBlock + 8;  // floats
__device__ __forceinline__ constexpr int place(int row, int column) {
  return (row ^ (row / 4 & 1)) * kBlock + (column ^ row / 8 * 8);
}

__device__ __forceinline__ int row_of(int g, int half) { return g / 2 * 4 + half * 2 + g % 2; }

// What a lane has of a block of A, as it came from memory.
template <class A>
using Piece = Packed<A, 4>;

template <class A>
__device__ __forceinline__ void load_piece(Piece<A>& piece, const A* from, bool exists) {
  if (exists) {
    // H200, fp32 to bf16, tf32x3: T = 8192 22.3 us, T = 32768 75.3; marked for early eviction 24.0, 84.5.
    load<4 * sizeof(A), Use::kOnceUnmarked>(piece, from);
  } else {
#pragma unroll
    for (auto& word : piece.word) word = 0;
  }
}

// A lane's part of a block of X: [half][e + 2 c] is row 4 t + 2 half + e, column 2 g + c.
using Part = float[2][4];

// A right operand, [step][half]: the k of a step are columns 4 t + 2 step and the next.
template <int kProducts>
struct Right {
  std::uint32_t high[2][2][2];
  std::uint32_t low[kProducts == 3 ? 2 : 1][2][2];
};
// A left operand, [step]: rows 4 t + 2 step and the next as k.
template <int kProducts>
struct Left {
  std::uint32_t high[2][4];
  std::uint32_t low[kProducts == 3 ? 2 : 1][4];
};

// `values`: [half][column]. kExact: they are tf32 already, as bf16 and fp16 are.
template <int kProducts, bool kExact>
__device__ __forceinline__ Right<kProducts> right_operand(const float (&values)[2][4]) {
  Right<kProducts> right;
#pragma unroll
  for (int step = 0; step < 2; ++step) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const float value = values[half][2 * step + e];
        if constexpr (kExact) {
          right.high[step][half][e] = __float_as_uint(value);
        } else if constexpr (kProducts == 3) {
          const Tf32Pair pair = split_tf32(value);
          right.high[step][half][e] = pair.high;
          right.low[step][half][e] = pair.low;
        } else {
          right.high[step][half][e] = to_tf32(value);
        }
      }
    }
  }
  return right;
}

template <int kProducts>
__device__ __forceinline__ Left<kProducts> left_operand(const Part& part) {
  constexpr int kFrom[4] = {0, 2, 1, 3};  // rows are k here, columns the operand's rows
  Left<kProducts> left;
#pragma unroll
  for (int step = 0; step < 2; ++step) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float value = part[step][kFrom[i]];
      if constexpr (kProducts == 3) {
        const Tf32Pair pair = split_tf32(value);
        left.high[step][i] = pair.high;
        left.low[step][i] = pair.low;
      } else {
        left.high[step][i] = to_tf32(value);
      }
    }
  }
  return left;
}

// accumulator += right left, as blocks: (left^T right^T)^T. kExact: right has no low part.
template <bool kExact, int kProducts>
__device__ __forceinline__ void multiply(Part& accumulator, const Left<kProducts>& left,
                                         const Right<kProducts>& right) {
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    if constexpr (kProducts == 3) {
#pragma unroll
      for (int half = 0; half < 2; ++half) mma_tf32(accumulator[half], left.low[step], right.high[step][half]);
      if constexpr (!kExact) {
#pragma unroll
        for (int half = 0; half < 2; ++half) mma_tf32(accumulator[half], left.high[step], right.low[step][half]);
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) mma_tf32(accumulator[half], left.high[step], right.high[step][half]);
  }
}

// Inverts the warp's four diagonal blocks in place: lane 8 b + c owns columns c and c + 8 of block b. Each element
// is one fmaf chain over ascending k from +0, and a k before the column is left out, as in the canon.
__device__ __forceinline__ void invert_blocks(float* blocks, int lane) {
  float* block = blocks + lane / 8 * kBlockStride;
  const int column = lane % 8;
  float left[16], right[8];  // the lane's two columns; rows 0 .. 7 of the right one are zeros
#pragma unroll
  for (int i = 0; i < 16; ++i) left[i] = i == column ? 1.0f : 0.0f;
#pragma unroll
  for (int i = 0; i < 8; ++i) right[i] = i == column ? 1.0f : 0.0f;
#pragma unroll
  for (int k0 = 0; k0 < kBlock; k0 += 4) {
#pragma unroll
    for (int i = k0 + 1; i < kBlock; ++i) {
      const float4 v = *reinterpret_cast<const float4*>(block + place(i, k0));
      const float a[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
      for (int k = k0; k < k0 + 4 && k < i; ++k) {
        if (column <= k) left[i] = __fmaf_rn(-a[k - k0], left[k], left[i]);
        if (k >= 8 && column <= k - 8) right[i - 8] = __fmaf_rn(-a[k - k0], right[k - 8], right[i - 8]);
      }
    }
  }
  __syncwarp();  // all have read A
#pragma unroll
  for (int i = 0; i < kBlock; ++i) {
    block[place(i, 0) + column] = left[i];
    block[place(i, 8) + column] = i < 8 ? 0.0f : right[i - 8];
  }
  __syncwarp();
}

// A lane's way down a tile of X in global memory: its rows 4 t + r of a block row, its columns 2 g of each block.
template <class X>
struct Output {
  X* row;  // 4 t of the block row, column 2 g
  std::int64_t token_stride;
  int rows;  // that exist from there on

  __device__ __forceinline__ void put(int j, const Part& part) const {
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      if (r >= rows) continue;
      Packed<X, 2> packed;
      pack<X>({part[r / 2][r % 2], part[r / 2][r % 2 + 2]}, packed);
      store<2 * sizeof(X)>(packed, row + r * token_stride + kBlock * j);
    }
  }

  __device__ __forceinline__ void to_next_block_row() {
    row += kBlock * token_stride;
    rows -= kBlock;
  }
};

// The lane's part of an inverted diagonal block.
__device__ __forceinline__ void read_part(Part& part, const float* block, int lane) {
  const int row = lane % 4 * 4, column = lane / 4 * 2;
#pragma unroll
  for (int r = 0; r < 4; ++r) {
    const float2 v = *reinterpret_cast<const float2*>(block + place(row + r, column));
    part[r / 2][r % 2] = v.x;
    part[r / 2][r % 2 + 2] = v.y;
  }
}

// One tile: its block rows, of which X's diagonal blocks are in shared memory and A's others in `pieces`.
template <int kProducts, int kSide, class A, class X>
__device__ __forceinline__ void merge_tile(const float* inverses, const Piece<A> (&pieces)[6][2], Output<X> output,
                                           int lane) {
  constexpr bool kExact = sizeof(A) == 2;
  Part x[6];  // the blocks below the diagonal
#pragma unroll
  for (int i = 0; i < kSide; ++i) {
    const float* inverse = inverses + i * kBlockStride;
    if (i > 0) output.to_next_block_row();
    {
      Part part;
      read_part(part, inverse, lane);
      output.put(i, part);
    }
    if (i == 0) continue;
    const int first = i * (i - 1) / 2;  // of the block row
    Part sums[3] = {};
#pragma unroll
    for (int k = 0; k < i; ++k) {
      float a[2][4];
      unpack(pieces[first + k][0], a[0]);
      unpack(pieces[first + k][1], a[1]);
      const auto right = right_operand<kProducts, kExact>(a);
#pragma unroll
      for (int j = 0; j < k; ++j) multiply<kExact>(sums[j], left_operand<kProducts>(x[k * (k - 1) / 2 + j]), right);
      Part part;
      read_part(part, inverses + k * kBlockStride, lane);
      multiply<kExact>(sums[k], left_operand<kProducts>(part), right);
    }
    float minus_inverse[2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float4 v = *reinterpret_cast<const float4*>(inverse + place(row_of(lane / 4, half), lane % 4 * 4));
      minus_inverse[half][0] = -v.x, minus_inverse[half][1] = -v.y;
      minus_inverse[half][2] = -v.z, minus_inverse[half][3] = -v.w;
    }
    const auto right = right_operand<kProducts, false>(minus_inverse);
#pragma unroll
    for (int j = 0; j < i; ++j) {
      Part& product = x[first + j];
#pragma unroll
      for (int n = 0; n < 8; ++n) product[n / 4][n % 4] = 0.0f;
      multiply<false>(product, left_operand<kProducts>(sums[j]), right);
      output.put(j, product);
    }
    __syncwarp();  // orders nothing: it keeps the compiler from running rows together, which costs registers
  }
}

// The zeros right of the diagonal blocks, 16 bytes at a time.
template <int kSide, class X>
__device__ __forceinline__ void put_zeros(X* x, std::int64_t token_stride, int rows, int lane) {
  constexpr int kElements = 16 / static_cast<int>(sizeof(X));
  constexpr int kAccesses = kBlock / kElements;  // of a block's row
  constexpr int kRows = 32 / kAccesses;          // at a time
  const int row = lane / kAccesses, column = lane % kAccesses * kElements;
#pragma unroll
  for (int i = 0; i < kSide - 1; ++i) {
#pragma unroll
    for (int round = 0; round < kBlock / kRows; ++round) {
      const int at = kBlock * i + round * kRows + row;
      if (at >= rows) continue;
#pragma unroll
      for (int j = i + 1; j < kSide; ++j) {
        store<16>(Packed<X, kElements>{}, x + at * token_stride + kBlock * j + column);
      }
    }
  }
}

// Blocks per multiprocessor that the register allocation must leave room for: three warps for each of its quarters.
// With four, and 128 registers, some kernels spilled a few bytes and all were slower (28.3 for 26.0 us at T = 8192,
// H = 32, fp32 to bf16 in tf32x3 on an H200).
constexpr int kResident = 12;

// Blocks that run on one at once: four for each quarter but where fp32 A of 64 takes more than 128 registers.
template <class A, int kChunk>
constexpr int kAtOnce = sizeof(A) == 4 && kChunk == 64 ? kResident : 16;

template <class A, class X, int kChunk, int kProducts>
__global__ void __launch_bounds__(32, kResident) merge_kernel(const Arguments arguments) {
  constexpr int kSide = kChunk / kBlock;
  constexpr int kTileCount = kTiles<kChunk>;
  alignas(16) __shared__ float diagonal[kBlocks * kBlockStride];

  wait_for_producers();
  // H200, T = 8192, tf32x3: fp32 to bf16 21.6 us, all at once 22.3; bf16 18.2, 18.6.
  constexpr int kBytes = kTileCount * kChunk * (kChunk + 1) / 2 * static_cast<int>(sizeof(A));
  wait_for_those_before<kAtOnce<A, kChunk>>(arguments.sm_count, kBytes);
  const int lane = threadIdx.x;
  const int g = lane / 4, t = lane % 4;
  Tile tiles[kTileCount];
  Piece<A> lower[kTileCount][6][2], inner[kBlocks][2];
#pragma unroll
  for (int n = 0; n < kTileCount; ++n) {
    tiles[n] = tile_at<kChunk>(arguments, blockIdx.x * kTileCount + n);
    const A* a = static_cast<const A*>(arguments.a) + tiles[n].offset(arguments.a_stride) + 4 * t;
#pragma unroll
    for (int p = 0; p < kSide; ++p) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = row_of(g, half);  // of the block
        const bool exists = kBlock * p + row < tiles[n].rows;
        const A* from = a + (kBlock * p + row) * arguments.a_stride.token;
        load_piece(inner[n * kSide + p][half], from + kBlock * p, exists && 4 * t < row);
#pragma unroll
        for (int m = 0; m < p; ++m) {
          load_piece(lower[n][p * (p - 1) / 2 + m][half], from + kBlock * m, exists);
        }
      }
    }
  }
  release_dependents();
#pragma unroll
  for (int b = 0; b < kBlocks; ++b) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float a[4];
      unpack(inner[b][half], a);
      *reinterpret_cast<float4*>(diagonal + b * kBlockStride + place(row_of(g, half), 4 * t)) =
          make_float4(a[0], a[1], a[2], a[3]);
    }
  }
  __syncwarp();
  invert_blocks(diagonal, lane);
#pragma unroll
  for (int n = 0; n < kTileCount; ++n) {
    X* x = static_cast<X*>(arguments.x) + tiles[n].offset(arguments.x_stride);
    const Output<X> output{x + 4 * t * arguments.x_stride.token + 2 * g, arguments.x_stride.token,
                           tiles[n].rows - 4 * t};
    merge_tile<kProducts, kSide>(diagonal + n * kSide * kBlockStride, lower[n], output, lane);
    // Not while A is on its way: the warp would wait for these stores before it solves (H200, T = 8192, fp32 to
    // bf16, tf32x3: 24.2 us; 24.9).
    put_zeros<kSide>(x, arguments.x_stride.token, tiles[n].rows, lane);
  }
}

}  // namespace plumb::solve_tril::merge
