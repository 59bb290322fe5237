// rms_norm in float64, and the bound that every honest fp32 result keeps.
#include <algorithm>
#include <cmath>
#include <vector>

#include <Eigen/Core>

#include "reference/numeric/grid.h"
#include "reference/numeric/parallel.h"
#include "reference/numeric/tensor.h"
#include "reference/rms_norm/inverse_rms.h"
#include "reference/rms_norm/reference.h"

namespace plumb {
namespace {

Eigen::Map<const Eigen::ArrayXf> as_array(const std::vector<float>& values) {
  return {values.data(), std::ssize(values)};
}

struct Row {
  Eigen::ArrayXd h, weight;  // weight: offset included
  InverseRms inverse;
};

// y = h inv w: after inv come the product h inv and the product with w, 1 u each, and w + offset, 1 u when there is
// an offset. The two products may underflow; the first one's loss is then multiplied by w.
void expect_once(const Row& row, double offset_error, const Grid& grid, Expectation& y, std::int64_t at) {
  const double relative = (row.inverse.relative_error + 2 * kUnitRoundoff + offset_error) * kHigherOrders;
  for (Eigen::Index i = 0; i < row.h.size(); ++i) {
    const double w = row.weight[i], value = row.h[i] * row.inverse.value * w;
    const double slack = relative * std::fabs(value) + kUnderflow * (std::fabs(w) + 1);
    expect_near(y, static_cast<std::size_t>(at + i), value, slack, grid);
  }
}

// y = round(h inv) w. fp32 knows n = h inv within its bound (1 u more than inv), so its rounding is one of the
// grid's values between the roundings of the bound's two ends: nearly always a single one. The value expected is
// their middle. What follows is the product, 1 u, and w + offset.
void expect_before_weight(const Row& row, double offset_error, const Grid& grid, Expectation& y, std::int64_t at) {
  const double relative = (row.inverse.relative_error + kUnitRoundoff) * kHigherOrders;
  const double after = (kUnitRoundoff + offset_error) * kHigherOrders;
  for (Eigen::Index i = 0; i < row.h.size(); ++i) {
    const double w = row.weight[i], n = row.h[i] * row.inverse.value;
    const double error = relative * std::fabs(n) + kUnderflow;
    const double low = grid.round(n - error), high = grid.round(n + error);
    const double spread = (high - low) / 2 * std::fabs(w), value = (low + high) / 2 * w;
    expect_near(y, static_cast<std::size_t>(at + i), value,
                spread + after * (std::fabs(value) + spread) + kUnderflow, grid);
  }
}

// The bound of fp32 cannot be stated for this row.
void expect_anything(Expectation& y, std::int64_t at, std::int64_t count) {
  std::fill_n(y.slack.begin() + at, count, Expectation::kUnjudged);
}

}  // namespace

std::vector<Expectation> rms_norm_oracle(const plumb_rms_norm_params& params,
                                         std::span<const plumb_tensor> tensors) {
  const plumb_tensor &x = tensors[PLUMB_RMS_NORM_X], &weight = tensors[PLUMB_RMS_NORM_WEIGHT];
  const plumb_tensor& residual = tensors[PLUMB_RMS_NORM_RESIDUAL];
  const auto dtype = dtype_of(x);
  const Grid grid(dtype);
  const std::int64_t rows = x.shape[0], hidden = x.shape[1];
  const bool adds = is_present(residual);
  // fp32's own grid is the one that n already lies on: there the two roundings differ in nothing.
  const bool rounds_before = params.rounding == PLUMB_ROUND_BEFORE_WEIGHT && dtype != PLUMB_F32;
  const double offset_error = params.weight_offset != 0 ? kUnitRoundoff : 0;

  std::vector<float> w(static_cast<std::size_t>(hidden));
  load_row(address(weight, {0}), dtype_of(weight), weight.stride[0], w);
  std::vector<Expectation> expected{Expectation(adds ? rows * hidden : 0), Expectation(rows * hidden)};
  Expectation &sum = expected[0], &y = expected[1];

  parallel_for(rows, grain_for(hidden), [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> h(w.size()), r(w.size());
    Row row{Eigen::ArrayXd(hidden), as_array(w).cast<double>() + static_cast<double>(params.weight_offset), {}};
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t at = i * hidden;
      load_row(address(x, {i, 0}), dtype, x.stride[1], h);
      if (adds) {
        load_row(address(residual, {i, 0}), dtype, residual.stride[1], r);
        for (std::size_t k = 0; k < h.size(); ++k) h[k] += r[k];
        // The fp32 sum and its rounding are the specification itself: h is exact.
        round_row(dtype, h);
        std::copy(h.begin(), h.end(), sum.value.begin() + at);
      }
      row.h = as_array(h).cast<double>();
      row.inverse = inverse_rms(row.h.square().sum(), hidden, params.eps);
      if (std::isinf(row.inverse.relative_error)) {
        expect_anything(y, at, hidden);
      } else if (rounds_before) {
        expect_before_weight(row, offset_error, grid, y, at);
      } else {
        expect_once(row, offset_error, grid, y, at);
      }
    }
  });
  return expected;
}

}  // namespace plumb
