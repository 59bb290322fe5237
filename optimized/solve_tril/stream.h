// Solving tiles in resident blocks: when, and the launch with TMA. What vec16 and tma share; without TMA it is the
// variant stream.
#pragma once

#include "reference/operator.h"

namespace plumb::solve_tril {

// Tiles side by side; neighbouring heads where the copy engine brings A.
constexpr int kUnitTiles = 4;

// Whether that is the fastest way. The call must be valid.
bool are_residents_fastest(const plumb_call& call);

// BT must be 64, A and X of 16-bit types, the heads a multiple of kUnitTiles; there must be no sequences, and the
// device be sm_90 or newer.
plumb_status launch_stream_tma(const plumb_call& call);

}  // namespace plumb::solve_tril
