// Device code of scalar: any address and any stride, one element at a time.
#pragma once

#include "optimized/device/dependent_launch.cuh"
#include "optimized/device/element.cuh"
#include "optimized/solve_tril/tile.cuh"

namespace plumb::solve_tril {

constexpr int kScalarThreads = 64;

// One tile per block; thread j owns column j. Row i of A is replaced by row i of X when all columns have used it.
template <class A, class X, int kChunk>
__global__ void __launch_bounds__(kScalarThreads) scalar_kernel(const Arguments arguments) {
  __shared__ float tile_rows[kChunk][kChunk];  // X above row i, A's lower triangle from row i on

  wait_for_producers();
  const int j = threadIdx.x;
  const Tile tile = tile_at<kChunk>(arguments, blockIdx.x);
  const A* a = static_cast<const A*>(arguments.a) + tile.offset(arguments.a_stride);
  X* x = static_cast<X*>(arguments.x) + tile.offset(arguments.x_stride);
  for (int at = j; at < tile.rows * kChunk; at += kScalarThreads) {
    const int row = at / kChunk, column = at % kChunk;
    if (column < row) tile_rows[row][column] = to_float(a[row * arguments.a_stride.token + column]);
  }
  release_dependents();
  __syncthreads();

  for (int i = 0; i < tile.rows; ++i) {
    float value = i == j ? 1.0f : 0.0f;
    for (int k = j; k < i; ++k) value = fmaf(-tile_rows[i][k], tile_rows[k][j], value);
    __syncthreads();  // row i of A has been read
    if (j < kChunk) {
      tile_rows[i][j] = value;
      x[i * arguments.x_stride.token + j] = from_float<X>(value);
    }
    __syncthreads();
  }
}

}  // namespace plumb::solve_tril
