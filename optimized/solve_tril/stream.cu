// The launches of solve_tril's variants stream and tma.
#include <algorithm>

#include "optimized/device/divider.h"
#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/stream_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

constexpr int kSharedLimit = 227 * 1024;

struct StreamLaunch {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    using S = Stream<A, kChunk, false>;
    const bool one_slot = is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS]);
    const auto arguments = arguments_of(call, one_slot ? kUnitTiles : 1);
    const int units = static_cast<int>((arguments.tiles + kUnitTiles - 1) / kUnitTiles);
    int slots = S::kMostSlots;
    while (S::shared_bytes(slots) > kSharedLimit) --slots;
    const LaunchShape shape{.grid = static_cast<unsigned>(std::min(units, call.device->sm_count)),
                            .block = S::kThreads,
                            .shared_bytes = static_cast<std::size_t>(S::shared_bytes(slots))};
    return launch_kernel(call, stream_kernel<A, X, kChunk>, shape, arguments, units, slots);
  }
};

struct TmaLaunch {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    using S = Stream<A, kChunk, true>;
    const DeviceGuard guard(*call.device);
    if (guard.status() != PLUMB_OK) return guard.status();
    CUtensorMap a_map;
    const auto status = make_tensor_map(solve_tril_a_boxes(call), &a_map);
    if (status != PLUMB_OK) return status;

    const auto arguments = arguments_of(call, kUnitTiles);
    const int units = static_cast<int>((arguments.tiles + kUnitTiles - 1) / kUnitTiles);
    int slots = S::kMostSlots;
    while (S::shared_bytes(slots) > kSharedLimit) --slots;
    const LaunchShape shape{.grid = static_cast<unsigned>(std::min(units, call.device->sm_count)),
                            .block = S::kThreads,
                            .shared_bytes = static_cast<std::size_t>(S::shared_bytes(slots))};
    return launch_kernel(call, stream_tma_kernel<A, X, kChunk>, shape, arguments, a_map, units, slots);
  }
};

}  // namespace

plumb_status launch_solve_tril_stream(const plumb_call& call) { return launch_typed<StreamLaunch>(call); }
plumb_status launch_solve_tril_tma(const plumb_call& call) { return launch_typed<TmaLaunch>(call); }

}  // namespace plumb
