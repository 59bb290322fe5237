// qk_norm_rope in fp32 in the canonical order: the bits of every canonical kernel.
#include <vector>

#include "reference/fault.h"
#include "reference/numeric/canonical_sum.h"
#include "reference/numeric/parallel.h"
#include "reference/numeric/tensor.h"
#include "reference/qk_norm_rope/reference.h"
#include "reference/rope/rotation.h"

namespace plumb {

void qk_norm_rope_replay(const plumb_qk_norm_rope_params& params, std::span<const plumb_tensor> tensors) {
  const plumb_tensor& qkv = tensors[PLUMB_QK_NORM_ROPE_QKV];
  const plumb_tensor& positions = tensors[PLUMB_QK_NORM_ROPE_POSITIONS];
  const plumb_tensor& cache = tensors[PLUMB_QK_NORM_ROPE_COS_SIN_CACHE];
  const auto dtype = dtype_of(qkv);
  const auto head_dim = static_cast<std::size_t>(params.head_dim);
  const std::int64_t heads = params.heads_q + params.heads_k;

  const auto load_weight = [&](const plumb_tensor& weight) {
    std::vector<float> values(head_dim);
    load_row(address(weight, {0}), dtype_of(weight), weight.stride[0], values);
    return values;
  };
  const std::vector<float> q_weight = load_weight(tensors[PLUMB_QK_NORM_ROPE_Q_WEIGHT]);
  const std::vector<float> k_weight = load_weight(tensors[PLUMB_QK_NORM_ROPE_K_WEIGHT]);

  parallel_for(qkv.shape[0], grain_for(heads * params.head_dim), [&](std::int64_t begin, std::int64_t end) {
    const std::int32_t rotary_dim = fault(Fault::kRotateAll) ? params.head_dim : params.rotary_dim;
    std::vector<float> x(head_dim), cos_sin(static_cast<std::size_t>(rotary_dim));
    for (std::int64_t token = begin; token < end; ++token) {
      const std::byte* row = cos_sin_of(positions, cache, token);
      if (!row) continue;
      load_row(row, dtype_of(cache), cache.stride[1], cos_sin);
      for (std::int64_t h = 0; h < heads; ++h) {
        const std::int64_t heads_q = fault(Fault::kQWeightForK) ? heads : params.heads_q;
        const std::vector<float>& w = h < heads_q + fault(Fault::kQWeightForBoundaryHead) ? q_weight : k_weight;
        std::byte* head = address(qkv, {token, h * params.head_dim});
        load_row(head, dtype, qkv.stride[1], x);
        const float inverse = canonical_inverse_rms(canonical_sum_of_squares(x), head_dim, params.eps);
        for (std::size_t i = 0; i < head_dim; ++i) x[i] = x[i] * inverse * w[i];
        rotate(x, cos_sin, params.style);  // of the norm as it stands in fp32: nothing is rounded in between
        store_row(head, dtype, qkv.stride[1], x);
      }
    }
  });
}

}  // namespace plumb
