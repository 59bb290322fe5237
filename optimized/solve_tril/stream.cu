// The launches of resident blocks: solve_tril's variant stream, and a way of tma's.
#include <algorithm>

#include "optimized/solve_tril/launch.cuh"
#include "optimized/solve_tril/stream.h"
#include "optimized/solve_tril/stream_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

// Measured on an H200, BT = 64, 32 heads: from bf16 to bf16 resident blocks take 26.8 us at T = 8192 and 84.7 at
// 32768, by columns 26.9 and 93.2; with TMA 26.6 and 82.9 (26.7 and 90.3). Of fp32 to bf16 they take 28.6 and 87.4,
// by columns 25.1 and 81.0; with TMA 29.1 and 89.4 (25.5 and 81.7). With fewer tiles or sequences columns are
// faster.
constexpr int kLeastTilesPerSm = 16;

template <bool kTma>
struct Resident {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    if constexpr (kChunk == 64 && !(kTma && (sizeof(A) == 4 || sizeof(X) == 4))) {
      return launch<A, X, kChunk>(call);
    }
    return fail(PLUMB_UNSUPPORTED, "stream: not of this BT or type");
  }

  // One block per multiprocessor, at most one per unit, with as many slots as shared memory holds.
  template <class A, class X, int kChunk>
  static plumb_status launch(const plumb_call& call) {
    using S = Stream<A, kChunk, kTma>;
    const bool sequences = is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS]);
    const auto arguments = arguments_of(call, kTma || sequences ? kUnitTiles : 1);
    const int units = static_cast<int>((arguments.tiles + kUnitTiles - 1) / kUnitTiles);
    int slots = S::kMostSlots;
    while (slots > 1 && S::shared_bytes(slots) > call.device->smem_per_block) --slots;
    const LaunchShape shape{.grid = static_cast<unsigned>(std::min(units, call.device->sm_count)),
                            .block = S::kThreads,
                            .shared_bytes = static_cast<std::size_t>(S::shared_bytes(slots))};
    if constexpr (kTma) {
      CUtensorMap a_map;
      const auto status = tensor_map(solve_tril_a_units(call, kUnitTiles), call.device->ordinal, &a_map);
      if (status != PLUMB_OK) return status;
      return launch_kernel(call, stream_tma_kernel<A, X, kChunk>, shape, arguments, a_map, units, slots);
    } else {
      return launch_kernel(call, stream_kernel<A, X, kChunk>, shape, arguments, units, slots);
    }
  }
};

}  // namespace

bool solve_tril::are_residents_fastest(const plumb_call& call) {
  const auto &a = call.tensors[PLUMB_SOLVE_TRIL_A], &x = call.tensors[PLUMB_SOLVE_TRIL_X];
  return a.shape[3] == 64 && size_of(dtype_of(a)) == 2 && size_of(dtype_of(x)) == 2 &&
         !is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS]) &&
         solve_tril_tiles(call) >= std::int64_t{kLeastTilesPerSm} * call.device->sm_count;
}

plumb_status launch_solve_tril_stream(const plumb_call& call) { return launch_typed<Resident<false>>(call); }

plumb_status solve_tril::launch_stream_tma(const plumb_call& call) { return launch_typed<Resident<true>>(call); }

}  // namespace plumb
