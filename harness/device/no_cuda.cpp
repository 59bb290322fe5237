// The device backend of a build without CUDA: it explains itself.
#include "harness/device/cuda_device.h"
#include "harness/error.h"

namespace plumb {

std::unique_ptr<CudaDevice> open_cuda_device(int ordinal, std::int64_t) {
  throw HarnessError("device cuda:" + std::to_string(ordinal) +
                     " is not available: plumbline was built without CUDA (no nvcc at configure time)");
}

}  // namespace plumb
