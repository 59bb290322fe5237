// qk_norm_rope's table of variants, as the host's selection sees it.
#pragma once

#include <cstddef>
#include <span>

#include "reference/operator.h"

namespace plumb {

struct QkNormRopeVariant {
  const char* name;
  const char* requirements;
  int head_dim;        // 0: any
  int access;          // bytes of the accesses to qkv, weights and cache; 0: one element
  int heads_per_warp;  // 0: not staged through shared memory
  plumb_status (*launch)(const plumb_call& call);
};

// In the selector's order of preference.
std::span<const QkNormRopeVariant> qk_norm_rope_variants();

// Each kind of kernel instantiates its launchers in a file of its own.
template <int kHeadDim, int kAccess>
plumb_status launch_direct(const plumb_call& call);
template <int kHeadDim, int kHeadsPerWarp>
plumb_status launch_staged(const plumb_call& call);
plumb_status launch_scalar(const plumb_call& call);

// Dynamic shared memory of a staged block: every warp has its heads, and a row of the cache for each of their
// tokens.
inline constexpr int kStagedWarps = 4;
constexpr std::size_t staged_bytes(int heads_per_warp, std::size_t head_bytes, std::size_t cache_row_bytes) {
  return kStagedWarps * static_cast<std::size_t>(heads_per_warp) * (head_bytes + cache_row_bytes);
}

}  // namespace plumb
