// Building and walking plumb_tensor descriptions of host memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "reference/numeric/dtype.h"
#include "reference/operator.h"

namespace plumb {

// A struct of the contract with its version and size filled in.
template <class Struct>
Struct versioned() {
  Struct value{};
  value.abi_version = PLUMB_ABI_VERSION;
  value.struct_size = sizeof(Struct);
  return value;
}

// A tensor with the given shape and strides (in elements); with no strides, contiguous.
inline plumb_tensor make_tensor(void* data, plumb_dtype dtype, std::initializer_list<std::int64_t> shape,
                                std::initializer_list<std::int64_t> stride = {}) {
  auto tensor = versioned<plumb_tensor>();
  tensor.data = data;
  tensor.dtype = dtype;
  tensor.rank = static_cast<std::int32_t>(shape.size());
  int axis = 0;
  for (const auto extent : shape) tensor.shape[axis++] = extent;
  axis = 0;
  for (const auto step : stride) tensor.stride[axis++] = step;
  if (stride.size() == 0) {
    std::int64_t step = 1;
    for (axis = tensor.rank - 1; axis >= 0; --axis) {
      tensor.stride[axis] = step;
      step *= tensor.shape[axis];
    }
  }
  return tensor;
}

inline plumb_tensor absent_tensor() { return versioned<plumb_tensor>(); }
inline bool is_present(const plumb_tensor& tensor) { return tensor.rank > 0; }
inline plumb_dtype dtype_of(const plumb_tensor& tensor) { return static_cast<plumb_dtype>(tensor.dtype); }

inline std::int64_t element_count(const plumb_tensor& tensor) {
  std::int64_t count = tensor.rank > 0 ? 1 : 0;
  for (int axis = 0; axis < tensor.rank; ++axis) count *= tensor.shape[axis];
  return count;
}

// Address of an element, given as many indices as the tensor has axes (missing ones count as 0).
inline std::byte* address(const plumb_tensor& tensor, std::initializer_list<std::int64_t> index) {
  std::int64_t offset = 0;
  int axis = 0;
  for (const auto i : index) offset += i * tensor.stride[axis++];
  return static_cast<std::byte*>(tensor.data) + offset * static_cast<std::int64_t>(size_of(dtype_of(tensor)));
}

// Reads out.size() elements that lie `stride` elements apart.
inline void load_row(const std::byte* first, plumb_dtype dtype, std::int64_t stride, std::span<float> out) {
  const auto step = stride * static_cast<std::int64_t>(size_of(dtype));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = load_float(first + static_cast<std::int64_t>(i) * step, dtype);
}

// Writes values, each rounded to nearest even, `stride` elements apart.
inline void store_row(std::byte* first, plumb_dtype dtype, std::int64_t stride, std::span<const float> values) {
  const auto step = stride * static_cast<std::int64_t>(size_of(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    store_float(first + static_cast<std::int64_t>(i) * step, dtype, values[i]);
  }
}

}  // namespace plumb
