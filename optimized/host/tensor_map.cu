// Tensor maps by the driver's own encoder.
#include <cudaTypedefs.h>
#include <cuda_runtime.h>

#include <array>

#include "optimized/host/call.h"
#include "optimized/host/launch.cuh"
#include "optimized/host/tensor_map.h"
#include "reference/numeric/tensor.h"

namespace plumb {
namespace {

constexpr std::int64_t kStrideLimit = std::int64_t{1} << 40;
constexpr std::int64_t kExtentLimit = std::int64_t{1} << 31;  // box corners are 32-bit signed numbers

std::int64_t stride_bytes(const plumb_tensor& tensor, int axis) {
  return tensor.stride[axis] * static_cast<std::int64_t>(size_of(dtype_of(tensor)));
}

CUtensorMapDataType data_type_of(const plumb_tensor& tensor) {
  switch (tensor.dtype) {
    case PLUMB_BF16:
      return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
    case PLUMB_F16:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
    default:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  }
}

// All that a map depends on, in the driver's terms.
struct MapKey {
  int device = -1;
  CUtensorMapDataType type{};
  void* address = nullptr;
  std::array<cuuint64_t, 4> extents{};
  std::array<cuuint64_t, 3> strides{};
  std::array<cuuint32_t, 4> box{};
  bool swizzle_64 = false;

  bool operator==(const MapKey&) const = default;
};

MapKey key_of(const BoxedTensor& boxed, int device) {
  const auto& tensor = *boxed.tensor;
  MapKey key{
      .device = device, .type = data_type_of(tensor), .address = tensor.data, .swizzle_64 = boxed.swizzle_64};
  for (std::size_t i = 0; i < 4; ++i) {
    key.extents[i] = static_cast<cuuint64_t>(tensor.shape[boxed.axes[i]]);
    key.box[i] = boxed.box[i];
    // An axis of one element is never stepped along; its stride need only be one that a map can hold.
    if (i > 0) {
      key.strides[i - 1] = key.extents[i] > 1 ? static_cast<cuuint64_t>(stride_bytes(tensor, boxed.axes[i])) : 16;
    }
  }
  return key;
}

plumb_status encode(const MapKey& key, const char* name, CUtensorMap* map) {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found{};
  const auto status = check_cuda(
      cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000, cudaEnableDefault, &found),
      "cudaGetDriverEntryPointByVersion(cuTensorMapEncodeTiled)");
  if (status != PLUMB_OK) return status;
  if (found != cudaDriverEntryPointSuccess || entry == nullptr) {
    return fail(PLUMB_DEVICE_ERROR, "the driver has no cuTensorMapEncodeTiled; it came with CUDA 12.0");
  }
  constexpr cuuint32_t kEveryElement[4] = {1, 1, 1, 1};
  const CUresult result = reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(entry)(
      map, key.type, 4, key.address, key.extents.data(), key.strides.data(), key.box.data(), kEveryElement,
      CU_TENSOR_MAP_INTERLEAVE_NONE, key.swizzle_64 ? CU_TENSOR_MAP_SWIZZLE_64B : CU_TENSOR_MAP_SWIZZLE_NONE,
      CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result == CUDA_SUCCESS) return PLUMB_OK;
  return fail(PLUMB_DEVICE_ERROR, "cuTensorMapEncodeTiled refused %s with CUresult %d", name,
              static_cast<int>(result));
}

constexpr std::size_t kKept = 16;  // maps per thread: a model's layers reuse a few buffers

struct KeptMap {
  MapKey key;
  CUtensorMap map;
};

}  // namespace

plumb_status check_tensor_map(const char* variant, const BoxedTensor& boxed) {
  const auto& tensor = *boxed.tensor;
  if (const char* part = misaligned_part(tensor, 16)) {
    return fail(PLUMB_UNSUPPORTED, "%s: %s has %s, no multiple of 16", variant, boxed.name, part);
  }
  for (int axis = 0; axis < 4; ++axis) {
    if (tensor.shape[axis] > kExtentLimit) {
      return fail(PLUMB_UNSUPPORTED, "%s: %s.shape[%d] is %lld, more than the 2^31 of a tensor map", variant,
                  boxed.name, axis, static_cast<long long>(tensor.shape[axis]));
    }
    if (axis == 3 || tensor.shape[axis] <= 1) continue;
    const std::int64_t stride = stride_bytes(tensor, axis);
    if (stride == 0 || stride >= kStrideLimit) {
      return fail(PLUMB_UNSUPPORTED, "%s: %s has stride[%d] of %lld bytes; a tensor map takes 16 to 2^40 - 16",
                  variant, boxed.name, axis, static_cast<long long>(stride));
    }
  }
  return PLUMB_OK;
}

plumb_status tensor_map(const BoxedTensor& boxed, int device, CUtensorMap_st* map) {
  thread_local std::array<KeptMap, kKept> kept;
  thread_local std::size_t oldest = 0;
  const MapKey key = key_of(boxed, device);
  for (const KeptMap& one : kept) {
    if (one.key == key) {
      *map = one.map;
      return PLUMB_OK;
    }
  }
  const auto status = encode(key, boxed.name, map);
  if (status != PLUMB_OK) return status;
  kept[oldest] = {key, *map};
  oldest = (oldest + 1) % kKept;
  return PLUMB_OK;
}

}  // namespace plumb
