// A kernel that keeps a stream busy for a while.
#include <cuda_runtime.h>

#include "harness/device/delay.h"

namespace plumb {
namespace {

__global__ void delay_kernel(long long nanoseconds) {
  long long start, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  do {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  } while (now - start < nanoseconds);
}

}  // namespace

void enqueue_delay(CUstream_st* stream, int microseconds) {
  delay_kernel<<<1, 1, 0, stream>>>(1000ll * microseconds);
}

}  // namespace plumb
