// From a call to a kernel of solve_tril: its arguments, and its instantiation by types and chunk size.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "optimized/host/fault.h"
#include "optimized/host/launch.cuh"
#include "optimized/solve_tril/arguments.h"
#include "optimized/solve_tril/variants.h"
#include "reference/numeric/tensor.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb::solve_tril {

inline TileStrides strides_of(const plumb_tensor& tensor) {
  return {.batch = tensor.stride[0], .token = tensor.stride[1], .head = tensor.stride[2]};
}

// Each slot's heads are numbered up to the next multiple of heads_multiple, so that so many neighbouring numbers
// are tiles of one slot.
inline Arguments arguments_of(const plumb_call& call, int heads_multiple = 1) {
  const auto& a = call.tensors[PLUMB_SOLVE_TRIL_A];
  const auto& x = call.tensors[PLUMB_SOLVE_TRIL_X];
  const auto& cu_seqlens = call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS];
  const auto heads = static_cast<std::uint32_t>(a.shape[2]);
  const auto multiple = static_cast<std::uint32_t>(heads_multiple);
  const std::uint32_t numbered = (heads + multiple - 1) / multiple * multiple;
  const std::int64_t rows = solve_tril_tiles(call) / heads;
  return {.a = a.data,
          .a_stride = strides_of(a),
          .cu_seqlens = is_present(cu_seqlens) ? cu_seqlens.data : nullptr,
          .tokens = a.shape[1],
          .tiles = static_cast<std::uint32_t>(rows * numbered),
          .heads = Divider(numbered),
          .slots = Divider(static_cast<std::uint32_t>(rows / a.shape[0])),
          .head_count = heads,
          .sequences = is_present(cu_seqlens) ? static_cast<std::uint32_t>(cu_seqlens.shape[0] - 1) : 0,
          .cu_seqlens_is_i64 = cu_seqlens.dtype == PLUMB_I64,
          .sm_count = call.device->sm_count,
          .x = x.data,
          .x_stride = strides_of(x)};
}

template <class T>
struct TypeTag {
  using type = T;
};

template <class Visit>
plumb_status with_type(std::int32_t dtype, Visit visit) {
  switch (chosen_dtype(dtype)) {
    case PLUMB_BF16:
      return visit(TypeTag<__nv_bfloat16>{});
    case PLUMB_F16:
      return visit(TypeTag<__half>{});
    default:
      return visit(TypeTag<float>{});
  }
}

// Launch::template run<A, X, BT>(call) for the call's types and chunk size, of which kLeastChunk is the smallest.
template <class Launch, int kLeastChunk = 16>
plumb_status launch_typed(const plumb_call& call) {
  const auto& a = call.tensors[PLUMB_SOLVE_TRIL_A];
  return with_type(a.dtype, [&](auto a_tag) {
    return with_type(call.tensors[PLUMB_SOLVE_TRIL_X].dtype, [&](auto x_tag) {
      using A = typename decltype(a_tag)::type;
      using X = typename decltype(x_tag)::type;
      if (a.shape[3] == 64) return Launch::template run<A, X, 64>(call);
      if constexpr (kLeastChunk == 16) {
        if (a.shape[3] == 16) return Launch::template run<A, X, 16>(call);
      }
      return Launch::template run<A, X, 32>(call);
    });
  });
}

}  // namespace plumb::solve_tril
