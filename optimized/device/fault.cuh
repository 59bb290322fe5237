// The named faults of reference/fault.h in device code: the constant false, but for a build with PLUMBLINE_FAULTS.
#pragma once

#include "reference/fault.h"

namespace plumb {

#if defined(PLUMBLINE_FAULTS) && defined(__CUDACC__)
extern __constant__ int selected_device_fault;  // one for the whole library, which is linked as one device program
__device__ __forceinline__ bool device_fault(Fault which) {
  return selected_device_fault == static_cast<int>(which);
}
#elif !defined(PLUMBLINE_FAULTS)
constexpr bool device_fault(Fault) { return false; }
#endif

}  // namespace plumb
