// The launch of solve_tril's variant scalar.
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/scalar_kernel.cuh"

namespace plumb {
namespace {

struct Scalar {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    const auto arguments = solve_tril::arguments_of(call);
    const LaunchShape shape{.grid = arguments.tiles, .block = solve_tril::kScalarThreads};
    return launch_kernel(call, solve_tril::scalar_kernel<A, X, kChunk>, shape, arguments);
  }
};

}  // namespace

plumb_status launch_solve_tril_scalar(const plumb_call& call) { return solve_tril::launch_typed<Scalar>(call); }

}  // namespace plumb
