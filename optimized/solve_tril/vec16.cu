// The launch of solve_tril's variant vec16: by columns, by blocks or as stream does, whichever is faster.
#include "optimized/solve_tril/columns.h"
#include "optimized/solve_tril/columns_shape.cuh"
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/vec16_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

// Measured on an H200, BT = 64: of bf16 to bf16 resident blocks take 27.5 us at T = 8192, 32 heads, 87.7 at 32768
// and 37.7 at 8192 with 48 heads; by columns 27.6, 94 and 38.9. Of fp32 to bf16 they take 28.4, 86.5 and 38.3; by
// columns 27.5, 87.0 and 37.3. With fewer tiles or sequences columns are faster.
constexpr int kTilesPerSmByResidents = 16;

struct Vec16 {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    if constexpr (kChunk == 64 && sizeof(A) == 2 && sizeof(X) == 2) {
      const bool many = solve_tril_tiles(call) >= std::int64_t{kTilesPerSmByResidents} * call.device->sm_count;
      if (many && !is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS])) return launch_solve_tril_stream(call);
    }
    const int tiles = columns_tiles<X, kChunk>(call);
    if (tiles == 0) return by_blocks<A, X, kChunk>(call);
    if constexpr (kChunk == 64) {
      if (tiles == 2) return by_columns<A, X, kChunk, 2>(call);
    }
    return by_columns<A, X, kChunk, 4>(call);
  }

  template <class A, class X, int kChunk, int kTiles>
  static plumb_status by_columns(const plumb_call& call) {
    const auto arguments = arguments_of(call, is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS]) ? kTiles : 1);
    const auto shape = columns_shape<A, X, kChunk, kTiles, false>(arguments);
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
