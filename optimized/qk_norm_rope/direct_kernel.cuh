// Device code of the direct variants: from global memory to registers and back, every rotated pair within one lane.
#pragma once

#include "optimized/device/canonical.cuh"
#include "optimized/device/dependent_launch.cuh"
#include "optimized/qk_norm_rope/arguments.h"

namespace plumb {

inline constexpr int kDirectWarps = 4;
inline constexpr int kInterleaved = 0;  // in the place of kHalfLeaves

// A warp takes heads of one token and one kind, which share a position and a weight: 32 / (head_dim / 16) of them.
struct DirectWork {
  Divider warps;          // of one token
  std::uint32_t warps_q;  // the first of these have q heads, the others k heads
  std::uint32_t total;    // warps, below 2^31
};

// head_dim / 16 lanes hold a head, two leaves each.
//
// neox: with kHalfLeaves = rotary_dim / 16 leaves in half the rotary part (a power of two), a lane holds the leaves
// l and l + kHalfLeaves, so that pairs meet in it: bit log2(kHalfLeaves) of a leaf's number selects the leaf, the
// other bits are the lane's number. kInterleaved: pairs are within a leaf, and halves of the head serve.
template <int kHeadDim, int kHalfLeaves>
struct DirectLane {
  static constexpr int kLanes = kHeadDim / 16;
  static constexpr int kApart = kHalfLeaves == kInterleaved ? kLanes : kHalfLeaves;  // leaves
  int leaf[2];
  bool rotated[2];

  __device__ __forceinline__ DirectLane(int place, int rotary_dim) {
    const int low = place & (kApart - 1);
    leaf[0] = (place - low) * 2 + low;
    leaf[1] = leaf[0] + kApart;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      rotated[i] = kHalfLeaves == kInterleaved ? leaf[i] * kLeafElements < rotary_dim : place < kHalfLeaves;
    }
  }

  // The tree over the head's leaves: distances above kApart keep a lane's two apart, kApart joins them, the rest is
  // one sum per lane. Every lane of the warp must take part.
  __device__ __forceinline__ static float halve(float first, float second) {
#pragma unroll
    for (int distance = kLanes / 2; distance >= kApart; distance /= 2) {
      first = __fadd_rn(first, __shfl_xor_sync(kWholeWarp, first, distance));
      second = __fadd_rn(second, __shfl_xor_sync(kWholeWarp, second, distance));
    }
    return halve_lanes<kApart>(__fadd_rn(first, second));
  }
};

// Blocks of a multiprocessor that registers must suffice for: 12 where types are narrow, 48 warps whose loads hide
// each other's latency (H200, 2026-11-22: 0.98 of the limit, 0.96 with the 32 warps that the compiler would
// choose).
template <class T, class C>
constexpr int kDirectBlocks = sizeof(T) == 4   ? 6
                              : sizeof(C) == 4 ? 8
                                               : 12;

// Which of the two kernels below asks: one with a warp for every few heads of many tokens, or one for few tokens.
enum class Tokens { kMany, kFew };

// Warp `warp` of a token's. C: the cache's type. What the result waits for longest is asked for first: the
// position, whose answer tells where the cosines and sines are, then the head, then its weight.
template <class T, class C, int kHeadDim, int kHalfLeaves, int kAccess, Tokens kTokens>
__device__ __forceinline__ void direct_heads(const QkNormRopeArguments& a, std::uint32_t token, std::uint32_t warp,
                                             std::uint32_t warps_q) {
  using Lane = DirectLane<kHeadDim, kHalfLeaves>;
  constexpr int kHeads = 32 / Lane::kLanes;
  const std::int64_t position = a.positions[token];

  const bool is_q = warp < warps_q;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const Lane own(lane % Lane::kLanes, a.rotary_dim);
  constexpr int kApart = Lane::kApart * kLeafElements;  // elements
  // Of its kind:
  const std::uint32_t head = (is_q ? warp : warp - warps_q) * kHeads + lane / Lane::kLanes;
  const bool present = head < (is_q ? a.heads_q : a.heads.divisor - a.heads_q);
  T* const data = static_cast<T*>(a.qkv) + std::int64_t{token} * a.row_stride +
                  std::int64_t{is_q ? head : head + a.heads_q} * kHeadDim + own.leaf[0] * kLeafElements;
  const void* const of_kind = kTokens == Tokens::kMany
                                  ? (is_q ? a.q_weight : a.k_weight)
                                  : static_cast<const char*>(a.q_weight) + (is_q ? 0 : a.k_weight_step);
  const T* const weights = static_cast<const T*>(of_kind) + own.leaf[0] * kLeafElements;

  Leaf<T> x[2], weight[2];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    if (present) load<kAccess, Use::kOnce>(x[i], data + i * kApart);
  }
