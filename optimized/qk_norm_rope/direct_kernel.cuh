// Device code of the direct variants: from global memory to registers and back, every rotated pair within one lane.
#pragma once

#include "optimized/qk_norm_rope/head.cuh"

namespace plumb {

inline constexpr int kDirectWarps = 4;

// The raw cosines and sines of one lane: 8 of each, cosines first (neox), or 4 of each for either leaf
// (interleaved). The cache's type is known at run time only: fp32 fills all words, 16-bit types the first half.
struct Angles {
  std::uint32_t word[16];
};

template <class T, bool kInterleaved, int kAccess>
__device__ __forceinline__ void load_angles(const QkNormRopeArguments& a, const char* row, const int (&leaf)[2],
                                            Angles& angles) {
  constexpr int kEach = kInterleaved ? 4 : 8;  // consecutive elements
  const int half = a.rotary_dim / 2;
  const auto load_as = [&]<class C>(C) {
    using Run = Packed<C, kEach>;
#pragma unroll
    for (int part = 0; part < 16 / kEach; ++part) {
      // neox: cosines, sines; interleaved: cosines and sines of leaf 0, then of leaf 1
      const int element = (kInterleaved ? leaf[part / 2] * 4 : leaf[0] * 8) + (part % 2) * half;
      Run run;
      load<kAccess>(run, row + element * static_cast<int>(sizeof(C)));
#pragma unroll
      for (int w = 0; w < Run::kWords; ++w) angles.word[part * Run::kWords + w] = run.word[w];
    }
  };
  if (sizeof(T) == sizeof(float) || a.float_cache) {
    load_as(float{});
  } else {
    load_as(T{});
  }
}

// In load order: values[0 .. 7] and [8 .. 15].
template <class T>
__device__ __forceinline__ void unpack_angles(const QkNormRopeArguments& a, const Angles& angles,
                                              float (&values)[16]) {
  if (sizeof(T) == sizeof(float) || a.float_cache) {
#pragma unroll
    for (int i = 0; i < 16; ++i) values[i] = __uint_as_float(angles.word[i]);
  } else {
    Packed<T, 16> packed;
#pragma unroll
    for (int w = 0; w < Packed<T, 16>::kWords; ++w) packed.word[w] = angles.word[w];
    unpack(packed, values);
  }
}

// kHeadDim / 16 lanes hold a head, two leaves each; a warp takes 32 / (kHeadDim / 16) heads a step, kSteps at once.
//
// neox: with h = rotary_dim / 16 leaves in half the rotary part (a power of two), a lane holds the leaves l and l +
// h, so that pairs meet in it: bit log2(h) of a leaf's number selects the leaf, the other bits are the lane's
// number. interleaved: pairs are within a leaf, and h = kHeadDim / 16 serves.
template <class T, int kHeadDim, bool kInterleaved, int kAccess, int kSteps>
__global__ void __launch_bounds__(kDirectWarps * 32)
    qk_norm_rope_direct_kernel(const __grid_constant__ QkNormRopeArguments a) {
  constexpr int kLanes = kHeadDim / 16;
  constexpr int kHeads = 32 / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int place = lane % kLanes;
  const std::uint32_t first = (blockIdx.x * kDirectWarps + threadIdx.x / 32) * (kHeads * kSteps);
  if (first >= a.total) return;  // the whole warp: below, every lane takes part in every shuffle

  const int half_leaves = kInterleaved ? kLanes : a.rotary_dim / 16;
  const int low = place & (half_leaves - 1);
  const int leaf[2] = {(place - low) * 2 + low, (place - low) * 2 + low + half_leaves};
  // Whether the leaf's elements are rotated; for neox both are or none.
  const bool rotated[2] = {leaf[0] * (kInterleaved ? kLeafElements : 2 * kLeafElements) < a.rotary_dim,
                           kInterleaved ? leaf[1] * kLeafElements < a.rotary_dim : leaf[0] < half_leaves};

  // Everything is asked for before the first use: weights, then positions and heads, then cosines and sines.
  // Lanes past the last head load it again, and store nothing.
  Head<T> head[kSteps];
  Leaf<T> weight[kSteps][2], x[kSteps][2];
  std::int64_t position[kSteps];
  bool active[kSteps];
#pragma unroll
  for (int s = 0; s < kSteps; ++s) {
    const std::uint32_t index = first + s * kHeads + lane / kLanes;
    active[s] = index < a.total;
    head[s] = head_at<T>(a, active[s] ? index : a.total - 1);
#pragma unroll
    for (int i = 0; i < 2; ++i) load<kAccess>(weight[s][i], head[s].weight + leaf[i] * kLeafElements);
  }
  wait_for_producers();
  release_dependents();
#pragma unroll
  for (int s = 0; s < kSteps; ++s) position[s] = a.positions[head[s].token];
#pragma unroll
  for (int s = 0; s < kSteps; ++s) {
#pragma unroll
    for (int i = 0; i < 2; ++i) load<kAccess>(x[s][i], head[s].data + leaf[i] * kLeafElements);
  }
  Angles angles[kSteps];
#pragma unroll
  for (int s = 0; s < kSteps; ++s) {
    active[s] = active[s] && in_cache(a, position[s]);
    if (active[s] && (rotated[0] || rotated[1])) {
      // interleaved: where the second leaf is not rotated, the first one's angles are read twice
      const int from[2] = {leaf[0], kInterleaved && !rotated[1] ? leaf[0] : leaf[1]};
      load_angles<T, kInterleaved, kAccess>(a, cache_row<T>(a, position[s]), from, angles[s]);
    }
  }

#pragma unroll
  for (int s = 0; s < kSteps; ++s) {
    float sums[2] = {leaf_sum(x[s][0]), leaf_sum(x[s][1])};
    // Distances above half_leaves keep both leaves apart, half_leaves joins them, the rest is one sum per lane.
    for (int distance = kLanes; distance > half_leaves; distance /= 2) {
#pragma unroll
      for (float& sum : sums) sum = __fadd_rn(sum, __shfl_xor_sync(kWholeWarp, sum, distance / 2));
    }
    const float joined = __fadd_rn(sums[0], sums[1]);
    const float sum = half_leaves == kLanes ? halve_lanes<kLanes>(joined) : halve_lanes(joined, half_leaves);
    const float inverse = inverse_rms(sum, a.inverse_dim, a.eps);

    float y[2][kLeafElements];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float w[kLeafElements];
      unpack(x[s][i], y[i]);
      unpack(weight[s][i], w);
#pragma unroll
      for (int e = 0; e < kLeafElements; ++e) y[i][e] = normalised(y[i][e], inverse, w[e]);
    }
    float turn[16];
    unpack_angles<T>(a, angles[s], turn);
    if constexpr (kInterleaved) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        if (!rotated[i]) continue;
#pragma unroll
        for (int p = 0; p < 4; ++p) rotate(y[i][2 * p], y[i][2 * p + 1], turn[8 * i + p], turn[8 * i + 4 + p]);
      }
    } else if (rotated[0]) {
#pragma unroll
      for (int e = 0; e < kLeafElements; ++e) rotate(y[0][e], y[1][e], turn[e], turn[8 + e]);
    }
    if (!active[s]) continue;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      pack(y[i], x[s][i]);
      store<kAccess>(x[s][i], head[s].data + leaf[i] * kLeafElements);
    }
  }
}

}  // namespace plumb
