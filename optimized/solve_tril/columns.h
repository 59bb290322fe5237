// Solving tiles by columns: when, and the launches. What vec16 and tma share.
#pragma once

#include "reference/operator.h"

namespace plumb::solve_tril {

// Whether that is the fastest way. The call must be valid.
bool are_columns_fastest(const plumb_call& call);

// A is brought by cp.async, or by the copy engine: then there must be no sequences, and the device be sm_90 or
// newer.
plumb_status launch_columns(const plumb_call& call);
plumb_status launch_columns_tma(const plumb_call& call);

}  // namespace plumb::solve_tril
