// The shape of a launch of resident blocks.
#pragma once

#include <algorithm>

#include "optimized/host/launch.cuh"
#include "optimized/solve_tril/arguments.h"
#include "optimized/solve_tril/stream_kernel.cuh"

namespace plumb::solve_tril {

struct StreamShape {
  LaunchShape launch;
  int units, slots;
};

// One block per multiprocessor, at most one per unit, with as many slots as shared memory holds.
template <class S>
StreamShape stream_shape(const plumb_call& call, const Arguments& arguments) {
  const int units = static_cast<int>((arguments.tiles + kUnitTiles - 1) / kUnitTiles);
  int slots = S::kMostSlots;
  while (slots > 1 && S::shared_bytes(slots) > call.device->smem_per_block) --slots;
  return {.launch = {.grid = static_cast<unsigned>(std::min(units, call.device->sm_count)),
                     .block = S::kThreads,
                     .shared_bytes = static_cast<std::size_t>(S::shared_bytes(slots))},
          .units = units,
          .slots = slots};
}

}  // namespace plumb::solve_tril
