// The launch of solve_tril's variant tma: through resident blocks, by columns or a tile per warp, whichever is
// faster.
#include "optimized/solve_tril/columns.h"
#include "optimized/solve_tril/columns_shape.cuh"
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/stream.cuh"
#include "optimized/solve_tril/tma_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

// Measured on an H200, BT = 64, 32 heads: of 16-bit X resident blocks take 28.8 / 26.5 us at T = 8192 (fp32 to
// bf16, bf16), by columns 30.5 / 30.0, and 89 / 82 us at 32768 (90 / 95). Of fp32 columns take 35 us at 8192, a
// tile per warp 38.6. At 2048 columns are fastest: 11.1 / 10.0 / 10.6 us, a tile per warp 13.2 / 11.7 / 11.4. Where
// BT is 16 or 32 the rule of vec16 is taken over unmeasured.
constexpr int kLeastTilesPerSm = 16;

struct Tma {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    const DeviceGuard guard(*call.device);
    if (guard.status() != PLUMB_OK) return guard.status();
    // With cu_seqlens a tail would be solved again, plainly, when the rows behind it, which are the next
    // sequence's, are not finite above its diagonal.
    if (is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS])) return by_warps<A, X, kChunk>(call);
    if constexpr (sizeof(X) == 2 && kChunk == 64) {
      const bool many = solve_tril_tiles(call) >= std::int64_t{kLeastTilesPerSm} * call.device->sm_count;
      const bool whole_units = call.tensors[PLUMB_SOLVE_TRIL_A].shape[2] % kUnitTiles == 0;
      if (many && whole_units) return by_residents<A, X, kChunk>(call);
    }
    const int tiles = columns_tiles<X, kChunk>(call);
    if (tiles == 0) return by_warps<A, X, kChunk>(call);
    if constexpr (kChunk == 64) {
      if (tiles == 2) return by_columns<A, X, kChunk, 2>(call);
    }
    return by_columns<A, X, kChunk, 4>(call);
  }

  template <class A, class X, int kChunk, int kTiles>
  static plumb_status by_columns(const plumb_call& call) {
    CUtensorMap a_map;
    const auto status = tensor_map(solve_tril_a_units(call, kTiles), call.device->ordinal, &a_map);
    if (status != PLUMB_OK) return status;
    const auto arguments = arguments_of(call, kTiles);
    const auto shape = columns_shape<A, X, kChunk, kTiles, true>(arguments);
    return launch_kernel(call, columns_tma_kernel<A, X, kChunk, kTiles>, shape, arguments, a_map);
  }

  template <class A, class X, int kChunk>
  static plumb_status by_residents(const plumb_call& call) {
    CUtensorMap a_map;
    const auto status = tensor_map(solve_tril_a_units(call, kUnitTiles), call.device->ordinal, &a_map);
    if (status != PLUMB_OK) return status;
    const auto arguments = arguments_of(call, kUnitTiles);
    const auto shape = stream_shape<Stream<A, kChunk, true>>(call, arguments);
    return launch_kernel(call, stream_tma_kernel<A, X, kChunk>, shape.launch, arguments, a_map, shape.units,
                         shape.slots);
  }

  template <class A, class X, int kChunk>
  static plumb_status by_warps(const plumb_call& call) {
    CUtensorMap a_map, x_map;
    auto status = tensor_map(solve_tril_a_boxes(call), call.device->ordinal, &a_map);
    if (status == PLUMB_OK) status = tensor_map(solve_tril_x_boxes(call), call.device->ordinal, &x_map);
    if (status != PLUMB_OK) return status;

    constexpr unsigned kTiles = kTilesPerWarp<kChunk>;
    const auto arguments = arguments_of(call);
    const LaunchShape shape{.grid = (arguments.tiles + kTiles - 1) / kTiles, .block = 32};
    return launch_kernel(call, tma_kernel<A, X, kChunk>, shape, arguments, a_map, x_map);
  }
};

}  // namespace

plumb_status launch_solve_tril_tma(const plumb_call& call) { return solve_tril::launch_typed<Tma>(call); }

}  // namespace plumb
