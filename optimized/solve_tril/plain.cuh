// The substitution as the definition has it: row by row, a thread for each column.
#pragma once

#include "optimized/device/element.cuh"
#include "optimized/solve_tril/tile.cuh"

namespace plumb::solve_tril {

// By all threads of a block, at least kChunk of them, with the same tile. Row i of A is replaced by row i of X when
// all columns have used it. `rows` may be used again afterwards.
template <class A, class X, int kChunk>
__device__ __forceinline__ void solve_plainly(float (&rows)[kChunk][kChunk], const Arguments& arguments,
                                              const Tile& tile) {
  const int j = threadIdx.x;
  const A* a = static_cast<const A*>(arguments.a) + tile.offset(arguments.a_stride);
  X* x = static_cast<X*>(arguments.x) + tile.offset(arguments.x_stride);
  for (int at = j; at < tile.rows * kChunk; at += blockDim.x) {
    const int row = at / kChunk, column = at % kChunk;
    if (column < row) rows[row][column] = to_float(a[row * arguments.a_stride.token + column]);
  }
  __syncthreads();
  for (int i = 0; i < tile.rows; ++i) {
    float value = i == j ? 1.0f : 0.0f;
    for (int k = j; k < i; ++k) value = fmaf(-rows[i][k], rows[k][j], value);
    __syncthreads();  // row i of A has been read
    if (j < kChunk) {
      rows[i][j] = value;
      x[i * arguments.x_stride.token + j] = from_float<X>(value);
    }
    __syncthreads();
  }
}

}  // namespace plumb::solve_tril
