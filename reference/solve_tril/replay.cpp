// solve_tril in fp32 on the CPU: in the canonical order, the bits of every canonical kernel; in tf32, within the
// bound.
#include <algorithm>
#include <cmath>

#include "reference/fault.h"
#include "reference/numeric/parallel.h"
#include "reference/numeric/tensor.h"
#include "reference/solve_tril/chunks.h"
#include "reference/solve_tril/reference.h"
#include "reference/solve_tril/tile.h"

namespace plumb {

// The chains of a row are independent, so they advance side by side.
void substitute(const Tile& a, std::size_t begin, std::size_t end, Tile& x) {
  for (std::size_t i = begin; i < end; ++i) {
    std::fill(x[i].begin() + static_cast<std::ptrdiff_t>(begin), x[i].end(), 0.0f);
    for (std::size_t step = begin; step < i; ++step) {
      const std::size_t k = fault(Fault::kSolveDescending) ? i - 1 - (step - begin) : step;
      if (fault(Fault::kMissingTerm) && i / 16 == 2 && k / 16 == 1) continue;
      const float factor = -a[i][k];
      // Only the columns up to k have k in their chain. A few columns more, to whole vectors, find X[k][j] = +0 and
      // stay +0, unless the factor is not finite.
      const std::size_t columns = std::isfinite(factor) ? (k | 7) + 1 : k + 1;
      for (std::size_t j = begin; j < columns; ++j) x[i][j] = std::fmaf(factor, x[k][j], x[i][j]);
    }
    x[i][i] = 1.0f;
    if (fault(Fault::kSolveInHalf)) round_row(PLUMB_F16, x[i]);
  }
}

bool solve_tril_replay_is_canonical(const plumb_solve_tril_params& params) {
  return params.precision == PLUMB_IEEE;
}

void solve_tril_replay(const plumb_solve_tril_params& params, std::span<const plumb_tensor> tensors) {
  const plumb_tensor &a = tensors[PLUMB_SOLVE_TRIL_A], &x = tensors[PLUMB_SOLVE_TRIL_X];
  const std::int64_t heads = a.shape[2];
  const auto width = static_cast<std::size_t>(a.shape[3]);
  const std::vector<Chunk> chunks = chunks_of(a, tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS]);

  const auto tiles = std::ssize(chunks) * heads;
  parallel_for(tiles, grain_for(a.shape[3] * a.shape[3]), [&](std::int64_t begin, std::int64_t end) {
    Tile lower, solution;
    for (std::int64_t tile = begin; tile < end; ++tile) {
      const auto& [batch, first_row, rows] = chunks[static_cast<std::size_t>(tile / heads)];
      const std::int64_t head = tile % heads;
      for (std::int64_t i = 0; i < rows; ++i) {
        const std::span row(lower[static_cast<std::size_t>(i)]);
        load_row(address(a, {batch, first_row + i, head, 0}), dtype_of(a), a.stride[3],
                 row.first(static_cast<std::size_t>(i)));
      }
      if (params.precision == PLUMB_IEEE) {
        substitute(lower, 0, static_cast<std::size_t>(rows), solution);
      } else {
        merge_in_tf32(lower, static_cast<std::size_t>(rows), params.precision == PLUMB_TF32X3, solution);
      }
      const std::int64_t stored = fault(Fault::kTailStoredWhole) ? a.shape[3] : rows;
      for (std::int64_t i = 0; i < stored; ++i) {
        const std::span row(solution[static_cast<std::size_t>(i)]);
        const std::size_t columns = fault(Fault::kUpperLeftUnwritten) ? static_cast<std::size_t>(i) + 1 : width;
        if (fault(Fault::kAboveDiagonalAt32) && width == 32 && i < 31)
          row[static_cast<std::size_t>(i) + 1] =
              load_float(address(a, {batch, first_row + i, head, i + 1}), dtype_of(a));
        if (fault(Fault::kTailUnmasked) && rows < a.shape[3])
          row[width - 1] += 0 * load_float(address(a, {batch, first_row + i, head, a.shape[3] - 1}), dtype_of(a));
        store_row(address(x, {batch, first_row + i, head, 0}), dtype_of(x), x.stride[3], row.first(columns));
      }
    }
  });
}

}  // namespace plumb
