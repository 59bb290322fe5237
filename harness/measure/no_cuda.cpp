// Benchmarks in a build without CUDA: it explains itself.
#include "harness/error.h"
#include "harness/measure/bench.h"

namespace plumb {

int run_bench(const BenchOptions& options) {
  throw HarnessError("device " + options.device +
                     " is not available: plumbline was built without CUDA (no nvcc at configure time)");
}

}  // namespace plumb
