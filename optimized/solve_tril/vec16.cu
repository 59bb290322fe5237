// The launch of solve_tril's variant vec16: by columns or by blocks, whichever is faster.
#include "optimized/solve_tril/columns.h"
#include "optimized/solve_tril/columns_kernel.cuh"
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/vec16_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

struct Vec16 {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    const int tiles = columns_tiles<X, kChunk>(call);
    if (tiles == 0) return by_blocks<A, X, kChunk>(call);
    if (kChunk == 64 && tiles == 2) return by_columns<A, X, kChunk, 2>(call);
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
