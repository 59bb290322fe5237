// Kernels that make a launch's life hard: a busy stream, busy multiprocessors, inputs that arrive late.
#include <cuda_runtime.h>

#include "harness/device/disturb.h"

namespace plumb {
namespace {

__device__ void wait_for(long long nanoseconds) {
  long long start, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  do {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  } while (now - start < nanoseconds);
}

__global__ void delay_kernel(long long nanoseconds) { wait_for(nanoseconds); }

__global__ void late_copy_kernel(uint4* to, const uint4* from, std::size_t count, long long nanoseconds) {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
  wait_for(nanoseconds);
  const std::size_t threads = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += threads) to[i] = from[i];
}

}  // namespace

void enqueue_delay(CUstream_st* stream, int microseconds) {
  delay_kernel<<<1, 1, 0, stream>>>(1000ll * microseconds);
}

void enqueue_crowd(CUstream_st* stream, int blocks, int microseconds) {
  delay_kernel<<<blocks, 1024, 0, stream>>>(1000ll * microseconds);
}

void enqueue_late_copy(CUstream_st* stream, void* to, const void* from, std::size_t bytes, int microseconds) {
  constexpr int kBlocks = 16;  // few, so that the dependent's blocks find room beside them
  late_copy_kernel<<<kBlocks, 256, 0, stream>>>(static_cast<uint4*>(to), static_cast<const uint4*>(from),
                                                bytes / 16, 1000ll * microseconds);
}

}  // namespace plumb
