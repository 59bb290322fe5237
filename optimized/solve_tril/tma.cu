// The launch of solve_tril's variant tma.
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/stream.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

struct TmaLaunch {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    const DeviceGuard guard(*call.device);
    if (guard.status() != PLUMB_OK) return guard.status();
    CUtensorMap a_map;
    const auto status = tensor_map(solve_tril_a_boxes(call), call.device->ordinal, &a_map);
    if (status != PLUMB_OK) return status;

    const auto arguments = arguments_of(call, kUnitTiles);
    const auto shape = stream_shape<Stream<A, kChunk, true>>(call, arguments);
    return launch_kernel(call, stream_tma_kernel<A, X, kChunk>, shape.launch, arguments, a_map, shape.units,
                         shape.slots);
  }
};

}  // namespace

plumb_status launch_solve_tril_tma(const plumb_call& call) { return launch_typed<TmaLaunch>(call); }

}  // namespace plumb
