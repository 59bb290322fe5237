// Walking the elements of a strided tensor in runs of adjacent ones.
#pragma once

#include <cstdint>

#include "reference/numeric/tensor.h"

namespace plumb {

// A row is everything along the last axis; rows count in row-major order of the other axes.
inline std::int64_t row_length(const plumb_tensor& tensor) {
  return tensor.rank > 0 ? tensor.shape[tensor.rank - 1] : 0;
}

inline std::int64_t row_count(const plumb_tensor& tensor) {
  std::int64_t count = element_count(tensor) > 0 ? 1 : 0;
  for (int axis = 0; axis + 1 < tensor.rank; ++axis) count *= tensor.shape[axis];
  return count;
}

// Offset of a row's first element from the tensor's first, in elements.
inline std::int64_t row_offset(const plumb_tensor& tensor, std::int64_t row) {
  std::int64_t offset = 0;
  for (int axis = tensor.rank - 2; axis >= 0; --axis) {
    offset += row % tensor.shape[axis] * tensor.stride[axis];
    row /= tensor.shape[axis];
  }
  return offset;
}

// Calls visit(offset, length) for every run of adjacent elements in rows [begin, end), in row-major order: a whole
// row, or one element where the last axis is strided.
template <class Visit>
void for_each_run(const plumb_tensor& tensor, std::int64_t begin, std::int64_t end, const Visit& visit) {
  const std::int64_t length = row_length(tensor);
  const std::int64_t step = tensor.rank > 0 ? tensor.stride[tensor.rank - 1] : 1;
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t offset = row_offset(tensor, row);
    if (step == 1) {
      visit(offset, length);
    } else {
      for (std::int64_t i = 0; i < length; ++i) visit(offset + i * step, std::int64_t{1});
    }
  }
}

template <class Visit>
void for_each_run(const plumb_tensor& tensor, const Visit& visit) {
  for_each_run(tensor, 0, row_count(tensor), visit);
}

}  // namespace plumb
