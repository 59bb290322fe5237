// Launchers of the direct variants.
#include "optimized/host/launch.cuh"
#include "optimized/qk_norm_rope/direct_kernel.cuh"
#include "optimized/qk_norm_rope/variants.h"

namespace plumb {
namespace {

// From this many steps per multiprocessor on, a warp has two steps' loads under way: fewer warps, more bytes in
// flight.
constexpr std::int64_t kTwoStepsFrom = 64;

template <class T, int kHeadDim, bool kInterleaved, int kAccess>
plumb_status launch_styled(const plumb_call& call) {
  constexpr std::uint32_t kHeads = 512 / kHeadDim;  // a step's
  return for_each_run(call, [&](const QkNormRopeArguments& a) {
    const auto launch = [&](auto* kernel, std::uint32_t steps) {
      const std::uint32_t per_block = kDirectWarps * kHeads * steps;
      const LaunchShape shape{.grid = (a.total + per_block - 1) / per_block, .block = kDirectWarps * 32};
      return launch_kernel(call, kernel, shape, a);
    };
    if constexpr (kAccess == 16) {
      if (a.total / kHeads >= kTwoStepsFrom * call.device->sm_count) {
        return launch(qk_norm_rope_direct_kernel<T, kHeadDim, kInterleaved, kAccess, 2>, 2);
      }
    }
    return launch(qk_norm_rope_direct_kernel<T, kHeadDim, kInterleaved, kAccess, 1>, 1);
  });
}

template <class T, int kHeadDim, int kAccess>
plumb_status launch_typed(const plumb_call& call) {
  const auto& params = *static_cast<const plumb_qk_norm_rope_params*>(call.params);
  return params.style == PLUMB_ROPE_INTERLEAVED ? launch_styled<T, kHeadDim, true, kAccess>(call)
                                                : launch_styled<T, kHeadDim, false, kAccess>(call);
}

}  // namespace

template <int kHeadDim, int kAccess>
plumb_status launch_direct(const plumb_call& call) {
  switch (call.tensors[PLUMB_QK_NORM_ROPE_QKV].dtype) {
    case PLUMB_BF16:
      return launch_typed<__nv_bfloat16, kHeadDim, kAccess>(call);
    case PLUMB_F16:
      return launch_typed<__half, kHeadDim, kAccess>(call);
    default:
      return launch_typed < float, kHeadDim,
             kAccess == 4 ? 8 : kAccess > (call);  // supports() keeps fp32 from 4 bytes
  }
}

template plumb_status launch_direct<64, 16>(const plumb_call&);
template plumb_status launch_direct<64, 8>(const plumb_call&);
template plumb_status launch_direct<64, 4>(const plumb_call&);
template plumb_status launch_direct<128, 16>(const plumb_call&);
template plumb_status launch_direct<128, 8>(const plumb_call&);
template plumb_status launch_direct<128, 4>(const plumb_call&);
template plumb_status launch_direct<256, 16>(const plumb_call&);
template plumb_status launch_direct<256, 8>(const plumb_call&);
template plumb_status launch_direct<256, 4>(const plumb_call&);

}  // namespace plumb
