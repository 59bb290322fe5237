// Comparing bits, inside tensors and around them.
#include "harness/compare/bits.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "harness/compare/elements.h"
#include "reference/numeric/ulp.h"

namespace plumb {

BitDifference compare_bits(const plumb_tensor& a, const plumb_tensor& b) {
  BitDifference difference;
  const plumb_dtype dtype = dtype_of(a);
  const auto element_bytes = static_cast<std::int64_t>(size_of(dtype));
  const auto *a_base = static_cast<const std::byte*>(a.data), *b_base = static_cast<const std::byte*>(b.data);
  const std::int64_t length = row_length(a), rows = row_count(a), last = a.rank - 1;
  const bool adjacent = last >= 0 && a.stride[last] == 1 && b.stride[last] == 1;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto* a_row = a_base + row_offset(a, row) * element_bytes;
    const auto* b_row = b_base + row_offset(b, row) * element_bytes;
    if (adjacent && std::memcmp(a_row, b_row, static_cast<std::size_t>(length * element_bytes)) == 0) continue;
    for (std::int64_t i = 0; i < length; ++i) {
      const std::uint32_t a_bits = load_bits(a_row + i * a.stride[last] * element_bytes, dtype);
      const std::uint32_t b_bits = load_bits(b_row + i * b.stride[last] * element_bytes, dtype);
      if (same_bits(a_bits, b_bits, dtype)) continue;
      if (difference.differing++ == 0) difference.first_index = row * length + i;
      difference.largest_ulp = std::max(difference.largest_ulp, ulp_distance(a_bits, b_bits, dtype));
    }
  }
  return difference;
}

double largest_change(const plumb_tensor& a, const plumb_tensor& b,
                      const std::function<bool(std::int64_t)>& is_judged) {
  const plumb_dtype dtype = dtype_of(a);
  const auto element_bytes = static_cast<std::int64_t>(size_of(dtype));
  const auto *a_base = static_cast<const std::byte*>(a.data), *b_base = static_cast<const std::byte*>(b.data);
  const std::int64_t length = row_length(a), rows = row_count(a), last = a.rank - 1;
  double largest = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t i = 0; i < length; ++i) {
      const auto* a_at = a_base + (row_offset(a, row) + i * a.stride[last]) * element_bytes;
      const auto* b_at = b_base + (row_offset(b, row) + i * b.stride[last]) * element_bytes;
      const std::uint32_t a_bits = load_bits(a_at, dtype), b_bits = load_bits(b_at, dtype);
      if (same_bits(a_bits, b_bits, dtype) || !is_judged(row * length + i)) continue;
      const double change = std::fabs(double{float_of_bits(a_bits, dtype)} - double{float_of_bits(b_bits, dtype)});
      largest = std::max(largest, std::isnan(change) ? HUGE_VAL : change);
    }
  }
  return largest;
}

std::int64_t stray_bytes(std::span<const std::byte> pristine, std::span<const std::byte> image,
                         const plumb_tensor& tensor, std::size_t data_offset, std::int64_t* first) {
  // The pristine storage with the image's elements in it: whatever then differs is no element.
  std::vector<std::byte> merged(pristine.begin(), pristine.end());
  const auto element_bytes = static_cast<std::int64_t>(size_of(dtype_of(tensor)));
  for_each_run(tensor, [&](std::int64_t offset, std::int64_t length) {
    const std::size_t at = data_offset + static_cast<std::size_t>(offset * element_bytes);
    std::memcpy(merged.data() + at, image.data() + at, static_cast<std::size_t>(length * element_bytes));
  });
  if (std::memcmp(merged.data(), image.data(), merged.size()) == 0) return 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    if (merged[i] == image[i]) continue;
    if (count++ == 0 && first) *first = static_cast<std::int64_t>(i) - static_cast<std::int64_t>(data_offset);
  }
  return count;
}

}  // namespace plumb
