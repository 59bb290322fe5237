// An RMS-norm of one's own behind plumbline's contract: fp32, one thread per row, a plain variant and one with
// 16-byte loads. The second has a bug that is easy to make: rows are found by counting float4s, so that a row which
// starts 4 bytes past a 16-byte boundary is read from the wrong place. -DMY_RMS_NORM_FIXED refuses such rows.
//
// nvcc compiles it for GPUs; a C++ compiler (-x c++) compiles the same code for --device host.
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "reference/rms_norm/rms_norm.h"

#ifdef __CUDACC__
#include <cuda_runtime.h>
#define EVERYWHERE __host__ __device__
#else
#define EVERYWHERE
#endif

namespace {

struct Float4 {
  float lane[4];
};

struct Arguments {
  const float *x, *weight;
  float* y;
  int64_t rows, hidden, x_stride, y_stride;
  float eps, weight_offset;
};

EVERYWHERE float scale_of(double sum_of_squares, const Arguments& a) {
  return 1.0f / sqrtf(static_cast<float>(sum_of_squares / static_cast<double>(a.hidden)) + a.eps);
}

EVERYWHERE void plain_row(const Arguments& a, int64_t row) {
  const float* x = a.x + row * a.x_stride;
  float* y = a.y + row * a.y_stride;
  double sum = 0;
  for (int64_t i = 0; i < a.hidden; ++i) sum += static_cast<double>(x[i]) * x[i];
  const float scale = scale_of(sum, a);
  for (int64_t i = 0; i < a.hidden; ++i) y[i] = x[i] * scale * (a.weight[i] + a.weight_offset);
}

EVERYWHERE void vec4_row(const Arguments& a, int64_t row) {
  const Float4* x = reinterpret_cast<const Float4*>(a.x) + row * (a.x_stride / 4);  // the bug: a stride of 4n + 1
  Float4* y = reinterpret_cast<Float4*>(a.y) + row * (a.y_stride / 4);
  const Float4* weight = reinterpret_cast<const Float4*>(a.weight);
  double sum = 0;
  for (int64_t i = 0; i < a.hidden / 4; ++i) {
    for (float value : x[i].lane) sum += static_cast<double>(value) * value;
  }
  const float scale = scale_of(sum, a);
  for (int64_t i = 0; i < a.hidden / 4; ++i) {
    Float4 out;
    for (int k = 0; k < 4; ++k) out.lane[k] = x[i].lane[k] * scale * (weight[i].lane[k] + a.weight_offset);
    y[i] = out;
  }
}

using Row = void (*)(const Arguments&, int64_t);

#ifdef __CUDACC__
template <Row kRow>
__global__ void rows_kernel(Arguments a) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (row < a.rows) kRow(a, row);
}
#endif

char error_text[200] = "";

plumb_status refuse(const char* why) {
  snprintf(error_text, sizeof error_text, "%s", why);
  return PLUMB_UNSUPPORTED;
}

Arguments arguments_of(const plumb_call& call) {
  const auto& params = *static_cast<const plumb_rms_norm_params*>(call.params);
  const plumb_tensor &x = call.tensors[PLUMB_RMS_NORM_X], &y = call.tensors[PLUMB_RMS_NORM_Y];
  return {static_cast<const float*>(x.data),
          static_cast<const float*>(call.tensors[PLUMB_RMS_NORM_WEIGHT].data),
          static_cast<float*>(y.data),
          x.shape[0],
          x.shape[1],
          x.stride[0],
          y.stride[0],
          params.eps,
          params.weight_offset};
}

enum { kPlain, kVec4, kVariants };

const plumb_variant* variant(int32_t index) {
  static const plumb_variant rows[kVariants] = {
      {PLUMB_ABI_VERSION, sizeof(plumb_variant), "plain", "fp32, no residual", ""},
      {PLUMB_ABI_VERSION, sizeof(plumb_variant), "vec4", "fp32, no residual, 16-byte pointers, hidden % 4 == 0",
       ""}};
  return index >= 0 && index < kVariants ? &rows[index] : nullptr;
}

// What a variant cannot serve it must refuse here: it never falls back silently.
plumb_status supports(const plumb_call* call, int32_t index) {
  if (call->tensors[PLUMB_RMS_NORM_X].dtype != PLUMB_F32) return refuse("x is not fp32");
  if (call->tensors[PLUMB_RMS_NORM_RESIDUAL].data) return refuse("there is a residual");
  if (index == kPlain) return PLUMB_OK;
  const Arguments a = arguments_of(*call);
  const uintptr_t addresses =
      reinterpret_cast<uintptr_t>(a.x) | reinterpret_cast<uintptr_t>(a.weight) | reinterpret_cast<uintptr_t>(a.y);
  if (addresses % 16) return refuse("a pointer is not 16-byte aligned");
  if (a.hidden % 4) return refuse("hidden is not a multiple of 4");
#ifdef MY_RMS_NORM_FIXED
  if (a.x_stride % 4 || a.y_stride % 4) return refuse("a row starts off a 16-byte boundary");
#endif
  return PLUMB_OK;
}

plumb_status select(const plumb_call* call, int32_t* selected) {
  *selected = supports(call, kVec4) == PLUMB_OK ? kVec4 : kPlain;
  return supports(call, *selected);
}

plumb_status workspace_bytes(const plumb_call*, int32_t, size_t* bytes) {
  *bytes = 0;
  return PLUMB_OK;
}

plumb_status launch(const plumb_call* call, int32_t index, int32_t* served) {
  const Arguments a = arguments_of(*call);
  *served = a.rows > 0 ? index : -1;
  if (a.rows == 0) return PLUMB_OK;
  if (call->device->ordinal < 0) {  // --device host
    for (int64_t row = 0; row < a.rows; ++row) index == kVec4 ? vec4_row(a, row) : plain_row(a, row);
    return PLUMB_OK;
  }
#ifdef __CUDACC__
  int previous = 0;
  cudaGetDevice(&previous);
  cudaSetDevice(call->device->ordinal);
  const auto blocks = static_cast<unsigned>((a.rows + 127) / 128);
  const auto stream = static_cast<cudaStream_t>(call->stream);
  if (index == kVec4) {
    rows_kernel<vec4_row><<<blocks, 128, 0, stream>>>(a);
  } else {
    rows_kernel<plain_row><<<blocks, 128, 0, stream>>>(a);
  }
  const cudaError_t error = cudaGetLastError();
  cudaSetDevice(previous);
  if (error == cudaSuccess) return PLUMB_OK;
  snprintf(error_text, sizeof error_text, "%s", cudaGetErrorString(error));
#else
  snprintf(error_text, sizeof error_text, "built without CUDA");
#endif
  return PLUMB_DEVICE_ERROR;
}

const plumb_operator* operator_at(int32_t index) {
  static const plumb_operator rms_norm = {PLUMB_ABI_VERSION,
                                          sizeof(plumb_operator),
                                          "rms_norm",
                                          kVariants,
                                          0,
                                          variant,
                                          supports,
                                          select,
                                          workspace_bytes,
                                          launch};
  return index == 0 ? &rms_norm : nullptr;
}

const char* last_error() { return error_text; }

}  // namespace

extern "C" __attribute__((visibility("default"))) const plumb_library* plumb_library_v1() {
  static const plumb_library library = {
      PLUMB_ABI_VERSION, sizeof(plumb_library), "my_rms_norm", "1.0", 1, 0, operator_at, last_error};
  return &library;
}
