// Conversions between float and the two 16-bit formats, rounding to nearest even, as the GPU's own instructions do.
#pragma once

#include <bit>
#include <cstdint>

namespace plumb {

// Every NaN becomes this pattern in both formats, as cvt.rn.bf16.f32 and cvt.rn.f16.f32 give it.
inline constexpr std::uint16_t kHalfNan = 0x7fff;

inline float bf16_to_float(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

inline std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return kHalfNan;
  // Adding just under half of the last kept place, plus one where that place is odd, carries exactly when rounding
  // to nearest even goes up; a carry out of the largest finite value is infinity, as it should be.
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline float fp16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  // Read as a float with the fp16 exponent field, then scaled by 2^112: exact, and right for fp16 subnormals too.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(scaled));
}

inline std::uint16_t float_to_fp16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return kHalfNan;
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // at least 65520: rounds to infinity
  if (magnitude < 0x38800000u) {
    // Below 2^-14 fp16's spacing is 2^-24. Adding 0.5 leaves exactly that spacing in the sum's last place.
    const float aligned = std::bit_cast<float>(magnitude) + 0.5f;
    return sign | static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(aligned) - 0x3f000000u);
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return sign | static_cast<std::uint16_t>((rounded - 0x38000000u) >> 13);
}

}  // namespace plumb
