// Which rows and which head a tile's number stands for.
#pragma once

#include <cstdint>

#include "optimized/device/dependent_launch.cuh"
#include "optimized/device/fault.cuh"
#include "optimized/solve_tril/arguments.h"

namespace plumb::solve_tril {

struct Tile {
  std::int64_t token = 0;  // the first row
  std::uint32_t batch = 0;
  std::uint32_t head = 0;
  int rows = 0;  // fewer than BT in a tail; 0 where the slot holds no chunk

  // Of its row `row`, in elements.
  __device__ __forceinline__ std::int64_t offset(const TileStrides& stride, int row = 0) const {
    const std::int64_t elements = batch * stride.batch + (token + row) * stride.token + head * stride.head;
    return device_fault(Fault::kIndexIn32Bits) ? static_cast<std::int32_t>(elements) : elements;
  }
};

// What stands in cu_seqlens.
struct Sequences {
  const void* starts;
  std::int64_t tokens;
  std::uint32_t count;
  bool is_i64;

  // Clamped to [0, tokens]: whatever stands there, no row outside the tensors is touched.
  __device__ __forceinline__ std::int64_t start(std::uint32_t n) const {
    const std::int64_t start =
        is_i64 ? static_cast<const std::int64_t*>(starts)[n] : static_cast<const std::int32_t*>(starts)[n];
    return start < 0 ? 0 : start > tokens ? tokens : start;
  }
};

// The last sequence whose first slot is not after `slot`. The 16 lanes of each half-warp look at 16 sequences at a
// time, so 100,000 sequences take 5 rounds of loads. All 32 lanes must call it; the halves may differ in `slot`.
template <int kChunk>
__device__ __forceinline__ std::uint32_t sequence_of_slot(const Sequences& sequences, std::uint32_t slot) {
  const std::uint32_t probe_number = (threadIdx.x & 15) + 1;
  std::uint32_t first = 0, end = sequences.count;  // the answer is in [first, end)
  while (__any_sync(0xffffffffu, end - first > 1)) {
    const std::uint32_t step = (end - first + 16) / 17;
    const std::uint32_t probe = first + step * probe_number;
    const bool reached = probe < end && sequences.start(probe) / kChunk + probe <= slot;
    const std::uint32_t votes = __ballot_sync(0xffffffffu, reached) >> (threadIdx.x & 16) & 0xffffu;
    first += step * __popc(votes);
    end = min(end, first + step);
  }
  return first;
}

// From a slot's first token to its sequence's end.
struct SlotTokens {
  std::int64_t first, end;
};

template <int kChunk>
__device__ __forceinline__ SlotTokens tokens_of_slot(const Sequences& sequences, std::uint32_t slot) {
  const std::uint32_t n = sequence_of_slot<kChunk>(sequences, slot);
  const std::int64_t start = sequences.start(n);
  std::int64_t end = sequences.start(n + 1);
  if (device_fault(Fault::kStopAtEmptySequence) && n > 0 && start == sequences.start(n - 1)) end = start;
  // Negative only where cu_seqlens does not ascend from 0.
  const std::int64_t chunk = static_cast<std::int64_t>(slot) - start / kChunk - n;
  return {.first = chunk < 0 ? end : start + chunk * kChunk, .end = end};
}

template <int kChunk>
__device__ __noinline__ SlotTokens tokens_of_slot_by_call(Sequences sequences, std::uint32_t slot) {
  return tokens_of_slot<kChunk>(sequences, slot);
}

// All 32 lanes of a warp must call it; the two halves may ask for different tiles. Memory is read only where there
// are sequences, and that waits for the kernel before; so a kernel may ask for its tile first and wait afterwards
// (H200, dependent launches: 0.25 us less). kByCall: sequences are looked up in a function of its own, which leaves
// less code and more registers to kernels that are short of them.
template <int kChunk, bool kByCall = false>
__device__ __forceinline__ Tile tile_at(const Arguments& arguments, std::uint32_t number) {
  Tile tile;
  bool exists = number < arguments.tiles;
  if (!exists) number = 0;
  const std::uint32_t row = arguments.heads.quotient(number);
  tile.head = number - row * arguments.heads.divisor;
  exists = exists && tile.head < arguments.head_count;
  tile.batch = arguments.slots.quotient(row);
  const std::uint32_t slot = row - tile.batch * arguments.slots.divisor;
  std::int64_t end = arguments.tokens;
  if (arguments.cu_seqlens == nullptr) {
    tile.token = static_cast<std::int64_t>(slot) * (device_fault(Fault::kChunkOf64) ? 64 : kChunk);
  } else {
    wait_for_producers();
    const Sequences sequences{.starts = arguments.cu_seqlens,
                              .tokens = arguments.tokens,
                              .count = arguments.sequences,
                              .is_i64 = arguments.cu_seqlens_is_i64};
    const SlotTokens tokens =
        kByCall ? tokens_of_slot_by_call<kChunk>(sequences, slot) : tokens_of_slot<kChunk>(sequences, slot);
    tile.token = tokens.first;
    end = tokens.end;
  }
  if (exists && tile.token < end) {
    tile.rows = static_cast<int>(min(end - tile.token, std::int64_t{kChunk}));
  } else {
    tile.token = tile.head = 0;  // nothing is read or written there, but addresses are made of it
  }
  return tile;
}

}  // namespace plumb::solve_tril
