// Device code of scalar: any address and any stride, one element at a time.
#pragma once

#include "optimized/device/dependent_launch.cuh"
#include "optimized/solve_tril/plain.cuh"

namespace plumb::solve_tril {

constexpr int kScalarThreads = 64;

// One tile per block.
template <class A, class X, int kChunk>
__global__ void __launch_bounds__(kScalarThreads) scalar_kernel(const Arguments arguments) {
  __shared__ float rows[kChunk][kChunk];

  wait_for_producers();
  release_dependents();
  solve_plainly<A, X, kChunk>(rows, arguments, tile_at<kChunk>(arguments, blockIdx.x));
}

}  // namespace plumb::solve_tril
