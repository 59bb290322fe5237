// Tuning in a build without CUDA: it explains itself.
#include "harness/error.h"
#include "harness/tune/document.h"
#include "harness/tune/tune.h"

namespace plumb {

TuneDocument measure_tuning(const TuneOptions& options) {
  throw HarnessError("device " + options.device +
                     " is not available: plumbline was built without CUDA (no nvcc at configure time)");
}

}  // namespace plumb
