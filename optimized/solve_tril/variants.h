// solve_tril's table of variants, as the host's selection sees it, and the launches behind it.
#pragma once

#include <cstdint>
#include <span>

#include "optimized/host/tensor_map.h"
#include "reference/operator.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb {

struct SolveTrilVariant {
  const char* name;
  const char* requirements;
  bool uses_tma;
  bool needs_16_bytes;         // addresses and strides in bytes
  int least_chunk;             // BT
  int tiles_per_sm_limit = 0;  // taken by choice only for so many tiles per multiprocessor at most; 0: any number
  plumb_status (*launch)(const plumb_call& call);
  plumb_precision precision = PLUMB_IEEE;  // serves this one alone
  const char* bit_class = "canonical";
};

// In order of preference.
std::span<const SolveTrilVariant> solve_tril_variants();

// Chunks of all heads and batches, slots without a chunk included (solve_tril/arguments.h); at most 2^31 - 1 can be
// launched. The call must be valid.
std::int64_t solve_tril_tiles(const plumb_call& call);

// What the copy engine is to move at a time: a 16 x 16 block of A, of some neighbouring heads or of one; a block
// row of X.
BoxedTensor solve_tril_a_units(const plumb_call& call, int heads);
BoxedTensor solve_tril_a_boxes(const plumb_call& call);
BoxedTensor solve_tril_x_boxes(const plumb_call& call);

plumb_status launch_solve_tril_tma(const plumb_call& call);
plumb_status launch_solve_tril_stream(const plumb_call& call);
plumb_status launch_solve_tril_vec16_split(const plumb_call& call);
plumb_status launch_solve_tril_vec16(const plumb_call& call);
plumb_status launch_solve_tril_scalar(const plumb_call& call);
plumb_status launch_solve_tril_merge_tf32x3(const plumb_call& call);
plumb_status launch_solve_tril_merge_tf32(const plumb_call& call);

}  // namespace plumb
