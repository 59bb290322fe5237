// Measuring one variant, or the limit, on a workload.
#pragma once

#include <cstdint>
#include <functional>

#include "harness/library/library.h"
#include "harness/measure/graph_timer.h"
#include "harness/measure/workload.h"

namespace plumb {

inline constexpr int kReplays = 15;  // samples of a measurement; it reports their median

using Launch = std::function<void(int copy)>;

// How many launches one sample should have, from a trial.
int plan_launches(GraphTimer& timer, const Workload& workload, const Launch& launch);

// Records so many launches, rotating through the workload's copies, and warms up.
void record(GraphTimer& timer, const Workload& workload, int launches, const Launch& launch);

// One timed replay: microseconds per launch.
double sample(GraphTimer& timer, const Workload& workload);

// A function that launches the variant on a copy. It throws HarnessError when the launch fails, and when another
// variant was served than this one.
Launch launcher(const Library& library, const plumb_operator& op, std::int32_t variant, Workload& workload);

// Microseconds of the host per call, median: select, and the launch with all that it prepares (tensor maps among
// it). The device's time has no part in it.
double measure_host(const plumb_operator& op, const Workload& workload, const Launch& launch, CUstream_st* stream);

// Microseconds that moving the same bytes takes on the same copies, the best of all launch shapes.
double measure_limit(GraphTimer& timer, const Workload& workload);

}  // namespace plumb
