// Device code of the limit: every granule is moved once, nothing is computed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/measure/divider.h"
#include "harness/measure/moves.h"

namespace plumb {

// The instructions are written out: the compiler would see that an in-place move stores what it loaded, and drop
// it.
template <bool kStreaming>
__device__ uint4 load(const void* address) {
  uint4 value;
  if constexpr (kStreaming) {
    asm volatile("ld.global.cs.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
                 : "l"(address));
  } else {
    asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
                 : "l"(address));
  }
  return value;
}

template <bool kStreaming>
__device__ void store(void* address, uint4 value) {
  if constexpr (kStreaming) {
    asm volatile("st.global.cs.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(address), "r"(value.x), "r"(value.y),
                 "r"(value.z), "r"(value.w)
                 : "memory");
  } else {
    asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(address), "r"(value.x), "r"(value.y),
                 "r"(value.z), "r"(value.w)
                 : "memory");
  }
}

// A Move with its divisions prepared. Items are granules, counted along a row first.
struct DeviceMove {
  unsigned long long from, to;              // addresses; in integers because rows are aligned downwards
  unsigned long long from_outer, to_outer;  // strides of rows[0]; the others':
  std::uint32_t from_middle, from_inner, to_middle, to_inner;  // below 4 GiB
  std::uint32_t items, read, written;
  Divider granules, inner, middle, row_step;
  // Of a triangle, where all are powers of two: a granule's elements, a row's granules (as logarithms), tile - 1.
  std::uint32_t element_bits, granule_bits, tile_mask;
};

// Rows that are read and not written, one after another or where an index says. Items are granules again.
struct DeviceRead {
  unsigned long long from;
  const long long* index;  // nullptr: row r is row r; else index[r]
  long long index_end;     // rows there are; an index outside is skipped
  std::uint32_t stride, items;
  Divider granules;  // of a row
};

constexpr std::size_t kMostMoves = 2, kMostReads = 3;

// Blocks are dealt out in this order: the reads', as they may have to wait twice, then move[0]'s, then move[1]'s.
struct Plan {
  std::uint32_t read_blocks;   // of all reads
  std::uint32_t first_blocks;  // of move[0]
  DeviceMove move[kMostMoves];
  DeviceRead read[kMostReads];
  std::uint32_t read_end[kMostReads];  // blocks of the reads up to this one
};

struct Place {
  const void* from;  // nullptr: nothing to read
  void* to;          // nullptr: nothing to write
};

// kAxes of the grid of rows, the innermost ones, count more than one row; kTriangle: only tiles' lower triangles
// are read. Both are known to the compiler because arithmetic that a move does not need would be what limits it.
template <int kAxes, bool kTriangle>
__device__ Place place_of(const DeviceMove& move, std::uint32_t item) {
  if (item >= move.items) return {nullptr, nullptr};
  unsigned long long from = move.from, to = move.to;
  std::uint32_t granule = item, read = move.read;
  if constexpr (kAxes > 0) {
    const std::uint32_t row = kTriangle ? item >> move.granule_bits : move.granules.quotient(item);
    granule = item - (kTriangle ? row << move.granule_bits : row * move.granules.divisor);
    if constexpr (kTriangle) {
      const std::uint32_t row_in_tile = move.row_step.quotient(row) & move.tile_mask;
      read = (row_in_tile + (1u << move.element_bits) - 1) >> move.element_bits;
    }
    std::uint32_t inner = row;
    if constexpr (kAxes > 1) {
      const std::uint32_t outer_rows = move.inner.quotient(row);
      inner = row - outer_rows * move.inner.divisor;
      std::uint32_t middle = outer_rows;
      if constexpr (kAxes > 2) {
        const std::uint32_t outer = move.middle.quotient(outer_rows);
        middle = outer_rows - outer * move.middle.divisor;
        from += outer * move.from_outer;
        to += outer * move.to_outer;
      }
      from += static_cast<unsigned long long>(middle) * move.from_middle;
      to += static_cast<unsigned long long>(middle) * move.to_middle;
    }
    from += static_cast<unsigned long long>(inner) * move.from_inner;
    to += static_cast<unsigned long long>(inner) * move.to_inner;
  }
  constexpr unsigned long long kGranuleBytes = kGranule, kAligned = ~(kGranuleBytes - 1);
  Place place{nullptr, nullptr};
  if (granule < read) place.from = reinterpret_cast<const void*>((from & kAligned) + kGranuleBytes * granule);
  if (granule < move.written) place.to = reinterpret_cast<void*>((to & kAligned) + kGranuleBytes * granule);
  return place;
}

template <int kAxes, bool kTriangle, int kVectors, bool kStreaming>
__device__ void move_block(const DeviceMove& move, std::uint32_t block) {
  const std::uint32_t item = block * blockDim.x * kVectors + threadIdx.x;
  uint4 value[kVectors];
  void* to[kVectors];
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const Place place = place_of<kAxes, kTriangle>(move, item + v * blockDim.x);
    to[v] = place.to;
    value[v] = place.from != nullptr ? load<kStreaming>(place.from) : uint4{0, 0, 0, 0};
  }
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    if (to[v] != nullptr) store<kStreaming>(to[v], value[v]);
  }
}

// Writes back what it read where all bits are ones: that changes nothing, and only keeps the assembler from
// dropping loads of which nothing comes.
__device__ inline void keep(const void* address, uint4 value) {
  if ((value.x & value.y & value.z & value.w) == 0xffffffffu) store<false>(const_cast<void*>(address), value);
}

__device__ inline void read_block(const DeviceRead& read, std::uint32_t block) {
  const std::uint32_t item = block * blockDim.x + threadIdx.x;
  if (item >= read.items) return;
  const std::uint32_t row = read.granules.quotient(item);
  const std::uint32_t granule = item - row * read.granules.divisor;
  long long from_row = row;
  if (read.index != nullptr) {
    from_row = read.index[row];
    if (from_row < 0 || from_row >= read.index_end) return;
  }
  const unsigned long long from = read.from + static_cast<unsigned long long>(from_row) * read.stride;
  const auto* const address = reinterpret_cast<const void*>(from / kGranule * kGranule + kGranule * granule);
  keep(address, load<false>(address));
}

// Calls with constants instead of an index, so that each move's numbers are constants of its instructions.
template <int kAxes, bool kTriangle, int kVectors, bool kStreaming>
__global__ void move_kernel(const __grid_constant__ Plan plan) {
  if (blockIdx.x < plan.read_blocks) {
    if (blockIdx.x < plan.read_end[0]) return read_block(plan.read[0], blockIdx.x);
    if (blockIdx.x < plan.read_end[1]) return read_block(plan.read[1], blockIdx.x - plan.read_end[0]);
    return read_block(plan.read[2], blockIdx.x - plan.read_end[1]);
  }
  const std::uint32_t block = blockIdx.x - plan.read_blocks;
  if (block < plan.first_blocks) {
    move_block<kAxes, kTriangle, kVectors, kStreaming>(plan.move[0], block);
  } else {
    move_block<kAxes, kTriangle, kVectors, kStreaming>(plan.move[1], block - plan.first_blocks);
  }
}

// The memory is all zeros: the store only keeps the assembler from dropping loads of which nothing comes.
__global__ void sweep_kernel(std::byte* memory, std::size_t granules) {
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  std::uint32_t bits = 0;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < granules; i += step) {
    const uint4 value = load<false>(memory + i * kGranule);
    bits |= value.x | value.y | value.z | value.w;
  }
  if (bits != 0) store<false>(memory, uint4{0, 0, 0, 0});
}

}  // namespace plumb
