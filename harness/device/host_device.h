// A device for libraries that compute on the CPU: launches run at once, in the caller's memory.
#pragma once

#include <memory>

#include "harness/device/cuda_device.h"

namespace plumb {

// Its calls carry ordinal -1, sm 0 and no stream; launch modes make no difference.
std::unique_ptr<CudaDevice> open_host_device();

}  // namespace plumb
