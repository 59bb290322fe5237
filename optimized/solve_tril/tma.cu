// The launch of solve_tril's variant tma: through resident blocks, by columns or a tile per warp, whichever is
// faster.
#include "optimized/solve_tril/columns.h"
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/stream.h"
#include "optimized/solve_tril/tma_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

// Measured on an H200, BT = 64, 32 heads, of fp32: a tile per warp takes 38.6 us at T = 8192 and 13.2 at 2048, by
// columns 32.9 and 11.0.
struct ByWarps {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
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

plumb_status launch_solve_tril_tma(const plumb_call& call) {
  const DeviceGuard guard(*call.device);
  if (guard.status() != PLUMB_OK) return guard.status();
  // With cu_seqlens a tail would be solved again, plainly, when the rows behind it, which are the next sequence's,
  // are not finite above its diagonal.
  if (!is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS])) {
    const bool whole_units = call.tensors[PLUMB_SOLVE_TRIL_A].shape[2] % kUnitTiles == 0;
    if (whole_units && are_residents_fastest(call)) return launch_stream_tma(call);
    if (are_columns_fastest(call)) return launch_columns_tma(call);
  }
  return launch_typed<ByWarps>(call);
}

}  // namespace plumb
