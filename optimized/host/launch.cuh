// Putting kernels on the caller's stream: the right device, the launch attributes, and the error of every launch.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "optimized/host/call.h"

namespace plumb {

// Makes the call's device current and gives the caller's back at the end of the scope.
class DeviceGuard {
 public:
  explicit DeviceGuard(const plumb_device& device);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

  plumb_status status() const { return status_; }  // with last_error() set when not PLUMB_OK

 private:
  int previous_ = -1;
  plumb_status status_ = PLUMB_OK;
};

// PLUMB_OK, or PLUMB_DEVICE_ERROR with the runtime's words and what was being done; clears the runtime's error.
plumb_status check_cuda(cudaError_t error, const char* doing);

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;  // dynamic
};

// On call.stream of call.device, with programmatic stream serialization where call.flags ask for it and the device
// has it; opts in to dynamic shared memory above 48 KB.
plumb_status launch_raw(const plumb_call& call, const void* kernel, const LaunchShape& shape, void** arguments);

template <class... Parameters>
plumb_status launch_kernel(const plumb_call& call, void (*kernel)(Parameters...), const LaunchShape& shape,
                           Parameters... parameters) {
  void* arguments[] = {&parameters...};
  return launch_raw(call, reinterpret_cast<const void*>(kernel), shape, arguments);
}

}  // namespace plumb
