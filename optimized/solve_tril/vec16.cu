// The launch of solve_tril's variant vec16.
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/vec16_kernel.cuh"

namespace plumb {
namespace {

struct Vec16 {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    constexpr unsigned kTiles = solve_tril::kTilesPerWarp<kChunk>;
    const auto arguments = solve_tril::arguments_of(call);
    const LaunchShape shape{.grid = (arguments.tiles + kTiles - 1) / kTiles, .block = 32};
    return launch_kernel(call, solve_tril::vec16_kernel<A, X, kChunk>, shape, arguments);
  }
};

}  // namespace

plumb_status launch_solve_tril_vec16(const plumb_call& call) { return solve_tril::launch_typed<Vec16>(call); }

}  // namespace plumb
