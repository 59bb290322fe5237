// Conversions between float and the two 16-bit formats, rounding to nearest even, as the GPU's own instructions do.
#pragma once

#include <bit>
#include <cstdint>

#include "reference/fault.h"

namespace plumb {

// None of the conversions branches (NaN is put in by masks), so that loops over them become vector code.

// Every NaN becomes this pattern in both formats, as cvt.rn.bf16.f32 and cvt.rn.f16.f32 give it.
inline constexpr std::uint16_t kHalfNan = 0x7fff;

inline float bf16_to_float(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

inline std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  // Adding just under half of the last kept place, plus one where that place is odd, carries exactly when rounding
  // to nearest even goes up; a carry out of the largest finite value is infinity, as it should be.
  std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  if (fault(Fault::kTruncate)) rounded = bits >> 16;
  if (fault(Fault::kTiesAway)) rounded = (bits + 0x8000u) >> 16;
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return static_cast<std::uint16_t>((rounded | (nan ? 0x7fffu : 0u)) & (nan ? kHalfNan : 0xffffu));
}

inline float fp16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t magnitude = bits & 0x7fffu;
  // Read as a float with the fp16 exponent field, then scaled by 2^112: exact, and right for fp16 subnormals too.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  const std::uint32_t special = magnitude >= 0x7c00u ? 0x7f800000u : 0u;  // infinities and NaN keep the mantissa
  return std::bit_cast<float>(sign | special | std::bit_cast<std::uint32_t>(scaled));
}

inline std::uint16_t float_to_fp16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  // Times four, except that what is too large for fp16 becomes infinity on the way.
  const float scaled = std::bit_cast<float>(magnitude) * 0x1p112f * 0x1p-110f;
  // Adding 2^15 times the value's power of two (at least that of fp16's smallest normal number) leaves fp16's
  // spacing in the sum's last place, so the addition itself rounds to nearest even, for normal and subnormal
  // results alike.
  const std::uint32_t exponent = bits << 1 & 0xff000000u;
  const std::uint32_t floor = exponent < 0x71000000u ? 0x71000000u : exponent;
  const float aligned = std::bit_cast<float>((floor >> 1) + 0x07800000u) + scaled;
  // The low five exponent bits are fp16's own; a carry out of the mantissa adds one to them.
  const auto sum = std::bit_cast<std::uint32_t>(aligned);
  const std::uint32_t rounded = (sum >> 13 & 0x7c00u) + (sum & 0xfffu);
  const bool nan = magnitude > 0x7f800000u;
  return static_cast<std::uint16_t>((sign | rounded | (nan ? 0x7fffu : 0u)) & (nan ? kHalfNan : 0xffffu));
}

}  // namespace plumb
