// A library whose one kernel misbehaves by hidden size: 128 writes through a null pointer (a sticky CUDA error),
// 127 aborts the process, any other leaves its output unwritten.
#include <cuda_runtime.h>

#include <cstdlib>

#include "reference/rms_norm/rms_norm.h"

namespace {

__global__ void write_kernel(int* target) { *target = 1; }

const plumb_variant* variant(int32_t index) {
  static constexpr plumb_variant only = {PLUMB_ABI_VERSION, sizeof(plumb_variant), "moody", "nothing", "canonical"};
  return index == 0 ? &only : nullptr;
}

plumb_status supports(const plumb_call*, int32_t) { return PLUMB_OK; }

plumb_status select(const plumb_call*, int32_t* selected) {
  *selected = 0;
  return PLUMB_OK;
}

plumb_status workspace_bytes(const plumb_call*, int32_t, size_t* bytes) {
  *bytes = 0;
  return PLUMB_OK;
}

plumb_status launch(const plumb_call* call, int32_t, int32_t* served) {
  *served = 0;
  const int64_t hidden = call->tensors[PLUMB_RMS_NORM_X].shape[1];
  if (hidden == 127) std::abort();
  if (hidden == 128) write_kernel<<<1, 1, 0, static_cast<cudaStream_t>(call->stream)>>>(nullptr);
  return PLUMB_OK;
}

const plumb_operator* operator_at(int32_t index) {
  static constexpr plumb_operator only = {PLUMB_ABI_VERSION,
                                          sizeof(plumb_operator),
                                          "rms_norm",
                                          1,
                                          0,
                                          variant,
                                          supports,
                                          select,
                                          workspace_bytes,
                                          launch};
  return index == 0 ? &only : nullptr;
}

const char* last_error() { return ""; }

}  // namespace

extern "C" __attribute__((visibility("default"))) const plumb_library* plumb_library_v1() {
  static constexpr plumb_library library = {
      PLUMB_ABI_VERSION, sizeof(plumb_library), "moody", "test", 1, 0, operator_at, last_error};
  return &library;
}
