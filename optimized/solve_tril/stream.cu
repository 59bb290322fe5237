// The launch of solve_tril's variant stream.
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/stream.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

struct StreamLaunch {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    if constexpr (kChunk == 64) {
      const bool sequences = is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS]);
      const auto arguments = arguments_of(call, sequences ? kUnitTiles : 1);
      const auto shape = stream_shape<Stream<A, kChunk, false>>(call, arguments);
      return launch_kernel(call, stream_kernel<A, X, kChunk>, shape.launch, arguments, shape.units, shape.slots);
    }
    return fail(PLUMB_UNSUPPORTED, "stream: not of this BT");
  }
};

}  // namespace

plumb_status launch_solve_tril_stream(const plumb_call& call) { return launch_typed<StreamLaunch>(call); }

}  // namespace plumb
