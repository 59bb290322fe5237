// Launchers of the staged variants.
#include "optimized/host/fault.h"
#include "optimized/host/launch.cuh"
#include "optimized/qk_norm_rope/staged_kernel.cuh"
#include "optimized/qk_norm_rope/variants.h"

namespace plumb {
namespace {

template <class T, int kHeadDim, int kHeadsPerWarp>
plumb_status launch_typed(const plumb_call& call) {
  return for_each_run(call, [&](const QkNormRopeArguments& a) {
    constexpr std::uint32_t kPerBlock = kStagedWarps * kHeadsPerWarp;
    const std::size_t cache_row = a.rotary_dim * (a.float_cache ? sizeof(float) : sizeof(T));
    const LaunchShape shape{.grid = (a.total + kPerBlock - 1) / kPerBlock,
                            .block = kStagedWarps * 32,
                            .shared_bytes = staged_bytes(kHeadsPerWarp, kHeadDim * sizeof(T), cache_row)};
    return launch_kernel(call, qk_norm_rope_staged_kernel<T, kHeadDim, kHeadsPerWarp>, shape, a);
  });
}

}  // namespace

template <int kHeadDim, int kHeadsPerWarp>
plumb_status launch_staged(const plumb_call& call) {
  switch (chosen_dtype(call.tensors[PLUMB_QK_NORM_ROPE_QKV].dtype)) {
    case PLUMB_BF16:
      return launch_typed<__nv_bfloat16, kHeadDim, kHeadsPerWarp>(call);
    case PLUMB_F16:
      return launch_typed<__half, kHeadDim, kHeadsPerWarp>(call);
    default:
      return launch_typed<float, kHeadDim, kHeadsPerWarp>(call);
  }
}

template plumb_status launch_staged<64, 1>(const plumb_call&);
template plumb_status launch_staged<64, 2>(const plumb_call&);
template plumb_status launch_staged<64, 4>(const plumb_call&);
template plumb_status launch_staged<64, 8>(const plumb_call&);
template plumb_status launch_staged<128, 1>(const plumb_call&);
template plumb_status launch_staged<128, 2>(const plumb_call&);
template plumb_status launch_staged<128, 4>(const plumb_call&);
template plumb_status launch_staged<128, 8>(const plumb_call&);
template plumb_status launch_staged<256, 1>(const plumb_call&);
template plumb_status launch_staged<256, 2>(const plumb_call&);
template plumb_status launch_staged<256, 4>(const plumb_call&);
template plumb_status launch_staged<256, 8>(const plumb_call&);

}  // namespace plumb
