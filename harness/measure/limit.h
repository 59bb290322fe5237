// The speed of light of a call: kernels that only move its bytes, in a few launch shapes of which the best counts.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "harness/measure/moves.h"

struct CUstream_st;

namespace plumb {

struct LimitShape {
  int threads = 256;       // per block
  int vectors = 1;         // granules that a thread has in flight
  bool streaming = false;  // loads and stores marked as used once (.cs)
};

std::span<const LimitShape> limit_shapes();

// Enqueues one kernel that does all the moves. Throws HarnessError when it cannot be launched.
void launch_limit(std::span<const Move> moves, const LimitShape& shape, CUstream_st* stream);

// Enqueues a reading of the whole memory, which must be all zeros: afterwards the L2 cache holds that and little
// else.
void launch_sweep(std::byte* memory, std::size_t bytes, CUstream_st* stream);

}  // namespace plumb
