// The tensor memory accelerator (sm_90 and newer): boxes of a tensor map to and from shared memory, and what their
// arrival at an Mbarrier needs. Code that calls these is compiled for sm_90 and newer alone.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "optimized/device/mbarrier.cuh"

namespace plumb {

// Makes initialised barriers visible to the copy engine.
__device__ __forceinline__ void mbarrier_fence() {
  asm volatile("fence.mbarrier_init.release.cluster;\n\tfence.proxy.async.shared::cta;" ::: "memory");
}

// Arrives, and lets the phase end only when `bytes` more have been copied.
__device__ __forceinline__ void mbarrier_arrive_expecting(Mbarrier& barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(&barrier)), "r"(bytes)
               : "memory");
}

// Coordinates of a box's first element, innermost axis first.
struct BoxCorner {
  int at[4];
};

__device__ __forceinline__ void prefetch_tensor_map(const CUtensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

// By one thread. What lies outside the tensor arrives as zeros, and counts in the barrier's bytes.
__device__ __forceinline__ void load_box(void* shared, const CUtensorMap* map, BoxCorner corner,
                                         Mbarrier& barrier) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%2, %3, %4, %5}], [%6];" ::"r"(shared_address(shared)),
      "l"(map), "r"(corner.at[0]), "r"(corner.at[1]), "r"(corner.at[2]), "r"(corner.at[3]),
      "r"(shared_address(&barrier))
      : "memory");
}

// Lets the copy engine see this thread's earlier writes to shared memory. Each writing thread calls it, then a
// barrier of the threads, then one thread stores the box.
__device__ __forceinline__ void fence_before_store_box() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// By one thread. What lies outside the tensor is not written.
__device__ __forceinline__ void store_box(const CUtensorMap* map, BoxCorner corner, const void* shared) {
  asm volatile(
      "cp.async.bulk.tensor.4d.global.shared::cta.bulk_group "
      "[%0, {%1, %2, %3, %4}], [%5];\n\t"
      "cp.async.bulk.commit_group;" ::"l"(map),
      "r"(corner.at[0]), "r"(corner.at[1]), "r"(corner.at[2]), "r"(corner.at[3]), "r"(shared_address(shared))
      : "memory");
}

// Waits until this thread's boxes have been read from shared memory, which may then be used again or given up.
__device__ __forceinline__ void wait_for_stored_boxes() {
  asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
}

}  // namespace plumb
