// The selected fault's number on the devices; part of the faulty library alone.
#include <cuda_runtime.h>

#include "optimized/device/fault.cuh"
#include "optimized/host/fault.h"

namespace plumb {

__constant__ int selected_device_fault = 0;

void arm_device_faults() {
  int count = 0, current = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || cudaGetDevice(&current) != cudaSuccess) {
    cudaGetLastError();
    return;
  }
  for (int device = 0; device < count; ++device) {
    cudaSetDevice(device);
    cudaMemcpyToSymbol(selected_device_fault, &selected_fault, sizeof selected_fault);
  }
  cudaSetDevice(current);
}

}  // namespace plumb
