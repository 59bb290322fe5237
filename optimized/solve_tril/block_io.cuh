// Blocks of A from global memory into shared memory as fp32, and block rows of X from there to where they go.
//
// A team of kTeam lanes (a warp, or a half-warp with a tile of its own) moves a block. A 16-bit block arrives as it
// is in the upper half of its place in shared memory and is widened there.
#pragma once

#include "optimized/device/cp_async.cuh"
#include "optimized/device/element.cuh"
#include "optimized/solve_tril/solve_tril_kernel.cuh"

namespace plumb::solve_tril {

template <class T>
constexpr int kPerAccess = 16 / static_cast<int>(sizeof(T));  // elements in 16 bytes

// Where a block's bytes arrive: fp32 in its place, 16-bit types in the upper half of it.
template <class A>
__device__ __forceinline__ float* landing(float* block) {
  return sizeof(A) == 4 ? block : block + kBlockFloats / 2;
}

// Requests the blocks (p, m) of m_begin <= m < m_end (at most kMost) by 16-byte cp.async. `a` is the tile's first
// element; rows of the tile from `rows` on become zeros without being read.
template <int kTeam, int kMost, class A>
__device__ __forceinline__ void request_blocks(float* tile, const A* a, std::int64_t token_stride, int p,
                                               int m_begin, int m_end, int rows, int member) {
  constexpr int kAccesses = kBlock / kPerAccess<A>;  // of a block's row
  constexpr int kRows = kTeam / kAccesses;           // at a time
  const int first_row = member / kAccesses, access = member % kAccesses;
#pragma unroll
  for (int round = 0; round < kBlock / kRows; ++round) {
    const int row = round * kRows + first_row;
    const bool exists = kBlock * p + row < rows;
    const A* from = a + (exists ? (kBlock * p + row) * token_stride : 0) + kPerAccess<A> * access;
    const int to = sizeof(A) == 4 ? a_offset(row, access) : kBlockFloats / 2 + (round * kTeam + member) * 4;
#pragma unroll
    for (int i = 0; i < kMost; ++i) {
      const int m = m_begin + i;
      if (m >= m_end) break;
      cp_async_cg16(tile + block_index(p, m) * kBlockFloats + to, from + kBlock * m, exists ? 16 : 0);
    }
  }
}

// Turns a block that has arrived into fp32. With cp.async a lane reads what it requested itself; with TMA all lanes
// have waited. All 32 lanes must call it; a __syncwarp must follow before other lanes read the block.
template <int kTeam, class A>
__device__ __forceinline__ void widen_block(float* block, int member) {
  if constexpr (sizeof(A) == 2) {
    constexpr int kRounds = 32 / kTeam;  // a block is 32 accesses
    member = recomputed(member);
    Packed<A, 8> packed[kRounds];
#pragma unroll
    for (int i = 0; i < kRounds; ++i) load<16>(packed[i], landing<A>(block) + (i * kTeam + member) * 4);
    __syncwarp();
#pragma unroll
    for (int i = 0; i < kRounds; ++i) {
      float values[8];
      unpack(packed[i], values);
      const int to = a_offset((i * kTeam + member) / 2, member % 2 * 2);
#pragma unroll
      for (int j = 0; j < 8; j += 4) {  // the chunk next to an even one stands at the place xor one chunk
        *reinterpret_cast<float4*>(block + (to ^ j)) =
            make_float4(values[j], values[j + 1], values[j + 2], values[j + 3]);
      }
    }
  }
}

// A team's way through the block rows of X, first to last: each member rounds the same 16 output bytes of every
// kRows-th row. It carries its place from one block row to the next: beside the solve few registers are left.
template <int kSide, int kTeam, class X>
struct RowReader {
  static constexpr int kElements = kPerAccess<X>;
  static constexpr int kAccesses = kSide * kBlock / kElements;  // of a row
  static constexpr int kRows = kTeam / kAccesses;               // at a time
  static constexpr int kRounds = kBlock / kRows;
  static_assert(kRows % 2 == 0, "the layout's parity would change from round to round");

  const float* tile;
  int from;  // the member's first access, in floats

  static __device__ __forceinline__ int first_row(int member) { return member / kAccesses; }  // of the block row
  static __device__ __forceinline__ int first_element(int member) { return member % kAccesses * kElements; }

  __device__ __forceinline__ RowReader(const float* in, int member, int first_p) : tile(in) {
    const int q = first_element(member) / kBlock;
    from = block_index(first_p, q) * kBlockFloats + x_offset(q, first_row(member), first_element(member) % kBlock);
  }

  // Hands on block row p: put(packed) for rows first_row, first_row + kRows, ... What stands right of the diagonal
  // block is +0. To be called for p = first_p, first_p + 1, ... in turn.
  template <class Put>
  __device__ __forceinline__ void read(int p, Put put) {
    const bool has_block = from < block_index(p + 1, 0) * kBlockFloats;  // q <= p
#pragma unroll
    for (int round = 0; round < kRounds; ++round) {
      float values[kElements] = {};
      if (has_block) {
#pragma unroll
        for (int i = 0; i < kElements; i += 4) {  // the chunk next to an even one stands at the place xor one chunk
          const float4 v = *reinterpret_cast<const float4*>(tile + (from ^ i) + round * kRows * kBlock);
          values[i] = v.x, values[i + 1] = v.y, values[i + 2] = v.z, values[i + 3] = v.w;
        }
      }
      Packed<X, kElements> packed;
      pack<X>(values, packed);
      put(packed);
    }
    from += (p + 1) * kBlockFloats;  // from block (p, q) to (p + 1, q)
  }
};

// Writes block rows of X to global memory, rows of the tile from `rows` on left alone.
template <int kSide, int kTeam, class X>
struct RowWriter {
  RowReader<kSide, kTeam, X> reader;
  X* to;
  int rows_left;

  // `x` is the tile's first element.
  __device__ __forceinline__ RowWriter(const float* tile, X* x, std::int64_t token_stride, int rows, int member,
                                       int first_p = 0)
      : reader(tile, member, first_p) {
    const int row = first_p * kBlock + reader.first_row(member);
    to = x + row * token_stride + reader.first_element(member);
    rows_left = rows - row;
  }

  __device__ __forceinline__ void write(int p, std::int64_t token_stride) {
    reader.read(p, [&](const auto& packed) {
      if (rows_left > 0) store<16>(packed, to);
      to += reader.kRows * token_stride;
      rows_left -= reader.kRows;
    });
  }
};

}  // namespace plumb::solve_tril
