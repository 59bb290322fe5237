// The launch of solve_tril's variant vec16_split.
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/split_kernel.cuh"

namespace plumb {
namespace {

struct Vec16Split {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    constexpr unsigned kWarps = solve_tril::kSplitWarps<kChunk / solve_tril::kBlock>;
    const auto arguments = solve_tril::arguments_of(call);
    const LaunchShape shape{.grid = arguments.tiles, .block = 32 * kWarps};
    return launch_kernel(call, solve_tril::split_kernel<A, X, kChunk>, shape, arguments);
  }
};

}  // namespace

plumb_status launch_solve_tril_vec16_split(const plumb_call& call) {
  return solve_tril::launch_typed<Vec16Split, 32>(call);
}

}  // namespace plumb
