// Device code of rope: a thread turns the same few pairs of one or several heads of a token, in place.
#pragma once

#include <cstdint>

#include "optimized/device/canonical.cuh"
#include "optimized/device/dependent_launch.cuh"
#include "optimized/device/divider.h"

namespace plumb {

inline constexpr unsigned kRopeBlock = 128;  // threads

// Either of q and k; strides in elements.
struct RopeHeads {
  void* data;
  std::int64_t token_stride, head_stride, element_stride;
};

struct RopeArguments {
  RopeHeads q, k;
  const std::int64_t* positions;
  const void* cache;
  std::int64_t max_position;
  std::uint32_t heads_q;
  int rotary_dim;
  bool interleaved;
  bool dependent;       // the launch asked for PLUMB_DEPENDENT_LAUNCH
  Divider units;        // of a head's work: vectors or single pairs
  std::uint32_t heads;  // of a token, q and k together
  Divider groups;       // of a token's heads: one thread's
  std::uint32_t items;  // tokens * groups * units, below 2^31
};

struct RopeItem {
  std::int64_t token;
  std::uint32_t head;  // the first
  std::uint32_t unit;
};

template <int kHeads>
__device__ __forceinline__ RopeItem rope_item(const RopeArguments& a, std::uint32_t index) {
  const std::uint32_t group_index = a.units.quotient(index);
  const std::uint32_t token = a.groups.quotient(group_index);
  return {token, (group_index - token * a.groups.divisor) * kHeads, index - group_index * a.units.divisor};
}

template <class T>
__device__ __forceinline__ T* rope_head(const RopeArguments& a, std::int64_t token, std::uint32_t head) {
  const bool is_q = head < a.heads_q;
  const RopeHeads& of = is_q ? a.q : a.k;
  return static_cast<T*>(of.data) + token * of.token_stride +
         static_cast<std::int64_t>(is_q ? head : head - a.heads_q) * of.head_stride;
}

// A thread's heads. One where accesses are wide: more would leave small calls without threads. Narrow accesses are
// so many that several heads had better share the cosines, the sines and the arithmetic of addresses.
constexpr int rope_heads(int access) { return access >= 8 ? 1 : 4; }

// kAccess bytes of a head at a time (of each half, where the style is neox). C: the cache's type. The position
// comes first, as it tells where the cosines and sines are; the heads' loads are under way before it is used.
template <class T, class C, int kAccess, bool kInterleaved>
__global__ void __launch_bounds__(kRopeBlock) rope_vector_kernel(const __grid_constant__ RopeArguments a) {
  constexpr int kElements = kAccess / static_cast<int>(sizeof(T));
  constexpr int kPairs = kInterleaved ? kElements / 2 : kElements;
  constexpr int kVectors = kInterleaved ? 1 : 2;
  constexpr int kHeads = rope_heads(kAccess);

  const std::uint32_t index = blockIdx.x * kRopeBlock + threadIdx.x;
  begin_dependent(a.dependent);
  if (index >= a.items) return;
  const RopeItem item = rope_item<kHeads>(a, index);
  const int half = a.rotary_dim / 2;

  const std::int64_t position = position_of(a.positions[item.token]);
  T* vector[kHeads];
  Packed<T, kElements> x[kHeads][kVectors];
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    if (kHeads > 1 && item.head + h >= a.heads) continue;
    vector[h] = rope_head<T>(a, item.token, item.head + h) + item.unit * kElements;
#pragma unroll
    for (int v = 0; v < kVectors; ++v) load<kAccess, Use::kOnce>(x[h][v], vector[h] + v * half);
  }
  if (!is_in_cache(position, a.max_position)) return;
  const C* const angles = static_cast<const C*>(a.cache) + position * a.rotary_dim + item.unit * kPairs;
  Packed<C, kPairs> packed_cos, packed_sin;
  load<16>(packed_cos, angles);
  load<16>(packed_sin, angles + half);
  float c[kPairs], s[kPairs];
  unpack(packed_cos, c);
  unpack(packed_sin, s);

#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    if (kHeads > 1 && item.head + h >= a.heads) continue;
    float value[kVectors][kElements];
#pragma unroll
    for (int v = 0; v < kVectors; ++v) unpack(x[h][v], value[v]);
#pragma unroll
    for (int i = 0; i < kPairs; ++i) {
      if constexpr (kInterleaved) {
        rotate(value[0][2 * i], value[0][2 * i + 1], c[i], s[i]);
      } else {
        rotate(value[0][i], value[1][i], c[i], s[i]);
      }
    }
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      pack(value[v], x[h][v]);
      store<kAccess, Use::kOnce>(x[h][v], vector[h] + v * half);
    }
  }
}

// One pair of each head; any strides, any alignment.
template <class T, class C>
__global__ void __launch_bounds__(kRopeBlock) rope_scalar_kernel(const __grid_constant__ RopeArguments a) {
  constexpr int kHeads = rope_heads(0);
  const std::uint32_t index = blockIdx.x * kRopeBlock + threadIdx.x;
  begin_dependent(a.dependent);
  if (index >= a.items) return;
  const RopeItem item = rope_item<kHeads>(a, index);
  const std::int64_t pair = item.unit, half = a.rotary_dim / 2;
  const std::int64_t first = a.interleaved ? 2 * pair : pair;
  std::int64_t distance = a.interleaved ? 1 : half;
  if (device_fault(Fault::kXorPairs) && !a.interleaved) distance = (pair ^ half) - pair;

  const std::int64_t position = position_of(a.positions[item.token]);
  if (!is_in_cache(position, a.max_position)) return;
  const C* const angles = static_cast<const C*>(a.cache) + position * a.rotary_dim + pair;
  T *x1[kHeads], *x2[kHeads];
  T v1[kHeads], v2[kHeads];
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    if (item.head + h >= a.heads) continue;
    const std::int64_t stride = item.head + h < a.heads_q ? a.q.element_stride : a.k.element_stride;
    x1[h] = rope_head<T>(a, item.token, item.head + h) + first * stride;
    x2[h] = x1[h] + distance * stride;
    v1[h] = *x1[h];
    v2[h] = *x2[h];
  }
  const bool wide = device_fault(Fault::kCacheTwiceTooWide) && a.interleaved;
  const std::int64_t sines = device_fault(Fault::kSineFromPadded) ? 1ll << (63 - __clzll(half)) : half;
  const float c = to_float(angles[wide ? pair : 0]), s = to_float(angles[sines]);
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    if (item.head + h >= a.heads) continue;
    float y1 = to_float(v1[h]), y2 = to_float(v2[h]);
    rotate(y1, y2, c, s);
    *x1[h] = from_float<T>(y1);
    *x2[h] = from_float<T>(y2);
  }
}

}  // namespace plumb