#pragma unroll
  for (int i = 0; i < 2; ++i) load<kAccess>(weight[i], weights + i * kApart);
  // Few tokens have only latencies to wait for: this, and a weight's address that is no indexed constant, keep the
  // assembler from moving the weights' loads behind the position's arrival.
  if constexpr (kTokens == Tokens::kFew) __syncwarp();
  // No return yet where the position is out of range: the compiler would move the loads below past the exchange of
  // sums, which waits for x.
  const bool in_range = position >= 0 && position < a.max_position;

  // neox: cosines, sines; interleaved: cosines and sines of the first leaf, then of the second
  constexpr int kEach = kHalfLeaves == kInterleaved ? 4 : 8;
  Packed<C, kEach> angles[16 / kEach];
  const C* const row = static_cast<const C*>(a.cache) + position * a.rotary_dim;
#pragma unroll
  for (int part = 0; part < 16 / kEach; ++part) {
    const C* const from = row + own.leaf[part / 2] * kEach + part % 2 * (a.rotary_dim / 2);
    if (in_range && own.rotated[part / 2]) load<kAccess>(angles[part], from);
  }

  const float sum = Lane::halve(leaf_sum(x[0]), leaf_sum(x[1]));
  const float inverse = inverse_rms(sum, a.inverse_dim, a.eps);
  float y[2][kLeafElements];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    float w[kLeafElements];
    forget_unpacked(x[i]);
    unpack(x[i], y[i]);
    unpack(weight[i], w);
#pragma unroll
    for (int e = 0; e < kLeafElements; ++e) y[i][e] = normalised(y[i][e], inverse, w[e]);
  }
  if constexpr (kHalfLeaves == kInterleaved) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (!own.rotated[i]) continue;
      float c[kEach], s[kEach];
      unpack(angles[2 * i], c);
      unpack(angles[2 * i + 1], s);
#pragma unroll
      for (int p = 0; p < kEach; ++p) rotate(y[i][2 * p], y[i][2 * p + 1], c[p], s[p]);
    }
  } else if (own.rotated[0]) {
    float c[kEach], s[kEach];
    unpack(angles[0], c);
    unpack(angles[1], s);
#pragma unroll
    for (int e = 0; e < kEach; ++e) rotate(y[0][e], y[1][e], c[e], s[e]);
  }
  if (!present || !in_range) return;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    pack(y[i], x[i]);
    store<kAccess, Use::kOnce>(x[i], data + i * kApart);
  }
}

// Many tokens: a flat grid of warps, every block full.
template <class T, class C, int kHeadDim, int kHalfLeaves, int kAccess>
__global__ void __launch_bounds__(kDirectWarps * 32, kDirectBlocks<T, C>)
    qk_norm_rope_direct_kernel(const __grid_constant__ QkNormRopeArguments a,
                               const __grid_constant__ DirectWork work) {
  const std::uint32_t index = blockIdx.x * kDirectWarps + threadIdx.x / 32;
  if (index >= work.total) return;  // the whole warp: below, every lane takes part in every shuffle
  const std::uint32_t token = work.warps.quotient(index);
  // Not begin_dependent(): its branch would stand between the addresses and the loads, 0.1 us of one token's 1.3.
  wait_for_producers();
  release_dependents();
  direct_heads<T, C, kHeadDim, kHalfLeaves, kAccess, Tokens::kMany>(a, token, index - token * work.warps.divisor,
                                                                    work.warps_q);
}

// Few tokens: blocks (x, y) have token y. The position's address needs no division, and registers for all loads are
// there. A warp past the token's last has no heads.
inline constexpr int kTokenWarps = 6;  // of a block, at most
template <class T, class C>
constexpr int kTokenBlocks = sizeof(T) == 4   ? 3
                             : sizeof(C) == 4 ? 4
                                              : 5;

template <class T, class C, int kHeadDim, int kHalfLeaves, int kAccess>
__global__ void __launch_bounds__(kTokenWarps * 32, kTokenBlocks<T, C>)
    qk_norm_rope_token_kernel(const __grid_constant__ QkNormRopeArguments a,
                              const __grid_constant__ std::uint32_t warps_q) {
  wait_for_producers();
  release_dependents();
  direct_heads<T, C, kHeadDim, kHalfLeaves, kAccess, Tokens::kFew>(a, blockIdx.y,
                                                                   blockIdx.x * blockDim.y + threadIdx.y, warps_q);
}

}  // namespace plumb
