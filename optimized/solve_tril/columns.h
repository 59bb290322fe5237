// When a launch solves tiles by columns, and how many of them side by side: the rule that vec16 and tma share.
#pragma once

#include <cstdint>

#include "optimized/device/divider.h"
#include "optimized/solve_tril/variants.h"
#include "reference/numeric/tensor.h"

namespace plumb::solve_tril {

// Measured on an H200, T = 512 .. 32768 with 32 heads: by columns is 2-25% faster but where BT is 32 and X fp32.
// There blocks, which store whole rows of X, are 3% faster from 8 tiles per multiprocessor on. Two tiles side by
// side instead of four are 7-9% faster where X is fp32, and about as fast up to 8 tiles per multiprocessor.
constexpr int kTilesPerSmByTwo = 8;
constexpr int kTilesPerSmByColumns = 8;

// How many tiles side by side; 0: by blocks.
template <class X, int kChunk>
int columns_tiles(const plumb_call& call) {
  const std::int64_t tiles = solve_tril_tiles(call), sm_count = call.device->sm_count;
  // By columns a token's stride is a 32-bit number, and up to three numbers per slot stand for no tile.
  if (call.tensors[PLUMB_SOLVE_TRIL_X].stride[1] >> 32 != 0 || tiles > kDividerLimit / 4) return 0;
  if (kChunk == 32 && sizeof(X) == 4 && tiles > kTilesPerSmByColumns * sm_count) return 0;
  return kChunk == 64 && (sizeof(X) == 4 || tiles <= kTilesPerSmByTwo * sm_count) ? 2 : 4;
}

}  // namespace plumb::solve_tril
