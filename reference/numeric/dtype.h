// What a dtype is: its size, its name, its grid of values, and typed access to raw memory.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "reference/numeric/half.h"
#include "reference/operator.h"

namespace plumb {

// A floating-point format: `precision` significant bits (the hidden one included), exponents of normal numbers.
struct FloatFormat {
  int precision;
  int min_exponent;  // of the smallest normal number, as 2^min_exponent
  double max_finite;
};

constexpr FloatFormat float_format(plumb_dtype dtype) {
  switch (dtype) {
    case PLUMB_BF16:
      return {8, -126, 0x1.fep127};
    case PLUMB_F16:
      return {11, -14, 65504.0};
    default:
      return {24, -126, 0x1.fffffep127};
  }
}

constexpr std::size_t size_of(plumb_dtype dtype) {
  switch (dtype) {
    case PLUMB_BF16:
    case PLUMB_F16:
      return 2;
    case PLUMB_I64:
      return 8;
    default:
      return 4;
  }
}

constexpr std::string_view name_of(plumb_dtype dtype) {
  constexpr std::string_view names[] = {"fp32", "bf16", "fp16", "i32", "i64"};
  return names[dtype];
}

constexpr std::optional<plumb_dtype> dtype_named(std::string_view name) {
  for (const auto dtype : {PLUMB_F32, PLUMB_BF16, PLUMB_F16, PLUMB_I32, PLUMB_I64}) {
    if (name_of(dtype) == name) return dtype;
  }
  return std::nullopt;
}

constexpr bool is_floating(plumb_dtype dtype) { return dtype <= PLUMB_F16; }

// The bits of one floating-point element, in the low bits of the result.
inline std::uint32_t load_bits(const void* element, plumb_dtype dtype) {
  if (size_of(dtype) == 2) {
    std::uint16_t bits;
    std::memcpy(&bits, element, sizeof bits);
    return bits;
  }
  std::uint32_t bits;
  std::memcpy(&bits, element, sizeof bits);
  return bits;
}

inline float float_of_bits(std::uint32_t bits, plumb_dtype dtype) {
  switch (dtype) {
    case PLUMB_BF16:
      return bf16_to_float(static_cast<std::uint16_t>(bits));
    case PLUMB_F16:
      return fp16_to_float(static_cast<std::uint16_t>(bits));
    default:
      return std::bit_cast<float>(bits);
  }
}

// The bits of `value` rounded to nearest even in `dtype`.
inline std::uint32_t bits_of_float(float value, plumb_dtype dtype) {
  switch (dtype) {
    case PLUMB_BF16:
      return float_to_bf16(value);
    case PLUMB_F16:
      return float_to_fp16(value);
    default:
      return std::bit_cast<std::uint32_t>(value);
  }
}

inline float round_to(float value, plumb_dtype dtype) { return float_of_bits(bits_of_float(value, dtype), dtype); }

inline float load_float(const void* element, plumb_dtype dtype) {
  return float_of_bits(load_bits(element, dtype), dtype);
}

inline void store_float(void* element, plumb_dtype dtype, float value) {
  const std::uint32_t bits = bits_of_float(value, dtype);
  std::memcpy(element, &bits, size_of(dtype));
}

inline std::int64_t load_integer(const void* element, plumb_dtype dtype) {
  if (dtype == PLUMB_I64) {
    std::int64_t value;
    std::memcpy(&value, element, sizeof value);
    return value;
  }
  std::int32_t value;
  std::memcpy(&value, element, sizeof value);
  return value;
}

inline void store_integer(void* element, plumb_dtype dtype, std::int64_t value) {
  if (dtype == PLUMB_I64) {
    std::memcpy(element, &value, sizeof value);
    return;
  }
  const auto narrow = static_cast<std::int32_t>(value);
  std::memcpy(element, &narrow, sizeof narrow);
}

}  // namespace plumb
