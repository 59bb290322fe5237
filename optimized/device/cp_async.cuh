// Asynchronous 16-byte copies from global to shared memory (cp.async, sm_80 and newer).
#pragma once

#include <cstdint>

namespace plumb {

// A shared-memory address as the 32-bit operand that PTX takes.
__device__ __forceinline__ std::uint32_t shared_address(const void* shared) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
}

// Both addresses must be multiples of 16. cg goes past L1: for data that is read once.
__device__ __forceinline__ void cp_async_cg16(void* shared, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(shared)), "l"(global) : "memory");
}

// The same, reading only the first `bytes` (0 .. 16) and filling the rest of the 16 with zeros.
__device__ __forceinline__ void cp_async_cg16(void* shared, const void* global, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
               "r"(bytes)
               : "memory");
}

// ca goes through L1: for data that neighbouring warps read too.
__device__ __forceinline__ void cp_async_ca16(void* shared, const void* global) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(shared_address(shared)), "l"(global) : "memory");
}

__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most kPending of this thread's groups are under way. It makes this thread's copies visible to this
// thread alone: a barrier (__syncwarp, __syncthreads) must follow before other threads read them.
template <int kPending>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace plumb
