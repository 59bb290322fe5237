// The named faults of reference/fault.h in device code: the constant false, but for a build with PLUMBLINE_FAULTS.
#pragma once

#include <cstdint>

#include "reference/fault.h"

namespace plumb {

#if defined(PLUMBLINE_FAULTS)
extern __constant__ int selected_device_fault;  // one for the whole library, which is linked as one device program
__device__ __forceinline__ bool device_fault(Fault which) {
  return selected_device_fault == static_cast<int>(which);
}
#else
__device__ __forceinline__ constexpr bool device_fault(Fault) { return false; }
#endif

// What a faulty kernel takes for a position, for where the sines begin, and for an offset in elements.
__device__ __forceinline__ std::int64_t position_of(std::int64_t position) {
  if (device_fault(Fault::kPositionIn32BitFloat)) return static_cast<std::int64_t>(static_cast<float>(position));
  if (device_fault(Fault::kPositionIn32Bits)) return static_cast<std::int32_t>(position);
  return position;
}
__device__ __forceinline__ bool is_in_cache(std::int64_t position, std::int64_t max_position) {
  if (device_fault(Fault::kPositionPastCache)) return position >= 0;
  if (device_fault(Fault::kPaddingUsed)) return position < max_position;
  return position >= 0 && position < max_position;
}

// A vector access to shared memory at a place that is no multiple of its size, which the device refuses.
__device__ __forceinline__ void touch_misaligned(float* shared) {
  asm volatile("st.volatile.shared.v2.f32 [%0], {%1, %1};" ::"r"(
                   static_cast<unsigned>(__cvta_generic_to_shared(shared)) + 4),
               "f"(0.0f));
}

__device__ __forceinline__ void swap_floats(float& a, float& b) {
  const float kept = a;
  a = b;
  b = kept;
}

}  // namespace plumb
