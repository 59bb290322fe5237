// Benchmarks in a build without CUDA: it explains itself.
#include "harness/error.h"
#include "harness/gate/pair_bench.h"
#include "harness/measure/bench.h"

namespace plumb {

int run_bench(const BenchOptions& options) {
  throw HarnessError("device " + options.device +
                     " is not available: plumbline was built without CUDA (no nvcc at configure time)");
}

std::unique_ptr<PairBench> open_pair_bench(const PairSettings& settings) {
  throw HarnessError("device cuda:" + std::to_string(settings.ordinal) +
                     " is not available: plumbline was built without CUDA (no nvcc at configure time)");
}

}  // namespace plumb
