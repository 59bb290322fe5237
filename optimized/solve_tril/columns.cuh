// Columns of X in registers: what a lane does with the columns that it owns.
//
// A tile's columns are independent of each other, so a lane that owns kColumns neighbouring columns of a block
// column q needs nothing from other lanes but A, which it reads by broadcast. 32 / kTiles lanes hold a block column
// of one tile and the warp's kTiles tiles go through the same steps. For each block row p >= q: the products with
// the block rows above, in ascending order, then the substitution in the diagonal block; X (p, q) waits in shared
// memory, where no other lane reads it, for the block rows below.
//
// What lies before a chain's first k is multiplied by zero instead of being left out. That changes no bit while A
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
  static constexpr int kColumns = kTiles / 2;  // of a lane
  static constexpr int kLanes = 32 / kTiles;   // of a tile
  static constexpr int kRowBytes = 64 * kTiles;
  static constexpr int kBlockBytes = kBlock * kRowBytes;

  using Values = float[kBlock][kColumns];

  // Pairs of neighbouring lanes share a tile: 16-byte loads of a half-warp then go as one.
  static __device__ __forceinline__ int tile_of(int lane) { return lane / 2 % kTiles; }
  static __device__ __forceinline__ int member_of(int lane) { return lane % 2 + lane / (2 * kTiles) * 2; }

  static __host__ __device__ constexpr int block_at(int p, int q) { return (p * (p + 1) / 2 + q) * kBlockBytes; }
  static __device__ __forceinline__ int chunk_at(int row, int tile, int chunk) {
    const int at = row * kRowBytes + tile * 64;
    return at + (chunk ^ ((at / 128) & 3)) * 16;
  }
};

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
    float values[8];
    unpack(packed[round], values);
    const int to = C::chunk_at(round * kRows + row, tile, 2 * access);
#pragma unroll
    for (int j = 0; j < 8; j += 4) {  // the chunk next to an even one stands at the place xor one chunk
      *reinterpret_cast<float4*>(block + (to ^ (j * 4))) =
          make_float4(values[j], values[j + 1], values[j + 2], values[j + 3]);
    }
  }
}

// Half a block's rows of one chunk. The next half is fetched while the fused multiply-adds of this one run.
template <int kTiles>
struct HalfChunk {
  float4 row[8];

  // Rows 8 half + i of chunk k0 / 4, from row `first` on. `block` points at the lane's tile.
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

// accumulator -= A X for the block A at `block`, X at `x`; `a` holds the block's first half chunk, and in the end
// that of the next block in memory.
template <int kTiles>
__device__ __forceinline__ void apply_block(typename Columns<kTiles>::Values& accumulator,
                                            HalfChunk<kTiles> (&a)[2], const char* block, int tile, const char* x) {
  using C = Columns<kTiles>;
  Packed<float, C::kColumns> packed[2][4];
  const auto fetch_x = [&](int k0) {
#pragma unroll
    for (int k = 0; k < 4; ++k) load<16>(packed[(k0 / 4) & 1][k], x + (k0 + k) * 32 * C::kColumns * 4);
  };
  fetch_x(0);
#pragma unroll
  for (int part = 0; part < 8; ++part) {
    const int k0 = part / 2 * 4, half = part & 1;
    if (part < 7) {
      a[half ^ 1].fetch(block, tile, (part + 1) / 2 * 4, half ^ 1);
    } else {
      a[0].fetch(block + C::kBlockBytes, tile, 0, 0);
    }
    if (half == 0 && k0 < 12) fetch_x(k0 + 4);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      float x_values[C::kColumns];
      unpack(packed[(k0 / 4) & 1][k], x_values);
#pragma unroll
      for (int c = 0; c < C::kColumns; ++c) {
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          float& value = accumulator[8 * half + i][c];
          value = fmaf(-a[half].at(i, k), x_values[c], value);
        }
      }
    }
  }
}

// Rows k + 1 .. of the half, for k = kFirst .. kFirst + 3.
template <int kFirst, int kHalf, int kTiles>
__device__ __forceinline__ void substitute_half(typename Columns<kTiles>::Values& x, const HalfChunk<kTiles>& a) {
#pragma unroll
  for (int k = 0; k < 4; ++k) {
#pragma unroll
    for (int c = 0; c < Columns<kTiles>::kColumns; ++c) {
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        if (kFirst + k >= 8 * kHalf + i) continue;
        x[8 * kHalf + i][c] = fmaf(-a.at(i, k), x[kFirst + k][c], x[8 * kHalf + i][c]);
      }
    }
  }
}

// Forward substitution with the diagonal block at `block`, of which a[0] holds the first half chunk.
template <int kTiles>
__device__ __forceinline__ void substitute_columns(typename Columns<kTiles>::Values& x, HalfChunk<kTiles> (&a)[2],
                                                   const char* block, int tile) {
  a[1].fetch(block, tile, 0, 1);
  substitute_half<0, 0, kTiles>(x, a[0]);
  a[0].fetch(block, tile, 4, 0, 5);
  substitute_half<0, 1, kTiles>(x, a[1]);
  a[1].fetch(block, tile, 4, 1);
  substitute_half<4, 0, kTiles>(x, a[0]);
  a[0].fetch(block, tile, 8, 1, 9);
  substitute_half<4, 1, kTiles>(x, a[1]);
  a[1].fetch(block, tile, 12, 1, 13);
  substitute_half<8, 1, kTiles>(x, a[0]);
  substitute_half<12, 1, kTiles>(x, a[1]);
}

}  // namespace plumb::solve_tril
