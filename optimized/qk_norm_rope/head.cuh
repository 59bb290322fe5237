// Where a numbered head lies, and which weight, position and row of the cache belong to it.
#pragma once

#include "optimized/device/canonical.cuh"
#include "optimized/device/dependent_launch.cuh"
#include "optimized/qk_norm_rope/arguments.h"

namespace plumb {

template <class T>
struct Head {
  T* data;
  const T* weight;
  std::uint32_t token;
};

template <class T>
__device__ __forceinline__ Head<T> head_at(const QkNormRopeArguments& a, std::uint32_t index) {
  const std::uint32_t token = a.heads.quotient(index);
  const std::uint32_t head = index - token * a.heads.divisor;
  const std::uint32_t heads_q = a.heads_q + device_fault(Fault::kQWeightForBoundaryHead);
  const bool has_q_weight = head < heads_q || device_fault(Fault::kQWeightForK);
  std::int64_t row = std::int64_t{token} * a.row_stride;
  if (device_fault(Fault::kIndexIn32Bits)) row = static_cast<std::int32_t>(row);
  return {static_cast<T*>(a.qkv) + row + std::int64_t{head} * a.head_dim,
          static_cast<const T*>(has_q_weight ? a.q_weight : a.k_weight), token};
}

__device__ __forceinline__ bool in_cache(const QkNormRopeArguments& a, std::int64_t position) {
  return is_in_cache(position, a.max_position);
}

template <class T>
__device__ __forceinline__ int cache_element_bytes(const QkNormRopeArguments& a) {
  return a.float_cache ? static_cast<int>(sizeof(float)) : static_cast<int>(sizeof(T));
}

// The first cosine of a position; its sines begin rotary_dim / 2 elements on.
template <class T>
__device__ __forceinline__ const char* cache_row(const QkNormRopeArguments& a, std::int64_t position) {
  return static_cast<const char*>(a.cache) + position * a.rotary_dim * cache_element_bytes<T>(a);
}

// Element `index` of a row of the cache, wherever the row is.
template <class T>
__device__ __forceinline__ float cache_value(const QkNormRopeArguments& a, const char* row, int index) {
  if (sizeof(T) == sizeof(float) || a.float_cache) return reinterpret_cast<const float*>(row)[index];
  return to_float(reinterpret_cast<const T*>(row)[index]);
}

// kCount elements from `index` on, where they lie on a multiple of their own size or of 16 bytes.
template <class T, int kCount>
__device__ __forceinline__ void cache_values(const QkNormRopeArguments& a, const char* row, int index,
                                             float (&values)[kCount]) {
  if (sizeof(T) == sizeof(float) || a.float_cache) {
    Packed<float, kCount> packed;
    load<16>(packed, row + index * sizeof(float));
    unpack(packed, values);
  } else {
    Packed<T, kCount> packed;
    load<16>(packed, row + index * sizeof(T));
    unpack(packed, values);
  }
}

}  // namespace plumb
