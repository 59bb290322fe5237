// Hardware barriers for some of a block's warps, where some only tell and others wait.
#pragma once

namespace plumb {

// `id`: 1 to 15, as __syncthreads has 0. `threads`: of all warps that arrive or wait, a multiple of 32. Each call
// is by all lanes of a warp; what was written before an arrival is visible behind the wait.
struct NamedBarrier {
  int id, threads;
  __device__ __forceinline__ void arrive() const {
    asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
  }
  __device__ __forceinline__ void sync() const {
    asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
  }
};

}  // namespace plumb
