// Tensor maps: what the copy engine of sm_90 and newer must know of a tensor in global memory.
#pragma once

#include <array>
#include <cstdint>

#include "reference/operator.h"

struct CUtensorMap_st;  // the driver's CUtensorMap; callers without CUDA's headers may include this file

namespace plumb {

// A tensor of rank 4 cut into boxes. Device code gives box corners in the map's order of axes, which begins with
// the tensor's last.
struct BoxedTensor {
  const plumb_tensor* tensor;
  const char* name;                  // for the sentence when it does not fit
  std::array<int, 4> axes;           // of the tensor, in the map's order: the innermost, 3, first
  std::array<std::uint32_t, 4> box;  // elements, in the map's order
  bool swizzle_64;                   // rows of the box, 64 bytes, have their 16-byte chunks exchanged
};

// PLUMB_OK, or PLUMB_UNSUPPORTED with what the copy engine cannot do: an address or a stride in bytes that is no
// multiple of 16, a stride of 0 or of 2^40 bytes and more, an axis beyond 2^31 elements. Asks no machine.
plumb_status check_tensor_map(const char* variant, const BoxedTensor& boxed);

// The map, by the driver's cuTensorMapEncodeTiled, which is looked up at run time: nothing links to libcuda. The
// tensor must have passed check_tensor_map, and its device must be current. A map is a function of the values that
// it was made from and refers to nothing else, so each thread keeps its last few and gives them again for equal
// values. PLUMB_DEVICE_ERROR when the driver has no such function or refuses.
plumb_status tensor_map(const BoxedTensor& boxed, int device, CUtensorMap_st* map);

}  // namespace plumb
