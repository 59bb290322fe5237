// qk_norm_rope in float64, and the bound that every honest fp32 result keeps.
#include <vector>

#include <Eigen/Core>

#include "reference/numeric/parallel.h"
#include "reference/numeric/tensor.h"
#include "reference/qk_norm_rope/reference.h"
#include "reference/rms_norm/inverse_rms.h"
#include "reference/rope/rotation.h"

namespace plumb {
namespace {

// n = x inv w: inv's error is a factor of the whole head; the products with inv and with w are 1 u of each element.
// The first may underflow and is then multiplied by w, the second may underflow.
RotationInput error_of_norm(const InverseRms& inverse, double largest_weight) {
  return {.common_error = inverse.relative_error,
          .own_error = 2 * kUnitRoundoff,
          .absolute_error = kUnderflow * (largest_weight + 1)};
}

Eigen::Map<const Eigen::ArrayXf> as_array(std::span<const float> values) {
  return {values.data(), std::ssize(values)};
}

Eigen::ArrayXd load_weight(const plumb_tensor& weight) {
  std::vector<float> values(static_cast<std::size_t>(weight.shape[0]));
  load_row(address(weight, {0}), dtype_of(weight), weight.stride[0], values);
  return as_array(values).cast<double>();
}

}  // namespace

std::vector<Expectation> qk_norm_rope_oracle(const plumb_qk_norm_rope_params& params,
                                             std::span<const plumb_tensor> tensors) {
  const plumb_tensor& qkv = tensors[PLUMB_QK_NORM_ROPE_QKV];
  const plumb_tensor& positions = tensors[PLUMB_QK_NORM_ROPE_POSITIONS];
  const plumb_tensor& cache = tensors[PLUMB_QK_NORM_ROPE_COS_SIN_CACHE];
  const auto dtype = dtype_of(qkv);
  const Grid grid(dtype);
  const std::int64_t tokens = qkv.shape[0], width = qkv.shape[1], head_dim = params.head_dim;
  const std::int64_t normed_heads = params.heads_q + params.heads_k;
  const auto rotary_dim = static_cast<std::size_t>(params.rotary_dim);
  const Eigen::ArrayXd q_weight = load_weight(tensors[PLUMB_QK_NORM_ROPE_Q_WEIGHT]);
  const Eigen::ArrayXd k_weight = load_weight(tensors[PLUMB_QK_NORM_ROPE_K_WEIGHT]);

  std::vector<Expectation> expected{Expectation(tokens * width)};
  Expectation& y = expected[0];
  parallel_for(tokens, grain_for(width), [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> values(static_cast<std::size_t>(width)), cos_sin(rotary_dim);
    Eigen::ArrayXd x(head_dim), n(head_dim);
    for (std::int64_t token = begin; token < end; ++token) {
      const auto token_at = static_cast<std::size_t>(token * width);
      load_row(address(qkv, {token, 0}), dtype, qkv.stride[1], values);
      expect_kept(y, token_at, values);
      const std::byte* row = cos_sin_of(positions, cache, token);
      if (!row) continue;
      load_row(row, dtype_of(cache), cache.stride[1], cos_sin);

      for (std::int64_t h = 0; h < normed_heads; ++h) {
        const Eigen::ArrayXd& w = h < params.heads_q ? q_weight : k_weight;
        x = as_array(values).segment(h * head_dim, head_dim).cast<double>();
        const InverseRms inverse = inverse_rms(x.square().sum(), head_dim, params.eps);
        n = x * inverse.value * w;
        const auto at = token_at + static_cast<std::size_t>(h * head_dim);
        const RotationInput error = error_of_norm(inverse, w.abs().maxCoeff());
        expect_rotated(y, at, {n.data(), rotary_dim}, cos_sin, params.style, error, grid);
        const double relative = (error.common_error + error.own_error) * kHigherOrders;
        for (auto i = rotary_dim; i < static_cast<std::size_t>(head_dim); ++i) {
          const double value = n[static_cast<Eigen::Index>(i)];
          expect_near(y, at + i, value, relative * std::fabs(value) + error.absolute_error, grid);
        }
      }
    }
  });
  return expected;
}

}  // namespace plumb
