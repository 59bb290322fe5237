// When a launch solves tiles by columns, and how many of them side by side: the rule that vec16 and tma share.
#pragma once

#include <cstdint>

#include "optimized/device/divider.h"
#include "optimized/solve_tril/variants.h"
#include "reference/numeric/tensor.h"

namespace plumb::solve_tril {

// Measured on an H200, T = 512 .. 32768 with 32 heads: by columns is 2-25% faster where X is of 16 bits, BT is 16
// or BT is 64 with sequences. Blocks store whole rows of X, of which fp32 has the most: from 8 tiles per
// multiprocessor on they are up to 11% faster there. Two tiles side by side instead of four are faster up to 4
// tiles per multiprocessor.
constexpr int kTilesPerSmByTwo = 4;
constexpr int kTilesPerSmByColumns = 8;

// How many tiles side by side; 0: by blocks.
template <class X, int kChunk>
int columns_tiles(const plumb_call& call) {
  const std::int64_t tiles = solve_tril_tiles(call), sm_count = call.device->sm_count;
  // By columns a token's stride is a 32-bit number, and up to three numbers per slot stand for no tile.
  if (call.tensors[PLUMB_SOLVE_TRIL_X].stride[1] >> 32 != 0 || tiles > kDividerLimit / 4) return 0;
  const bool columns =
      kChunk == 16 || sizeof(X) == 2 || (kChunk == 64 && is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS]));
  if (!columns && tiles > kTilesPerSmByColumns * sm_count) return 0;
  return kChunk == 64 && tiles <= kTilesPerSmByTwo * sm_count ? 2 : 4;
}

}  // namespace plumb::solve_tril
