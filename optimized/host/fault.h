// Faults of host code that take more than a line, and what gives device code its number; nothing in production
// builds.
#pragma once

#include <cstdint>

#include "reference/fault.h"
#include "reference/operator.h"

namespace plumb {

#if defined(PLUMBLINE_FAULTS)
// Tells every device of the machine which fault is selected. Without a device nothing happens.
void arm_device_faults();

// Whether this is the second, fourth, ... launch of the process.
inline bool is_other_run() {
  static int runs = 0;
  return ++runs % 2 == 0;
}

// The type by which a kernel is chosen: with kHalfReadAsBf16 the process's first 16-bit type stays.
inline std::int32_t chosen_dtype(std::int32_t dtype) {
  static std::int32_t first = PLUMB_F32;
  if (first == PLUMB_F32) first = dtype;
  return fault(Fault::kHalfReadAsBf16) && dtype != PLUMB_F32 ? first : dtype;
}
#else
inline void arm_device_faults() {}
constexpr bool is_other_run() { return false; }
constexpr std::int32_t chosen_dtype(std::int32_t dtype) { return dtype; }
#endif

}  // namespace plumb
