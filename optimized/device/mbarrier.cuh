// Barriers in shared memory that threads and asynchronous copies arrive at (sm_80 and newer).
#pragma once

#include <cstdint>

#include "optimized/device/cp_async.cuh"

namespace plumb {

struct Mbarrier {
  std::uint64_t state;
};

// By one thread, before any other use; a barrier of the threads must follow.
__device__ __forceinline__ void mbarrier_init(Mbarrier& barrier, int arrivals) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(shared_address(&barrier)), "r"(arrivals) : "memory");
}

__device__ __forceinline__ void mbarrier_arrive(Mbarrier& barrier) {
  asm volatile(
      "{\n\t.reg .b64 state;\n\tmbarrier.arrive.shared.b64 state, [%0];\n\t}" ::"r"(shared_address(&barrier))
      : "memory");
}

// Arrives for this thread once all its cp.async so far have written; returns at once.
__device__ __forceinline__ void mbarrier_arrive_after_copies(Mbarrier& barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(shared_address(&barrier)) : "memory");
}

// Waits for the end of the phase of this parity (the first has 0); what was written or copied before the arrivals
// is then visible to this thread.
__device__ __forceinline__ void mbarrier_wait(Mbarrier& barrier, int parity) {
  asm volatile(
      "{\n\t"
      ".reg .pred done;\n\t"
      "again:\n\t"
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
      "mbarrier.try_wait.parity.shared.b64 done, [%0], %1;\n\t"
#else
      "mbarrier.test_wait.parity.shared.b64 done, [%0], %1;\n\t"
#endif
      "@!done bra again;\n\t"
      "}" ::"r"(shared_address(&barrier)),
      "r"(parity)
      : "memory");
}

}  // namespace plumb
