// The launches of kernels that only move bytes: which moves become which blocks, in which launch shapes.
#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <string>

#include "harness/error.h"
#include "harness/measure/limit.h"
#include "harness/measure/limit_kernel.cuh"

namespace plumb {
namespace {

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

DeviceRead prepared_read(const Move& move) {
  const MoveAxis& rows = move.rows[2];
  if (rows.from_stride >> 32 || rows.count * move.read >= std::int64_t{1} << 31) {
    throw HarnessError("the limit cannot read rows that lie 4 GiB or more apart, nor 2^31 granules");
  }
  DeviceRead result{};
  result.from = reinterpret_cast<unsigned long long>(move.from);
  result.index = reinterpret_cast<const long long*>(move.index);
  result.index_end = move.index_end;
  result.stride = static_cast<std::uint32_t>(rows.from_stride);
  result.items = static_cast<std::uint32_t>(rows.count * move.read);
  result.granules = Divider(static_cast<std::uint32_t>(std::max<std::int64_t>(move.read, 1)));
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
  Plan plan{};
  std::uint32_t blocks = 0, copies = 0, reads = 0;
  int axes = 0;
  bool triangle = false;
  const auto take = [&blocks](std::uint32_t items, int per_block) {
    const auto each = static_cast<std::uint32_t>(per_block);
    blocks += (items + each - 1) / each;
    return blocks;
  };
  for (const Move& move : moves) {
    if (!move.only_read()) continue;
    if (reads == kMostReads) throw HarnessError("a limit of more than " + std::to_string(kMostReads) + " reads");
    plan.read[reads] = prepared_read(move);
    plan.read_end[reads] = take(plan.read[reads].items, shape.threads);
    ++reads;
  }
  plan.read_blocks = blocks;
  std::fill(plan.read_end + reads, plan.read_end + kMostReads, blocks);
  for (const Move& move : moves) {
    if (move.only_read()) continue;
    if (copies == kMostMoves) throw HarnessError("a limit of more than " + std::to_string(kMostMoves) + " moves");
    if (copies > 0 && triangle != (move.tile > 0)) {
      throw HarnessError("a limit of a triangle and whole rows at once");
    }
    triangle = move.tile > 0;
    plan.move[copies] = prepared(move);
    axes = std::max(axes, axes_of(move));
    take(plan.move[copies].items, shape.threads * shape.vectors);
    if (copies++ == 0) plan.first_blocks = blocks - plan.read_blocks;
  }
  if (copies == 0) throw HarnessError("a limit that writes nothing");
  for (const KernelRow& row : kKernels) {
    if (row.vectors != shape.vectors || row.streaming != shape.streaming) continue;
    const MoveKernel kernel = (triangle ? row.triangle : row.whole)[axes];
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
