// The two judges of solve_tril: the float64 oracle and the bit-exact fp32 replay.
#pragma once

#include <span>
#include <vector>

#include "reference/numeric/expectation.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb {

// float64. `tensors` are host tensors as they are before the call; nothing is written.
// One expectation per output tensor, in the order of the tensor enum: x.
std::vector<Expectation> solve_tril_oracle(const plumb_solve_tril_params& params,
                                           std::span<const plumb_tensor> tensors);

// fp32, written to the host tensors. With precision ieee in the canonical order of operations: the very bits every
// canonical variant gives. With tf32x3 and tf32 the factors are rounded as on the tensor cores, whose order of
// additions is their own: a result within the bound, whose bits no GPU need have.
void solve_tril_replay(const plumb_solve_tril_params& params, std::span<const plumb_tensor> tensors);
bool solve_tril_replay_is_canonical(const plumb_solve_tril_params& params);

}  // namespace plumb
