// The launch of solve_tril's variant vec16: by columns, by blocks or as stream does, whichever is faster.
#include "optimized/solve_tril/columns.h"
#include "optimized/solve_tril/columns_kernel.cuh"
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/vec16_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

// Measured on an H200, BT = 64: with an X of 16 bits resident blocks take 28.5 / 27.4 us at T = 8192, 32 heads
// (fp32 to bf16, bf16; by columns 29.4 / 30.4), 86 / 88 at 32768 (88 / 104) and 38.0 / 37.6 with 48 heads (44.7 /
// 43); at 2048 columns are faster, and so they are with sequences: 31.9 / 35.8 for 64 that sum to 8192 (39.5
// / 42.1). In fp32 blocks are faster from T = 32768 on (120; 128) and about as fast before.
constexpr int kTilesPerSmByResidents = 16;

struct Vec16 {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    if constexpr (kChunk == 64 && sizeof(X) == 2) {
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
