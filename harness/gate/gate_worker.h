// The gate's timing process: it lives for one measurement, so that the next finds everything placed anew.
#pragma once

#include <functional>
#include <istream>
#include <memory>

#include "harness/gate/pair_bench.h"

namespace plumb {

// Reads {"points": [name, ...], "blocks": N}, prepares, answers {"ready": PairBench::describe()}, waits for the
// line "go", and answers {"point": PointTiming} for each, then {"done": true}. {"fatal": sentence} may come instead
// of any answer and is the last. Returns the process's exit code.
int run_gate_worker(const std::function<std::unique_ptr<PairBench>()>& open, std::istream& orders, int reply_fd);

}  // namespace plumb
