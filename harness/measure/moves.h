// What a call must move, as plain copies and reads of rows: the description that the limit kernels run.
//
// All that a call reads is read, weights and tables too: cold, they come from memory as the activations do. A row
// that a position names is read after the position, as every kernel must; no copy waits for it.
//
// Rows are moved in 16-byte granules, aligned whatever the tensors are: a row starts at the granule that its first
// byte lies in. So the limit of a misaligned call is that of the same bytes on aligned addresses, and its share of
// the limit is what the misalignment truly costs.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cases/problem.h"
#include "harness/error.h"
#include "reference/qk_norm_rope/qk_norm_rope.h"
#include "reference/rms_norm/rms_norm.h"
#include "reference/rope/rope.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb {

inline constexpr std::int64_t kGranule = 16;  // bytes: the widest access of one thread

struct MoveAxis {
  std::int64_t count = 1, from_stride = 0, to_stride = 0;  // strides in bytes
};

struct Move {
  const std::byte* from = nullptr;
  std::byte* to = nullptr;
  std::array<MoveAxis, 3> rows = {};   // the grid of rows, outermost first
  std::int64_t read = 0, written = 0;  // granules per row
  // 0, or the height of the tiles whose strictly lower triangle is all that is read: of row i of a tile only the
  // granules that hold its first i elements. Rows count along the grid, i once every row_step of them. So tails are
  // taken for parts of whole tiles: the bytes differ by less than a tile.
  std::int64_t tile = 0, row_step = 1, elements_per_granule = 1;
  // Of rows that are only read: not nullptr where the row to read is looked up, row r being index[r] if that is in
  // 0 .. index_end - 1. The look-up is part of the access pattern: no kernel knows the address before it.
  const std::int64_t* index = nullptr;
  std::int64_t index_end = 0;

  bool only_read() const { return written == 0; }
};

inline std::int64_t granules_of(std::int64_t bytes) { return (bytes + kGranule - 1) / kGranule; }

