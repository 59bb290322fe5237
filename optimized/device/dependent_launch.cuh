// Programmatic dependent launch: where a kernel waits for the one before it on the stream.
#pragma once

namespace plumb {

// Before this, a kernel may read only what no kernel writes (weights, cos/sin tables). Returns at once when the
// kernel was launched without the attribute, and before sm_90.
__device__ __forceinline__ void wait_for_producers() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
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

}  // namespace plumb
