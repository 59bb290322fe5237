// Building and walking plumb_tensor descriptions of host memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <span>
#include <type_traits>

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

namespace detail {

// Calls loop with the step between elements in bytes: as a constant where they are adjacent, so that the compiler
// makes vector code of that loop.
template <std::size_t kSize, class Loop>
void with_step(std::int64_t stride, const Loop& loop) {
  constexpr auto size = static_cast<std::int64_t>(kSize);
  if (stride == 1) return loop(std::integral_constant<std::int64_t, size>{});
  loop(stride * size);
}

template <class Word, class ToFloat>
void load_row_as(const std::byte* first, std::int64_t stride, std::span<float> out, ToFloat to_float) {
  with_step<sizeof(Word)>(stride, [=](auto step) {
    for (std::int64_t i = 0; i < std::ssize(out); ++i) {
      Word bits;
      std::memcpy(&bits, first + i * step, sizeof bits);
      out[i] = to_float(bits);
    }
  });
}

template <class Word, class FromFloat>
void store_row_as(std::byte* first, std::int64_t stride, std::span<const float> values, FromFloat from_float) {
  with_step<sizeof(Word)>(stride, [=](auto step) {
    for (std::int64_t i = 0; i < std::ssize(values); ++i) {
      const Word bits = from_float(values[i]);
      std::memcpy(first + i * step, &bits, sizeof bits);
    }
  });
}

}  // namespace detail

// Reads out.size() elements that lie `stride` elements apart.
inline void load_row(const std::byte* first, plumb_dtype dtype, std::int64_t stride, std::span<float> out) {
  switch (dtype) {
    case PLUMB_BF16:
      return detail::load_row_as<std::uint16_t>(first, stride, out, [](auto bits) { return bf16_to_float(bits); });
    case PLUMB_F16:
      return detail::load_row_as<std::uint16_t>(first, stride, out, [](auto bits) { return fp16_to_float(bits); });
    default:
      return detail::load_row_as<float>(first, stride, out, [](float value) { return value; });
  }
}

// Writes values, each rounded to nearest even, `stride` elements apart.
inline void store_row(std::byte* first, plumb_dtype dtype, std::int64_t stride, std::span<const float> values) {
  switch (dtype) {
    case PLUMB_BF16:
      return detail::store_row_as<std::uint16_t>(first, stride, values, [](float v) { return float_to_bf16(v); });
    case PLUMB_F16:
      return detail::store_row_as<std::uint16_t>(first, stride, values, [](float v) { return float_to_fp16(v); });
    default:
      return detail::store_row_as<float>(first, stride, values, [](float v) { return v; });
  }
}

// Replaces each value by its rounding to `dtype`.
inline void round_row(plumb_dtype dtype, std::span<float> values) {
  if (dtype == PLUMB_F32) return;
  std::array<std::byte, 512> rounded;  // there and back in two loops, each of which becomes vector code
  while (!values.empty()) {
    const auto part = values.first(std::min(values.size(), rounded.size() / size_of(dtype)));
    store_row(rounded.data(), dtype, 1, part);
    load_row(rounded.data(), dtype, 1, part);
    values = values.subspan(part.size());
  }
}

}  // namespace plumb
