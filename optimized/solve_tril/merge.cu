// The launches of solve_tril's variants merge_tf32x3 and merge_tf32.
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/merge_kernel.cuh"

namespace plumb {
namespace {

template <int kProducts>
struct Merge {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    // There is nothing to merge, and vec16 gives the same bits (H200, T = 8192, fp32 to bf16: 7.9 us; a warp with
    // four tiles 10.4).
    if constexpr (kChunk == 16) {
      return launch_solve_tril_vec16(call);
    } else {
      constexpr unsigned kTiles = solve_tril::merge::kTiles<kChunk>;
      const auto arguments = solve_tril::arguments_of(call);
      const LaunchShape shape{.grid = (arguments.tiles + kTiles - 1) / kTiles, .block = 32};
      return launch_kernel(call, solve_tril::merge::merge_kernel<A, X, kChunk, kProducts>, shape, arguments);
    }
  }
};

}  // namespace

plumb_status launch_solve_tril_merge_tf32x3(const plumb_call& call) {
  return solve_tril::launch_typed<Merge<3>>(call);
}
plumb_status launch_solve_tril_merge_tf32(const plumb_call& call) {
  return solve_tril::launch_typed<Merge<1>>(call);
}

}  // namespace plumb
