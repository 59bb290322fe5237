// The two judges of qk_norm_rope: the float64 oracle and the bit-exact fp32 replay.
#pragma once

#include <span>
#include <vector>

#include "reference/numeric/expectation.h"
#include "reference/qk_norm_rope/qk_norm_rope.h"

namespace plumb {

// float64. `tensors` are host tensors as they are before the call; nothing is written.
// One expectation per output tensor, in the order of the tensor enum: qkv.
std::vector<Expectation> qk_norm_rope_oracle(const plumb_qk_norm_rope_params& params,
                                             std::span<const plumb_tensor> tensors);

// fp32 in the canonical order of operations: writes to the host tensors the very bits every canonical variant
// gives.
void qk_norm_rope_replay(const plumb_qk_norm_rope_params& params, std::span<const plumb_tensor> tensors);

}  // namespace plumb
