// solve_tril in float64, and the bound that every honest fp32 result keeps.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <Eigen/Core>

#include "reference/numeric/grid.h"
#include "reference/numeric/parallel.h"
#include "reference/numeric/tensor.h"
#include "reference/solve_tril/chunks.h"
#include "reference/solve_tril/reference.h"

namespace plumb {
namespace {

using Eigen::Index;
using Square = Eigen::Matrix<double, 64, 64, Eigen::RowMajor>;

// No partial sum of fp32 overflows while the sum of absolute terms stays below this, tf32's rounding included.
constexpr double kNoOverflow = std::numeric_limits<float>::max() / 2;

// The solution of one tile of `rows` rows, strictly lower triangles but for X's unit diagonal.
struct Solution {
  Index rows;
  Square l, x;
  Square terms;  // |L| |X|: the absolute terms of each element's sum
  Square bound;  // |X| |L| |X|: those terms carried through the rest of the solve
};

// X[i][j] = -(sum over j <= k < i of L[i][k] X[k][j]). Row by row, and for each k only the columns j <= k that have
// it in their sum, so that a NaN or an infinity goes exactly where the formula takes it.
void substitute(Solution& s) {
  for (Index i = 0; i < s.rows; ++i) {
    s.x.row(i).setZero();
    s.terms.row(i).setZero();
    s.bound.row(i).setZero();
    for (Index k = 0; k < i; ++k) {
      s.x.row(i).head(k + 1) -= s.l(i, k) * s.x.row(k).head(k + 1);
      s.terms.row(i).head(k + 1) += std::fabs(s.l(i, k)) * s.x.row(k).head(k + 1).cwiseAbs();
    }
    s.x(i, i) = 1;
    for (Index k = 1; k <= i; ++k) s.bound.row(i).head(k) += std::fabs(s.x(i, k)) * s.terms.row(k).head(k);
  }
}

// The error of a computed solve. Each X[i][j] is a chain of i - j fmaf on absolute terms |L| |X|, so the residual
// of the computed X is at most (i - j) u |L| |X|, and (I + L)^-1 = X carries it to c u |X| |L| |X|. c is not the
// worst case of 63 but its square root, 8, which independent roundings keep: measured on correlated keys, at
// most 4. tf32 keeps 11 bits of a factor, that is 2^13 u for u: c = 8 * 2^13, measured 2.6e4. tf32x3 drops the
// product of the two low parts and rounds on every merge: c = 32 is twice the measured 14, not derived.
double roundings_of(std::int32_t precision) {
  switch (precision) {
    case PLUMB_TF32:
      return 0x1p16;
    case PLUMB_TF32X3:
      return 32;
    default:
      return 8;
  }
}

// Where fp32 surely ends with the same NaN or infinity as float64, and where it may not. A column is lost from the
// row on where it may overflow, or where an infinite L meets an X whose sign the bound leaves open: only the rows
// below use it. NaN then stays NaN, whatever else is added.
void settle_columns(const Solution& s, Index first, std::int64_t stride, Expectation& expected) {
  for (Index j = 0; j < s.rows; ++j) {
    bool lost = false;
    for (Index i = j + 1; i < s.rows; ++i) {
      double finite_terms = 0;
      bool nan = false;
      for (Index k = j; k < i; ++k) {
        const double l = s.l(i, k), x = s.x(k, j);
        nan = nan || std::isnan(l) || (std::isnan(x) && !lost);
        if (std::isfinite(l) && std::isfinite(x)) finite_terms += std::fabs(l * x);
        const double slack = expected.slack[static_cast<std::size_t>(first + k * stride + j)];
        if (std::isinf(l) && slack > 0 && slack >= std::fabs(x)) lost = true;
      }
      const auto at = static_cast<std::size_t>(first + i * stride + j);
      lost = lost || finite_terms > kNoOverflow;
      if (nan) {
        expected.value[at] = std::numeric_limits<double>::quiet_NaN();
        expected.slack[at] = 0;
      } else if (lost) {
        expected.slack[at] = Expectation::kUnjudged;
      }
    }
  }
}

// `first` is element (0, 0) of the tile in the row-major order of X, `stride` the distance of its rows.
void expect_tile(const Solution& s, std::int32_t precision, const Grid& grid, Index width, Index first,
                 std::int64_t stride, Expectation& expected) {
  const double c = roundings_of(precision) * kUnitRoundoff;
  bool terms_overflow = false, bound_overflows = false;
  for (Index i = 0; i < s.rows; ++i) {
    const auto at = static_cast<std::size_t>(first + i * stride);
    for (Index j = 0; j < i; ++j) {
      const double x = s.x(i, j);
      expect_near(expected, at + static_cast<std::size_t>(j), x, c * (s.bound(i, j) + std::fabs(x)) + 1e-30, grid);
    }
    for (Index j = i; j < width; ++j) {  // the diagonal and above: exact
      expected.value[at + static_cast<std::size_t>(j)] = i == j ? 1 : 0;
      expected.slack[at + static_cast<std::size_t>(j)] = 0;
    }
    for (Index j = 0; j < i; ++j) {  // written so that NaN counts as overflow
      terms_overflow |= !(s.terms(i, j) <= kNoOverflow);
      bound_overflows |= !(s.bound(i, j) <= kNoOverflow);
    }
  }
  if (precision == PLUMB_IEEE) {
    if (terms_overflow) settle_columns(s, first, stride, expected);
    return;
  }
  // Merging blocks by products multiplies the zeros above the diagonal too, and its intermediate products are
  // larger.
  if (!bound_overflows) return;
  for (Index i = 1; i < s.rows; ++i) {
    std::fill_n(expected.slack.begin() + first + i * stride, i, Expectation::kUnjudged);
  }
}

}  // namespace

std::vector<Expectation> solve_tril_oracle(const plumb_solve_tril_params& params,
                                           std::span<const plumb_tensor> tensors) {
  const plumb_tensor &a = tensors[PLUMB_SOLVE_TRIL_A], &x = tensors[PLUMB_SOLVE_TRIL_X];
  const plumb_tensor& cu_seqlens = tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS];
  const std::int64_t length = a.shape[1], heads = a.shape[2], width = a.shape[3], stride = heads * width;
  const Grid grid(dtype_of(x));
  std::vector<Expectation> expected{Expectation(element_count(x))};
  if (is_present(cu_seqlens)) {  // rows that belong to no sequence keep every bit; the others are filled below
    std::vector<float> row(static_cast<std::size_t>(width));
    for (std::int64_t i = 0; i < length * heads; ++i) {
      load_row(address(x, {0, i / heads, i % heads, 0}), dtype_of(x), x.stride[3], row);
      expect_kept(expected[0], static_cast<std::size_t>(i * width), row);
    }
  }

  const std::vector<Chunk> chunks = chunks_of(a, cu_seqlens);
  parallel_for(std::ssize(chunks) * heads, grain_for(width * width), [&](std::int64_t begin, std::int64_t end) {
    const auto solution = std::make_unique<Solution>();
    Eigen::ArrayXf row(width);
    for (std::int64_t tile = begin; tile < end; ++tile) {
      const auto& [batch, first_row, rows] = chunks[static_cast<std::size_t>(tile / heads)];
      const std::int64_t head = tile % heads;
      solution->rows = rows;
      for (std::int64_t i = 0; i < rows; ++i) {
        load_row(address(a, {batch, first_row + i, head, 0}), dtype_of(a), a.stride[3],
                 std::span(row.data(), static_cast<std::size_t>(i)));
        solution->l.row(i).head(i) = row.head(i).cast<double>().transpose();
      }
      substitute(*solution);
      const std::int64_t first = ((batch * length + first_row) * heads + head) * width;
      expect_tile(*solution, params.precision, grid, width, first, stride, expected[0]);
    }
  });
  return expected;
}

}  // namespace plumb
