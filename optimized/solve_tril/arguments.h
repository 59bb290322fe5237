// What every solve_tril kernel is given, by value: two strided tensors and how the rows are cut into tiles.
#pragma once

#include <cstdint>

#include "optimized/device/divider.h"

namespace plumb::solve_tril {

// Strides in elements, of the axes [B, T, H]; the last axis has stride 1.
struct TileStrides {
  std::int64_t batch;
  std::int64_t token;
  std::int64_t head;
};

// A tile is one chunk of one head. Tiles are numbered with the head fastest: neighbours in number are neighbours in
// memory. Without sequences a batch has ceil(tokens / BT) slots and each is a chunk. With sequences there are
// floor(tokens / BT) + sequences slots and chunk c of sequence n has slot floor(cu_seqlens[n] / BT) + n + c: a
// sequence of L tokens moves the next one's first slot by at least ceil(L / BT), so no two chunks share a slot, no
// chunk misses one, and the launch needs neither the contents of cu_seqlens nor a workspace.
//
// What is needed to ask for A comes first: a multiprocessor fetches these bytes in lines of 64, one after the
// other, 130 cycles each (H200).
struct Arguments {
  const void* a;
  TileStrides a_stride;
  const void* cu_seqlens;  // nullptr: every batch is one sequence
  std::int64_t tokens;
  std::uint32_t tiles;  // batches * slots * heads, at most kDividerLimit
  Divider heads;        // head_count, or that rounded up: the numbers beyond it stand for no tile
  Divider slots;        // per batch
  std::uint32_t head_count;
  std::uint32_t sequences;
  bool cu_seqlens_is_i64;
  int sm_count;
  void* x;
  TileStrides x_stride;
};

}  // namespace plumb::solve_tril
