// The two judges of rms_norm: the float64 oracle and the bit-exact fp32 replay.
#pragma once

#include <span>
#include <vector>

#include "reference/numeric/expectation.h"
#include "reference/rms_norm/rms_norm.h"

namespace plumb {

// float64. `tensors` are host tensors as they are before the call; nothing is written.
// One expectation per output tensor, in the order of the tensor enum: residual (empty when absent), y.
std::vector<Expectation> rms_norm_oracle(const plumb_rms_norm_params& params,
                                         std::span<const plumb_tensor> tensors);

// fp32 in the canonical order of operations: writes to the host tensors the very bits every canonical variant
// gives.
void rms_norm_replay(const plumb_rms_norm_params& params, std::span<const plumb_tensor> tensors);

}  // namespace plumb
