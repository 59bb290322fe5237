// The launch of solve_tril's variant tma.
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/tma_kernel.cuh"

namespace plumb {
namespace {

struct Tma {
  // The maps hold addresses, so they are made for every launch and nothing is kept between calls.
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    const DeviceGuard guard(*call.device);
    if (guard.status() != PLUMB_OK) return guard.status();
    CUtensorMap a_map, x_map;
    auto status = make_tensor_map(solve_tril_a_boxes(call), &a_map);
    if (status == PLUMB_OK) status = make_tensor_map(solve_tril_x_boxes(call), &x_map);
    if (status != PLUMB_OK) return status;

    constexpr unsigned kTiles = solve_tril::kTilesPerWarp<kChunk>;
    const auto arguments = solve_tril::arguments_of(call);
    const LaunchShape shape{.grid = (arguments.tiles + kTiles - 1) / kTiles, .block = 32};
    return launch_kernel(call, solve_tril::tma_kernel<A, X, kChunk>, shape, arguments, a_map, x_map);
  }
};

}  // namespace

plumb_status launch_solve_tril_tma(const plumb_call& call) { return solve_tril::launch_typed<Tma>(call); }

}  // namespace plumb
