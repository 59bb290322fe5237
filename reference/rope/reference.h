// The two judges of rope: the float64 oracle and the bit-exact fp32 replay.
#pragma once

#include <span>
#include <vector>

#include "reference/numeric/expectation.h"
#include "reference/rope/rope.h"

namespace plumb {

// float64. `tensors` are host tensors as they are before the call; nothing is written.
// One expectation per output tensor, in the order of the tensor enum: q, k (empty when absent).
std::vector<Expectation> rope_oracle(const plumb_rope_params& params, std::span<const plumb_tensor> tensors);

// fp32 in the canonical order of operations: writes to the host tensors the very bits every canonical variant
// gives.
void rope_replay(const plumb_rope_params& params, std::span<const plumb_tensor> tensors);

}  // namespace plumb
