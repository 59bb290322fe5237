// Tensors of billions of elements from a few thousand rows: the rows repeat, on the way in and in what must come
// out.
#pragma once

#include <cstddef>
#include <cstdint>

struct CUstream_st;

namespace plumb {

// How a long storage reads from a short one: `head` bytes, then `period` bytes over and over until `repeated` bytes
// are full, then `tail` bytes. All are multiples of 16.
struct RepeatMap {
  std::size_t head = 0, period = 0, repeated = 0, tail = 0;

  std::size_t long_bytes() const { return head + repeated + tail; }
  std::size_t short_bytes() const { return head + period + tail; }
};

// What a comparison found: how many 16-byte pieces differ, and the first byte of the first.
struct RepeatDifference {
  std::uint64_t pieces = 0;
  std::uint64_t first_byte = ~std::uint64_t{0};
};

// Fills the long storage from the short one; all pointers are device memory, 16-byte aligned.
void enqueue_repeat(CUstream_st* stream, const RepeatMap& map, const std::byte* from_short, std::byte* to_long);

// The other way round: head, first period and tail.
void enqueue_first_period(CUstream_st* stream, const RepeatMap& map, const std::byte* from_long,
                          std::byte* to_short);

// Adds to *difference (device memory) where the long storage is not the short one repeated.
void enqueue_compare(CUstream_st* stream, const RepeatMap& map, const std::byte* from_short,
                     const std::byte* from_long, RepeatDifference* difference);

}  // namespace plumb
