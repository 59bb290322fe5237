// Launchers of the direct variants.
#include "optimized/host/fault.h"
#include "optimized/host/launch.cuh"
#include "optimized/qk_norm_rope/direct_kernel.cuh"
#include "optimized/qk_norm_rope/variants.h"

namespace plumb {
namespace {

// Few warps: 32 for each multiprocessor. Heads of 256 are faster by token at any number (H200, 2026-11-22: 1024
// tokens of 16q+2k in 6.6 instead of 6.9 us, 4096 in 20.1 instead of 20.4), as far as the grid's second dimension
// goes.
bool goes_by_token(const plumb_call& call, const QkNormRopeArguments& a, std::uint32_t warps) {
  constexpr std::uint32_t kMostTokens = 65535;
  const std::uint32_t tokens = a.total / a.heads.divisor;
  const auto few = static_cast<std::uint64_t>(call.device->sm_count) * 32;
  return tokens <= kMostTokens && (a.head_dim == 256 || std::uint64_t{tokens} * warps <= few);
}

// The warps of a block that leave the fewest without heads: 1 to 3 where blocks are few, so that they meet many
// multiprocessors, else 3 to 6.
unsigned token_block_warps(const plumb_call& call, const QkNormRopeArguments& a, std::uint32_t warps) {
  const std::uint64_t total = std::uint64_t{a.total / a.heads.divisor} * warps;
  const unsigned most =
      total <= static_cast<std::uint64_t>(call.device->sm_count) * 8 ? kTokenWarps / 2 : kTokenWarps;
  const auto launched = [warps](unsigned per_block) { return (warps + per_block - 1) / per_block * per_block; };
  unsigned best = most;
  for (unsigned per_block = most - 1; per_block >= most / 2; --per_block) {
    if (launched(per_block) < launched(best)) best = per_block;
  }
  return best;
}

template <class T, class C, int kHeadDim, int kHalfLeaves, int kAccess>
plumb_status launch_paired(const plumb_call& call) {
  constexpr std::uint32_t kHeads = 512 / kHeadDim;  // a warp's
  return for_each_run(call, [&](const QkNormRopeArguments& a) {
    const std::uint32_t warps_q = (a.heads_q + kHeads - 1) / kHeads;
    const std::uint32_t warps_k = (a.heads.divisor - a.heads_q + kHeads - 1) / kHeads;
    if constexpr (kAccess == 16) {
      if (goes_by_token(call, a, warps_q + warps_k)) {
        const unsigned per_block = token_block_warps(call, a, warps_q + warps_k);
        const LaunchShape shape{
            .grid = dim3((warps_q + warps_k + per_block - 1) / per_block, a.total / a.heads.divisor),
            .block = dim3(32, per_block)};
        return launch_kernel(call, qk_norm_rope_token_kernel<T, C, kHeadDim, kHalfLeaves, kAccess>, shape, a,
                             warps_q);
      }
    }
    const Divider warps(warps_q + warps_k);  // never more than a token's heads
    const DirectWork work{warps, warps_q, a.total / a.heads.divisor * warps.divisor};
    const LaunchShape shape{.grid = (work.total + kDirectWarps - 1) / kDirectWarps, .block = kDirectWarps * 32};
    return launch_kernel(call, qk_norm_rope_direct_kernel<T, C, kHeadDim, kHalfLeaves, kAccess>, shape, a, work);
  });
}

// The kernel for half_leaves, a power of two that is no more than head_dim / 16.
template <class T, class C, int kHeadDim, int kAccess, int kHalfLeaves = 1>
plumb_status launch_halves(const plumb_call& call, int half_leaves) {
  if constexpr (kHalfLeaves < kHeadDim / 16) {
    if (half_leaves > kHalfLeaves) {
      return launch_halves<T, C, kHeadDim, kAccess, kHalfLeaves * 2>(call, half_leaves);
    }
  }
  return launch_paired<T, C, kHeadDim, kHalfLeaves, kAccess>(call);
}

template <class T, class C, int kHeadDim, int kAccess>
plumb_status launch_cached(const plumb_call& call) {
  const auto& params = *static_cast<const plumb_qk_norm_rope_params*>(call.params);
  if (params.style == PLUMB_ROPE_INTERLEAVED) {
    return launch_paired<T, C, kHeadDim, kInterleaved, kAccess>(call);
  }
  return launch_halves<T, C, kHeadDim, kAccess>(call, params.rotary_dim / 16);
}

template <class T, int kHeadDim, int kAccess>
plumb_status launch_typed(const plumb_call& call) {
  if constexpr (sizeof(T) < sizeof(float)) {
    if (call.tensors[PLUMB_QK_NORM_ROPE_COS_SIN_CACHE].dtype != PLUMB_F32) {
      return launch_cached<T, T, kHeadDim, kAccess>(call);
    }
  }
  return launch_cached<T, float, kHeadDim, kAccess>(call);
}

}  // namespace

template <int kHeadDim, int kAccess>
plumb_status launch_direct(const plumb_call& call) {
  switch (chosen_dtype(call.tensors[PLUMB_QK_NORM_ROPE_QKV].dtype)) {
    case PLUMB_BF16:
      return launch_typed<__nv_bfloat16, kHeadDim, kAccess>(call);
    case PLUMB_F16:
      return launch_typed<__half, kHeadDim, kAccess>(call);
    default:
      return launch_typed < float, kHeadDim,
             kAccess < 4 ? 4 : kAccess > (call);  // supports() keeps fp32 from 2 bytes
  }
}

template plumb_status launch_direct<64, 16>(const plumb_call&);
template plumb_status launch_direct<64, 8>(const plumb_call&);
template plumb_status launch_direct<64, 4>(const plumb_call&);
template plumb_status launch_direct<64, 2>(const plumb_call&);
template plumb_status launch_direct<128, 16>(const plumb_call&);
template plumb_status launch_direct<128, 8>(const plumb_call&);
template plumb_status launch_direct<128, 4>(const plumb_call&);
template plumb_status launch_direct<128, 2>(const plumb_call&);
template plumb_status launch_direct<256, 16>(const plumb_call&);
template plumb_status launch_direct<256, 8>(const plumb_call&);
template plumb_status launch_direct<256, 4>(const plumb_call&);
template plumb_status launch_direct<256, 2>(const plumb_call&);

}  // namespace plumb
