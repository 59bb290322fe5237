// A 128-bit digest of tensors: equal exactly when dtype, shape and every element's bits are equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "reference/operator.h"

namespace plumb {

struct Digest {
  std::uint64_t high = 0, low = 0;
  bool operator==(const Digest&) const = default;
};

// 32 lower-case hexadecimal digits, high half first.
std::string to_hex(const Digest& digest);

// MurmurHash3_x64_128 (Austin Appleby, public domain) of the bytes; high is the algorithm's first word.
Digest murmur3_128(std::span<const std::byte> bytes, std::uint32_t seed = 0);

// Digest of the tensors in their order. Each gives its dtype, rank and shape, then its elements in row-major order
// of the shape, whatever the strides; every NaN counts as one pattern of its dtype, the two zeros differ. An absent
// tensor counts as a mark, so that it cannot be confused with the next one.
Digest digest_of(std::span<const plumb_tensor> tensors);

}  // namespace plumb
