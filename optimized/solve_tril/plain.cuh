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
  const int stored = device_fault(Fault::kTailStoredWhole) && tile.rows > 0 ? kChunk : tile.rows;
  for (int i = 0; i < stored; ++i) {
    float value = i == j ? 1.0f : 0.0f;
    for (int k = j; k < i; ++k) {
      if (device_fault(Fault::kMissingTerm) && i / 16 == 2 && k / 16 == 1) continue;
      value = fmaf(-rows[i][k], rows[k][j], value);
    }
    if (device_fault(Fault::kSolveInHalf)) value = rounded_to<__half>(value);
    if (device_fault(Fault::kAboveDiagonalAt32) && kChunk == 32 && j == i + 1)
      value = to_float(a[i * arguments.a_stride.token + j]);
    if (device_fault(Fault::kTailUnmasked) && j >= tile.rows && j < kChunk)
      value += 0.0f * to_float(a[i * arguments.a_stride.token + j]);
    __syncthreads();  // row i of A has been read
    if (j < kChunk) {
      rows[i][j] = value;
      if (!device_fault(Fault::kUpperLeftUnwritten) || j <= i)
        x[i * arguments.x_stride.token + j] = from_float<X>(value);
    }
    __syncthreads();
  }
}

}  // namespace plumb::solve_tril
