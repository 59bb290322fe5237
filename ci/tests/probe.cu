// Kernels with known instructions, for test_cubin.py: what the assembler makes of each asm line is one instruction.
#include <cstdint>

__global__ void asynchronous_copies(float* global, int n) {
  extern __shared__ float shared[];
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared + threadIdx.x * 4));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(global + threadIdx.x));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(to + 4096), "l"(global + 2 * threadIdx.x));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(to + 8192), "l"(global + 4 * threadIdx.x));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to + 16384), "l"(global + 4 * threadIdx.x));
  asm volatile("cp.async.wait_all;");
  __syncthreads();
  global[n] = shared[n];
}

// Four loads and four stores, of 2, 4, 8 and 16 bytes.
__global__ void widths(const char* from, char* to) {
  asm volatile("{.reg .b16 x; ld.global.b16 x, [%0]; st.global.b16 [%1], x;}" ::"l"(from), "l"(to));
  asm volatile("{.reg .b32 x; ld.global.b32 x, [%0]; st.global.b32 [%1], x;}" ::"l"(from + 16), "l"(to + 16));
  asm volatile("{.reg .b32 x, y; ld.global.v2.b32 {x, y}, [%0]; st.global.v2.b32 [%1], {x, y};}" ::"l"(from + 32),
               "l"(to + 32));
  asm volatile(
      "{.reg .b32 x, y, z, w; ld.global.v4.b32 {x, y, z, w}, [%0]; st.global.v4.b32 [%1], {x, y, z, w};}" ::"l"(
          from + 48),
      "l"(to + 48));
}

// One product in tf32, one in bf16.
__global__ void tensor_cores(float* global) {
  const unsigned a = threadIdx.x;
  float c[4] = {0, 0, 0, 0};
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%4,%4}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a));
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%4,%4}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a));
  global[threadIdx.x] = c[0] + c[1] + c[2] + c[3];
}

// 128 values are alive at the barrier, and there are 32 registers.
__global__ void __launch_bounds__(1024, 2) spills(float4* global, int n) {
  float4 values[32];
#pragma unroll
  for (int i = 0; i < 32; i++) values[i] = global[i * n + threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 32; i++) global[i * n + threadIdx.x] = values[31 - i];
}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
// One in, one out.
__global__ void bulk_copies(char* global) {
  __shared__ alignas(128) char shared[1024];
  __shared__ alignas(8) std::uint64_t barrier;
  const auto at = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  const auto done = static_cast<unsigned>(__cvta_generic_to_shared(&barrier));
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], 512, [%2];" ::"r"(at),
               "l"(global), "r"(done)
               : "memory");
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], 512;" ::"l"(global + 1024), "r"(at)
               : "memory");
}
#endif
