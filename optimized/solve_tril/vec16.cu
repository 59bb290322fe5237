// The launch of solve_tril's variant vec16: by columns, by blocks or as stream does, whichever is faster.
#include "optimized/solve_tril/columns.h"
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/stream.h"
#include "optimized/solve_tril/vec16_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

struct ByBlocks {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    constexpr unsigned kTiles = kTilesPerWarp<kChunk>;
    const auto arguments = arguments_of(call);
    const LaunchShape shape{.grid = (arguments.tiles + kTiles - 1) / kTiles, .block = 32};
    return launch_kernel(call, vec16_kernel<A, X, kChunk>, shape, arguments);
  }
};

}  // namespace

plumb_status launch_solve_tril_vec16(const plumb_call& call) {
  if (are_residents_fastest(call)) return launch_solve_tril_stream(call);
  if (are_columns_fastest(call)) return launch_columns(call);
  return launch_typed<ByBlocks>(call);
}

}  // namespace plumb
