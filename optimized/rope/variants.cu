// rope's variants: one row each, and how a call becomes launches.
#include <algorithm>

#include "optimized/host/fault.h"
#include "optimized/host/launch.cuh"
#include "optimized/rope/rope_kernel.cuh"
#include "optimized/rope/variants.h"
#include "reference/numeric/tensor.h"
#include "reference/rope/rope.h"

namespace plumb {
namespace {

RopeHeads heads_of(const plumb_tensor& tensor) {
  return {tensor.data, tensor.stride[0], tensor.stride[1], tensor.stride[2]};
}

// unit_pairs: the pairs of a head that a thread turns; group: its heads. Tokens are taken in as many launches as
// keep items below 2^31.
template <class T>
plumb_status launch_tokens(const plumb_call& call, void (*kernel)(RopeArguments), std::uint32_t unit_pairs,
                           int group) {
  const auto& params = *static_cast<const plumb_rope_params*>(call.params);
  const auto& q = call.tensors[PLUMB_ROPE_Q];
  const auto& k = call.tensors[PLUMB_ROPE_K];
  const auto& cache = call.tensors[PLUMB_ROPE_COS_SIN_CACHE];
  const std::int64_t heads = q.shape[1] + (is_present(k) ? k.shape[1] : 0);
  const Divider units(static_cast<std::uint32_t>(params.rotary_dim) / 2 / unit_pairs);
  const Divider groups(static_cast<std::uint32_t>((heads + group - 1) / group));
  RopeArguments a{.q = heads_of(q),
                  .k = heads_of(k),
                  .positions = static_cast<const std::int64_t*>(call.tensors[PLUMB_ROPE_POSITIONS].data),
                  .cache = cache.data,
                  .max_position = cache.shape[0],
                  .heads_q = static_cast<std::uint32_t>(q.shape[1]),
                  .rotary_dim = params.rotary_dim,
                  .interleaved = params.style == PLUMB_ROPE_INTERLEAVED,
                  .dependent = (call.flags & PLUMB_DEPENDENT_LAUNCH) != 0,
                  .units = units,
                  .heads = static_cast<std::uint32_t>(heads),
                  .groups = groups,
                  .items = 0};
  const std::int64_t token_items = std::int64_t{units.divisor} * groups.divisor;

  const std::int64_t step = kDividerLimit / token_items;
  for (std::int64_t first = 0; first < q.shape[0]; first += step) {
    const std::int64_t tokens = std::min(step, q.shape[0] - first);
    a.items = static_cast<std::uint32_t>(tokens * token_items);
    const LaunchShape shape{.grid = (a.items + kRopeBlock - 1) / kRopeBlock, .block = kRopeBlock};
    if (const auto status = launch_kernel(call, kernel, shape, a); status != PLUMB_OK) return status;
    a.q.data = static_cast<T*>(a.q.data) + tokens * a.q.token_stride;
    a.k.data = static_cast<T*>(a.k.data) + tokens * a.k.token_stride;
    a.positions += tokens;
  }
  return PLUMB_OK;
}

template <class T, class C, int kAccess>
plumb_status launch_typed(const plumb_call& call) {
  const auto& params = *static_cast<const plumb_rope_params*>(call.params);
  if constexpr (kAccess == 0) {
    return launch_tokens<T>(call, rope_scalar_kernel<T, C>, 1, rope_heads(kAccess));
  } else {
    constexpr std::uint32_t kElements = kAccess / sizeof(T);
    if (params.style == PLUMB_ROPE_INTERLEAVED) {
      return launch_tokens<T>(call, rope_vector_kernel<T, C, kAccess, true>, kElements / 2, rope_heads(kAccess));
    }
    return launch_tokens<T>(call, rope_vector_kernel<T, C, kAccess, false>, kElements, rope_heads(kAccess));
  }
}

template <class T, int kAccess>
plumb_status launch_cached(const plumb_call& call) {
  if constexpr (sizeof(T) < sizeof(float)) {
    if (call.tensors[PLUMB_ROPE_COS_SIN_CACHE].dtype != PLUMB_F32) return launch_typed<T, T, kAccess>(call);
  }
  return launch_typed<T, float, kAccess>(call);
}

// kAccess is in bytes; 0: one element.
template <int kAccess>
plumb_status launch_rope(const plumb_call& call) {
  switch (chosen_dtype(call.tensors[PLUMB_ROPE_Q].dtype)) {
    case PLUMB_BF16:
      return launch_cached<__nv_bfloat16, kAccess>(call);
    case PLUMB_F16:
      return launch_cached<__half, kAccess>(call);
    default:
      return launch_cached < float, kAccess == 4 ? 8 : kAccess > (call);  // supports() keeps fp32 from vec4
  }
}

constexpr RopeVariant kVariants[] = {
    {"vec16",
     "Unit element stride; q's and k's addresses, strides and the rotated part (neox: its half) are multiples of "
     "16 "
     "bytes; the cache's address and half rows are multiples of the bytes for as many pairs, at most 16.",
     16, launch_rope<16>},
    {"vec8", "As vec16, with 8 bytes.", 8, launch_rope<8>},
    {"vec4", "As vec16, with 4 bytes and a 16-bit type.", 4, launch_rope<4>},
    {"scalar", "Any strides, any addresses, any rotary_dim.", 0, launch_rope<0>},
};

}  // namespace

std::span<const RopeVariant> rope_variants() { return kVariants; }

}  // namespace plumb
