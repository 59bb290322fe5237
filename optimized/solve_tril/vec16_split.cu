// The launch of solve_tril's variant vec16_split.
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/split_kernel.cuh"

namespace plumb {
namespace {

struct Vec16Split {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    const auto arguments = solve_tril::arguments_of(call);
    const bool one_per_sm = arguments.tiles <= static_cast<std::uint32_t>(call.device->sm_count);
    return one_per_sm ? launch<A, X, kChunk, 1>(call, arguments) : launch<A, X, kChunk, 2>(call, arguments);
  }

  template <class A, class X, int kChunk, int kPerSm>
  static plumb_status launch(const plumb_call& call, const solve_tril::Arguments& arguments) {
    const LaunchShape shape{.grid = arguments.tiles, .block = solve_tril::BlockOfX<A, X, kChunk, kPerSm>::kThreads};
    return launch_kernel(call, solve_tril::split_kernel<A, X, kChunk, kPerSm>, shape, arguments);
  }
};

}  // namespace

plumb_status launch_solve_tril_vec16_split(const plumb_call& call) {
  return solve_tril::launch_typed<Vec16Split, 32>(call);
}

}  // namespace plumb
