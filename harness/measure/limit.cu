// Kernels that only move bytes: every granule is read once and written once, nothing is computed.
#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <string>

#include "harness/error.h"
#include "harness/measure/divider.h"
#include "harness/measure/limit.h"

namespace plumb {
namespace {

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

constexpr std::size_t kMostMoves = 2;

struct Plan {
  DeviceMove move[kMostMoves];
  std::uint32_t first_blocks;  // blocks of move[0]; the rest belong to move[1]
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

// Two calls and no index, so that each move's numbers are constants of its instructions.
template <int kAxes, bool kTriangle, int kVectors, bool kStreaming>
__global__ void move_kernel(const __grid_constant__ Plan plan) {
  if (blockIdx.x < plan.first_blocks) {
    move_block<kAxes, kTriangle, kVectors, kStreaming>(plan.move[0], blockIdx.x);
  } else {
    move_block<kAxes, kTriangle, kVectors, kStreaming>(plan.move[1], blockIdx.x - plan.first_blocks);
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

using MoveKernel = void (*)(Plan);
struct KernelRow {
  int vectors;
  bool streaming;
  MoveKernel whole[4], triangle[4];  // by axes
};
template <int kVectors, bool kStreaming>
constexpr KernelRow kernel_row() {
  return {kVectors,
          kStreaming,
          {move_kernel<0, false, kVectors, kStreaming>, move_kernel<1, false, kVectors, kStreaming>,
           move_kernel<2, false, kVectors, kStreaming>, move_kernel<3, false, kVectors, kStreaming>},
          {nullptr, move_kernel<1, true, kVectors, kStreaming>, move_kernel<2, true, kVectors, kStreaming>,
           move_kernel<3, true, kVectors, kStreaming>}};
}
constexpr KernelRow kKernels[] = {kernel_row<1, false>(), kernel_row<2, false>(), kernel_row<4, false>(),
                                  kernel_row<1, true>(),  kernel_row<2, true>(),  kernel_row<4, true>()};

// The number of innermost axes of the grid that are needed; a triangle needs its row at least.
int axes_of(const Move& move) {
  if (move.rows[0].count > 1) return 3;
  if (move.rows[1].count > 1) return 2;
  return move.rows[2].count > 1 || move.tile > 0 ? 1 : 0;
}

std::int64_t items_of(const Move& move) {
  std::int64_t rows = 1;
  for (const MoveAxis& axis : move.rows) rows *= axis.count;
  return rows * std::max(move.read, move.written);
}

DeviceMove prepared(const Move& move) {
  const std::int64_t items = items_of(move);
  if (items >= std::int64_t{1} << 31) {
    throw HarnessError("the limit would move " + std::to_string(items) +
                       " granules, at most 2^31 - 1 can be counted");
  }
  const auto narrow = [](std::int64_t value) {
    return static_cast<std::uint32_t>(std::max<std::int64_t>(value, 1));
  };
  DeviceMove result{};
  result.from = reinterpret_cast<unsigned long long>(move.from);
  result.to = reinterpret_cast<unsigned long long>(move.to);
  for (const std::size_t axis : {std::size_t{1}, std::size_t{2}}) {
    if (std::max(move.rows[axis].from_stride, move.rows[axis].to_stride) >> 32) {
      throw HarnessError("the limit cannot move rows that lie 4 GiB or more apart");
    }
  }
  result.from_outer = static_cast<unsigned long long>(move.rows[0].from_stride);
  result.to_outer = static_cast<unsigned long long>(move.rows[0].to_stride);
  result.from_middle = static_cast<std::uint32_t>(move.rows[1].from_stride);
  result.to_middle = static_cast<std::uint32_t>(move.rows[1].to_stride);
  result.from_inner = static_cast<std::uint32_t>(move.rows[2].from_stride);
  result.to_inner = static_cast<std::uint32_t>(move.rows[2].to_stride);
  result.items = static_cast<std::uint32_t>(items);
  result.read = static_cast<std::uint32_t>(move.read);
  result.written = static_cast<std::uint32_t>(move.written);
  result.granules = Divider(narrow(std::max(move.read, move.written)));
  result.inner = Divider(narrow(move.rows[2].count));
  result.middle = Divider(narrow(move.rows[1].count));
  result.row_step = Divider(narrow(move.row_step));
  if (move.tile > 0) {
    const std::uint32_t row = result.granules.divisor, tile = narrow(move.tile),
                        elements = narrow(move.elements_per_granule);
    if (!std::has_single_bit(row) || !std::has_single_bit(tile) || !std::has_single_bit(elements)) {
      throw HarnessError("the limit moves triangles of tiles only where their sizes are powers of two");
    }
    result.element_bits = static_cast<std::uint32_t>(std::countr_zero(elements));
    result.granule_bits = static_cast<std::uint32_t>(std::countr_zero(row));
    result.tile_mask = tile - 1;
  }
  return result;
}

void check_launch(const char* what) {
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess) {
    throw HarnessError(std::string(what) + " could not be launched: " + cudaGetErrorString(error));
  }
}

}  // namespace

std::span<const LimitShape> limit_shapes() {
  static const auto shapes = [] {
    std::array<LimitShape, 3 * std::size(kKernels)> list;
    std::size_t next = 0;
    for (const int threads : {128, 256, 512}) {
      for (const KernelRow& row : kKernels) list[next++] = {threads, row.vectors, row.streaming};
    }
    return list;
  }();
  return shapes;
}

void launch_limit(std::span<const Move> moves, const LimitShape& shape, CUstream_st* stream) {
  if (moves.empty() || moves.size() > kMostMoves) {
    throw HarnessError("a limit of " + std::to_string(moves.size()) + " moves, expected 1 to " +
                       std::to_string(kMostMoves));
  }
  if ((moves.front().tile > 0) != (moves.back().tile > 0)) {
    throw HarnessError("a limit of a triangle and whole rows at once");
  }
  Plan plan{};
  std::uint32_t blocks = 0;
  int axes = 0;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    plan.move[i] = prepared(moves[i]);
    axes = std::max(axes, axes_of(moves[i]));
    const auto per_block = static_cast<std::uint32_t>(shape.threads * shape.vectors);
    blocks += (plan.move[i].items + per_block - 1) / per_block;
    if (i == 0) plan.first_blocks = blocks;
  }
  for (const KernelRow& row : kKernels) {
    if (row.vectors != shape.vectors || row.streaming != shape.streaming) continue;
    const MoveKernel kernel = (moves[0].tile > 0 ? row.triangle : row.whole)[axes];
    kernel<<<blocks, static_cast<unsigned>(shape.threads), 0, stream>>>(plan);
    return check_launch("the limit kernel");
  }
  throw HarnessError("no limit kernel has " + std::to_string(shape.vectors) + " vectors in flight");
}

void launch_sweep(std::byte* memory, std::size_t bytes, CUstream_st* stream) {
  sweep_kernel<<<1024, 256, 0, stream>>>(memory, bytes / kGranule);
  check_launch("the cache sweep");
}

}  // namespace plumb
