// Bit equality of two tensors, and of everything around their elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "reference/operator.h"

namespace plumb {

struct BitDifference {
  std::int64_t differing = 0;     // elements, NaN being equal to NaN
  std::int64_t first_index = -1;  // row-major
  std::int64_t largest_ulp = 0;
};

// Two tensors of the same type and shape.
BitDifference compare_bits(const plumb_tensor& a, const plumb_tensor& b);

// The largest |a - b| of elements of which not both are NaN; infinity where one of them is, or where only one is
// infinite. `is_judged(index)` says which elements count, by row-major index.
double largest_change(const plumb_tensor& a, const plumb_tensor& b,
                      const std::function<bool(std::int64_t)>& is_judged);

// Bytes of `image` that differ from `pristine` though they belong to no element of `tensor`: a write into the bands
// or between the rows. Both spans are whole storages; the tensor's first element stands data_offset bytes into
// them. Returns the count; *first is the offset of the first such byte relative to the first element (negative: in
// front).
std::int64_t stray_bytes(std::span<const std::byte> pristine, std::span<const std::byte> image,
                         const plumb_tensor& tensor, std::size_t data_offset, std::int64_t* first);

}  // namespace plumb
