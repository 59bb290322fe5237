// What the kernels of qk_norm_rope take, and how a call becomes launches of them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "optimized/device/divider.h"
#include "reference/fault.h"
#include "reference/numeric/tensor.h"
#include "reference/qk_norm_rope/qk_norm_rope.h"

namespace plumb {

// The q and k heads of all tokens are numbered through: head `index % heads` of token `index / heads`.
struct QkNormRopeArguments {
  void* qkv;
  const void* q_weight;
  const void* k_weight;
  std::int64_t k_weight_step;  // bytes from q_weight to k_weight
  const std::int64_t* positions;
  const void* cache;
  std::int64_t max_position;
  std::int64_t row_stride;  // of qkv, in elements
  Divider heads;            // of one token, q and k together
  std::uint32_t heads_q;
  std::uint32_t total;  // heads of all tokens of this launch, below 2^31
  int head_dim;
  int rotary_dim;
  bool interleaved;
  bool float_cache;  // else the cache has qkv's type
  float eps;
  float inverse_dim;
  bool dependent;  // the launch asked for PLUMB_DEPENDENT_LAUNCH
};

inline QkNormRopeArguments qk_norm_rope_arguments(const plumb_call& call) {
  const auto& params = *static_cast<const plumb_qk_norm_rope_params*>(call.params);
  const auto& qkv = call.tensors[PLUMB_QK_NORM_ROPE_QKV];
  const auto& cache = call.tensors[PLUMB_QK_NORM_ROPE_COS_SIN_CACHE];
  return {.qkv = qkv.data,
          .q_weight = call.tensors[PLUMB_QK_NORM_ROPE_Q_WEIGHT].data,
          .k_weight = call.tensors[PLUMB_QK_NORM_ROPE_K_WEIGHT].data,
          .k_weight_step = static_cast<const char*>(call.tensors[PLUMB_QK_NORM_ROPE_K_WEIGHT].data) -
                           static_cast<const char*>(call.tensors[PLUMB_QK_NORM_ROPE_Q_WEIGHT].data),
          .positions = static_cast<const std::int64_t*>(call.tensors[PLUMB_QK_NORM_ROPE_POSITIONS].data),
          .cache = cache.data,
          .max_position = cache.shape[0],
          .row_stride = qkv.stride[0],
          .heads = Divider(static_cast<std::uint32_t>(params.heads_q) + static_cast<std::uint32_t>(params.heads_k)),
          .heads_q = static_cast<std::uint32_t>(params.heads_q),
          .total = 0,
          .head_dim = params.head_dim,
          .rotary_dim = fault(Fault::kRotateAll) ? params.head_dim : params.rotary_dim,
          .interleaved = params.style == PLUMB_ROPE_INTERLEAVED,
          .float_cache = cache.dtype == PLUMB_F32,
          .eps = params.eps,
          .inverse_dim = 1.0f / static_cast<float>(params.head_dim),
          .dependent = (call.flags & PLUMB_DEPENDENT_LAUNCH) != 0};
}

// Calls launch(arguments) for as many runs of tokens as keep their heads below 2^31: one, but for huge tensors.
template <class Launch>
plumb_status for_each_run(const plumb_call& call, const Launch& launch) {
  const auto& qkv = call.tensors[PLUMB_QK_NORM_ROPE_QKV];
  QkNormRopeArguments a = qk_norm_rope_arguments(call);
  const std::int64_t step = kDividerLimit / a.heads.divisor;
  for (std::int64_t first = 0; first < qkv.shape[0]; first += step) {
    const std::int64_t tokens = std::min(step, qkv.shape[0] - first);
    a.qkv = address(qkv, {first});
    a.positions = static_cast<const std::int64_t*>(call.tensors[PLUMB_QK_NORM_ROPE_POSITIONS].data) + first;
    a.total = static_cast<std::uint32_t>(tokens * a.heads.divisor);
    if (const auto status = launch(a); status != PLUMB_OK) return status;
  }
  return PLUMB_OK;
}

}  // namespace plumb
