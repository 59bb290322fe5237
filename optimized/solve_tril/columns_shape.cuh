// The shape of a launch by columns.
#pragma once

#include "optimized/host/launch.cuh"
#include "optimized/solve_tril/arguments.h"
#include "optimized/solve_tril/columns_kernel.cuh"

namespace plumb::solve_tril {

// A team for each kTiles tiles.
template <class A, class X, int kChunk, int kTiles, bool kTma>
LaunchShape columns_shape(const Arguments& arguments) {
  constexpr unsigned kOfBlock = kColumnTeams<kChunk> * kTiles;
  return {.grid = (arguments.tiles + kOfBlock - 1) / kOfBlock,
          .block = 32 * kColumnWarps<kChunk>,
          .shared_bytes = ColumnSolver<A, X, kChunk, kTiles, kTma>::kSharedBytes};
}

}  // namespace plumb::solve_tril
