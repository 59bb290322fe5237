// The launch of solve_tril's variant vec16: by columns or by blocks, whichever is faster.
#include "optimized/device/divider.h"
#include "optimized/solve_tril/columns_kernel.cuh"
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/vec16_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

// Measured on an H200, T = 512 .. 32768 with 32 heads: by columns is 7-30% faster where X is of 16 bits or BT
// is 16. Blocks store whole rows of X, of which fp32 has the most: from 8 tiles per multiprocessor on they are
// faster there. Two tiles side by side instead of four are faster up to 4 tiles per multiprocessor.
constexpr int kTilesPerSmByTwo = 4;
constexpr int kTilesPerSmByColumns = 8;

struct Vec16 {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    const std::int64_t tiles = solve_tril_tiles(call), sm_count = call.device->sm_count;
    const bool prefers_columns = kChunk == 16 || sizeof(X) == 2 || tiles <= kTilesPerSmByColumns * sm_count;
    // By columns a token's stride is a 32-bit number, and up to three numbers per slot stand for no tile.
    const bool fits = call.tensors[PLUMB_SOLVE_TRIL_X].stride[1] >> 32 == 0 && tiles <= kDividerLimit / 4;
    if (!prefers_columns || !fits) return by_blocks<A, X, kChunk>(call);
    if (kChunk == 64 && tiles <= kTilesPerSmByTwo * sm_count) return by_columns<A, X, kChunk, 2>(call);
    return by_columns<A, X, kChunk, 4>(call);
  }

  template <class A, class X, int kChunk, int kTiles>
  static plumb_status by_columns(const plumb_call& call) {
    const auto arguments = arguments_of(call, is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS]) ? kTiles : 1);
    const LaunchShape shape{.grid = (arguments.tiles + kTiles - 1) / kTiles, .block = 32 * kColumnWarps<kChunk>};
    return launch_kernel(call, columns_kernel<A, X, kChunk, kTiles>, shape, arguments);
  }

  template <class A, class X, int kChunk>
  static plumb_status by_blocks(const plumb_call& call) {
    constexpr unsigned kTiles = kTilesPerWarp<kChunk>;
    const auto arguments = arguments_of(call);
    const LaunchShape shape{.grid = (arguments.tiles + kTiles - 1) / kTiles, .block = 32};
    return launch_kernel(call, vec16_kernel<A, X, kChunk>, shape, arguments);
  }
};

}  // namespace

plumb_status launch_solve_tril_vec16(const plumb_call& call) { return solve_tril::launch_typed<Vec16>(call); }

}  // namespace plumb
