// How the rows of T fall into chunks, with and without cu_seqlens.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "reference/fault.h"
#include "reference/numeric/tensor.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb {

struct Chunk {
  std::int64_t batch, first_row, rows;  // rows: 1 .. BT, fewer than BT in a tail
};

// The chunks in order of their rows. Offsets that are out of order or out of range are moved to the nearest place
// that is not, so that no chunk leaves the tensor and no row belongs to two.
inline std::vector<Chunk> chunks_of(const plumb_tensor& a, const plumb_tensor& cu_seqlens) {
  const std::int64_t batches = a.shape[0], length = a.shape[1], chunk = a.shape[3];
  std::vector<Chunk> chunks;
  const auto cut = [&](std::int64_t batch, std::int64_t begin, std::int64_t end) {
    const std::int64_t step = fault(Fault::kChunkOf64) ? 64 : chunk;
    for (auto row = begin; row < end; row += step) chunks.push_back({batch, row, std::min(chunk, end - row)});
  };
  if (!is_present(cu_seqlens)) {
    for (std::int64_t batch = 0; batch < batches; ++batch) cut(batch, 0, length);
    return chunks;
  }
  const auto offset = [&](std::int64_t i, std::int64_t least) {
    return std::clamp(load_integer(address(cu_seqlens, {i}), dtype_of(cu_seqlens)), least, length);
  };
  std::int64_t begin = cu_seqlens.shape[0] > 0 ? offset(0, 0) : length;
  for (std::int64_t i = 1; i < cu_seqlens.shape[0]; ++i) {
    const std::int64_t end = offset(i, begin);
    if (fault(Fault::kStopAtEmptySequence) && end == begin) break;
    cut(0, begin, end);
    begin = end;
  }
  return chunks;
}

}  // namespace plumb
