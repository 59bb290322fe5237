// Emulated: products of tf32, summed in ascending k.
#pragma once

#include "optimized/emulator/emulator.h"

namespace plumb {

inline std::uint32_t to_tf32(float value) { return (__float_as_uint(value) + 0x1000u) & 0xffffe000u; }

struct Tf32Pair {
  std::uint32_t high, low;
};
inline Tf32Pair split_tf32(float value) {
  const std::uint32_t high = to_tf32(value);
  return {high, __float_as_uint(value - __uint_as_float(high))};
}

// Lane 4 g + t holds a: (g, t) (g + 8, t) (g, t + 4) (g + 8, t + 4), b: (t, g) (t + 4, g), and of the accumulator
// (g, 2 t) (g, 2 t + 1) (g + 8, 2 t) (g + 8, 2 t + 1).
inline void mma_tf32(float (&accumulator)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  const unsigned lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  const auto of_all = [](std::uint32_t low, std::uint32_t high) {
    return emulator::collect(std::uint64_t{high} << 32 | low, [](const auto& lanes) { return lanes; });
  };
  const auto number = [](std::uint64_t pair, unsigned half) {
    return __uint_as_float(static_cast<std::uint32_t>(pair >> 32 * half) & 0xffffe000u);
  };
  const auto left = of_all(a[0], a[1]), right = of_all(a[2], a[3]), columns = of_all(b[0], b[1]);
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned column = 2 * t + i % 2;
    for (unsigned k = 0; k < 8; ++k) {
      const float of_a = number((k < 4 ? left : right)[4 * g + k % 4], i / 2);
      accumulator[i] += of_a * number(columns[4 * column + k % 4], k / 4);
    }
  }
}

}  // namespace plumb
