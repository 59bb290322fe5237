// Programmatic dependent launch: where a kernel waits for the one before it on the stream.
#pragma once

#include "optimized/device/fault.cuh"

namespace plumb {

// Before this, a kernel may read only what no kernel writes (weights, cos/sin tables). Returns at once when the
// kernel was launched without the attribute, and before sm_90.
__device__ __forceinline__ void wait_for_producers() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  if (device_fault(Fault::kReadsBeforeDependency)) return;
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Lets the next kernel's blocks start once every block of this one is running; their own wait_for_producers() still
// waits until this kernel has finished and its writes are visible.
__device__ __forceinline__ void release_dependents() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

// Both at once. `dependent`, the same in all threads: whether the launch asked for the attribute; without it the
// two instructions do nothing but cost some 50 ns, a few per cent of the smallest calls (H200, 2026-11-22).
__device__ __forceinline__ void begin_dependent(bool dependent) {
  if (!dependent) return;
  wait_for_producers();
  release_dependents();
}

}  // namespace plumb