// Axes of one row drop out, the others stand in the order of memory, and neighbours without a gap become one.
inline std::vector<MoveAxis> merged(std::vector<MoveAxis> axes) {
  std::erase_if(axes, [](const MoveAxis& axis) { return axis.count == 1; });
  std::stable_sort(axes.begin(), axes.end(),
                   [](const MoveAxis& a, const MoveAxis& b) { return a.from_stride > b.from_stride; });
  for (std::size_t i = axes.size(); i-- > 1;) {
    MoveAxis& outer = axes[i - 1];
    const MoveAxis inner = axes[i];
    if (outer.from_stride != inner.count * inner.from_stride || outer.to_stride != inner.count * inner.to_stride) {
      continue;
    }
    outer = {outer.count * inner.count, inner.from_stride, inner.to_stride};
    axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return axes;
}

// All axes but the last of two tensors of one shape.
inline std::vector<MoveAxis> row_axes(const plumb_tensor& from, const plumb_tensor& to) {
  const auto from_bytes = static_cast<std::int64_t>(size_of(dtype_of(from)));
  const auto to_bytes = static_cast<std::int64_t>(size_of(dtype_of(to)));
  std::vector<MoveAxis> axes;
  for (int axis = 0; axis + 1 < from.rank; ++axis) {
    axes.push_back({from.shape[axis], from.stride[axis] * from_bytes, to.stride[axis] * to_bytes});
  }
  return axes;
}

inline Move move_of(const plumb_tensor& from, const plumb_tensor& to, const std::vector<MoveAxis>& axes) {
  Move move{.from = static_cast<const std::byte*>(from.data), .to = static_cast<std::byte*>(to.data)};
  std::copy(axes.begin(), axes.end(), move.rows.end() - static_cast<std::ptrdiff_t>(axes.size()));
  return move;
}

// The first `length` elements of every row of `from` to where they stand in `to`, a tensor of the same shape and
// type; the two may be the same. Rows without a gap between them become one long row.
inline Move move_rows(const plumb_tensor& from, const plumb_tensor& to, std::int64_t length) {
  std::int64_t bytes =
      ((length - 1) * from.stride[from.rank - 1] + 1) * static_cast<std::int64_t>(size_of(dtype_of(from)));
  std::vector<MoveAxis> axes = merged(row_axes(from, to));
  if (!axes.empty() && axes.back().from_stride == bytes && axes.back().to_stride == bytes) {
    bytes *= axes.back().count;
    axes.pop_back();
  }
  Move move = move_of(from, to, axes);
  move.read = move.written = granules_of(bytes);
  return move;
}

// A vector that is read once.
inline Move read_vector(const plumb_tensor& vector) {
  Move move{.from = static_cast<const std::byte*>(vector.data)};
  move.read = granules_of(vector.shape[0] * static_cast<std::int64_t>(size_of(dtype_of(vector))));
  return move;
}

// For every position, the row of `table` that it names.
inline Move read_rows(const plumb_tensor& table, const plumb_tensor& positions) {
  const auto row_bytes = table.shape[1] * static_cast<std::int64_t>(size_of(dtype_of(table)));
  Move move{.from = static_cast<const std::byte*>(table.data)};
  move.rows[2] = {positions.shape[0], row_bytes, 0};
  move.read = granules_of(row_bytes);
  move.index = static_cast<const std::int64_t*>(positions.data);
  move.index_end = table.shape[0];
  return move;
}

using Tensors = std::vector<plumb_tensor>;

inline std::vector<Move> rms_norm_moves(const Problem&, const Tensors& tensors) {
  const plumb_tensor& x = tensors[PLUMB_RMS_NORM_X];
  const plumb_tensor& residual = tensors[PLUMB_RMS_NORM_RESIDUAL];
  std::vector<Move> moves = {move_rows(x, tensors[PLUMB_RMS_NORM_Y], x.shape[1])};
  if (is_present(residual)) moves.push_back(move_rows(residual, residual, x.shape[1]));
  moves.push_back(read_vector(tensors[PLUMB_RMS_NORM_WEIGHT]));
  return moves;
}

// In place: the rotary part of every head, read and written. And the cosines and sines of each token.
inline std::vector<Move> rope_moves(const Problem& problem, const Tensors& tensors) {
  std::vector<Move> moves;
  for (const int index : {PLUMB_ROPE_Q, PLUMB_ROPE_K}) {
    const plumb_tensor& heads = tensors[static_cast<std::size_t>(index)];
    if (is_present(heads)) {
      moves.push_back(move_rows(heads, heads, problem.params.as<plumb_rope_params>().rotary_dim));
    }
  }
  moves.push_back(read_rows(tensors[PLUMB_ROPE_COS_SIN_CACHE], tensors[PLUMB_ROPE_POSITIONS]));
  return moves;
}

// In place: all q and k heads, which stand in front of v. And both weights and the cosines and sines of each token.
inline std::vector<Move> qk_norm_rope_moves(const Problem& problem, const Tensors& tensors) {
  const auto& params = problem.params.as<plumb_qk_norm_rope_params>();
  const plumb_tensor& qkv = tensors[PLUMB_QK_NORM_ROPE_QKV];
  const std::int64_t heads = params.heads_q + params.heads_k;
  return {move_rows(qkv, qkv, heads * params.head_dim),
          read_rows(tensors[PLUMB_QK_NORM_ROPE_COS_SIN_CACHE], tensors[PLUMB_QK_NORM_ROPE_POSITIONS]),
          read_vector(tensors[PLUMB_QK_NORM_ROPE_Q_WEIGHT]), read_vector(tensors[PLUMB_QK_NORM_ROPE_K_WEIGHT])};
}

// A's lower triangle is read, X's full tiles are written. Where cu_seqlens moves the tiles about, the limit still
// has them where a dense batch has: the bytes are the same but for tails.
inline std::vector<Move> solve_tril_moves(const Problem&, const Tensors& tensors) {
  const plumb_tensor& a = tensors[PLUMB_SOLVE_TRIL_A];
  const plumb_tensor& x = tensors[PLUMB_SOLVE_TRIL_X];
  const auto read = static_cast<std::int64_t>(size_of(dtype_of(a)));
  const auto written = static_cast<std::int64_t>(size_of(dtype_of(x)));
  Move move = move_of(a, x, merged(row_axes(a, x)));
  move.read = granules_of(a.shape[3] * read);
  move.written = granules_of(x.shape[3] * written);
  const bool heads_are_inner = a.stride[2] < a.stride[1];
  move.row_step = heads_are_inner ? a.shape[2] : 1;
  move.tile = a.shape[3];
  move.elements_per_granule = kGranule / read;
  return {move};
}

// `tensors` are the problem's, as they lie in the memory that is to be moved.
inline std::vector<Move> moves_of(std::string_view operator_name, const Problem& problem, const Tensors& tensors) {
  struct Row {
    std::string_view operator_name;
    std::vector<Move> (*moves)(const Problem&, const Tensors&);
  };
  constexpr Row rows[] = {{"qk_norm_rope", qk_norm_rope_moves},
                          {"rms_norm", rms_norm_moves},
                          {"rope", rope_moves},
                          {"solve_tril", solve_tril_moves}};
  for (const Row& row : rows) {
    if (row.operator_name == operator_name) return row.moves(problem, tensors);
  }
  throw HarnessError("operator " + std::string(operator_name) + " has no row in harness/measure/moves.h");
}

}  // namespace plumb
