// The CUDA runtime calls behind every launch.
#include "optimized/host/fault.h"
#include "optimized/host/launch.cuh"

namespace plumb {

plumb_status check_cuda(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return PLUMB_OK;
  cudaGetLastError();  // the next launch is not to blame
  return fail(PLUMB_DEVICE_ERROR, "%s: %s: %s", doing, cudaGetErrorName(error), cudaGetErrorString(error));
}

DeviceGuard::DeviceGuard(const plumb_device& device) {
  int current = -1;
  status_ = check_cuda(cudaGetDevice(&current), "cudaGetDevice");
  if (status_ != PLUMB_OK || current == device.ordinal) return;
  status_ = check_cuda(cudaSetDevice(device.ordinal), "cudaSetDevice");
  if (status_ == PLUMB_OK) previous_ = current;
}

DeviceGuard::~DeviceGuard() {
  if (previous_ >= 0) cudaSetDevice(previous_);
}

plumb_status launch_raw(const plumb_call& call, const void* kernel, const LaunchShape& shape, void** arguments) {
  plumb_device device = *call.device;
  if (fault(Fault::kDeviceZero)) device.ordinal = 0;
  const DeviceGuard guard(device);
  if (guard.status() != PLUMB_OK) return guard.status();
  constexpr std::size_t kWithoutOptIn = 48 * 1024;
  if (shape.shared_bytes > kWithoutOptIn && !fault(Fault::kNoSharedOptIn)) {
    const auto error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                            static_cast<int>(shape.shared_bytes));
    if (error != cudaSuccess) return check_cuda(error, "cudaFuncSetAttribute(MaxDynamicSharedMemorySize)");
  }
  cudaLaunchAttribute serialization{};
  serialization.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  serialization.val.programmaticStreamSerializationAllowed = 1;
  const bool dependent = (call.flags & PLUMB_DEPENDENT_LAUNCH) != 0 && call.device->sm >= 90;

  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = static_cast<cudaStream_t>(call.stream);
  config.attrs = &serialization;
  config.numAttrs = dependent ? 1 : 0;
  if (fault(Fault::kDefaultStream)) config.stream = nullptr;
  if (fault(Fault::kGridInY) && config.gridDim.x > 65535) config.gridDim = dim3(1, config.gridDim.x);
  if (fault(Fault::kEveryOtherRunDiffers) && config.gridDim.x > 1 && is_other_run()) --config.gridDim.x;
  if (fault(Fault::kNoSharedOptIn)) {  // and the launch's error is left unread
    if (cudaLaunchKernelExC(&config, kernel, arguments) != cudaSuccess) cudaGetLastError();
    return PLUMB_OK;
  }
  return check_cuda(cudaLaunchKernelExC(&config, kernel, arguments), "cudaLaunchKernelExC");
}

}  // namespace plumb
