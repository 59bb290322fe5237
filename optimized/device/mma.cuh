// tf32 on the tensor cores (sm_80 and newer): rounding, splitting in two, and the 16 x 8 x 8 product of a warp.
#pragma once

#include <cstdint>

namespace plumb {

// Rounds to the 11 significant bits of tf32, to nearest, ties away from zero; NaN and infinities stay.
__device__ __forceinline__ std::uint32_t to_tf32(float value) {
  std::uint32_t rounded;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(value));
  return rounded;
}

// value = high + low, high being value rounded to tf32 (nearest, ties away). The tensor core reads the upper 19
// bits of low; the rest is below 2^-21 of value. Three integer and fp32 operations where to_tf32() of both parts
// takes the slower conversion twice. A NaN or an infinity gives at least one part that is not finite.
struct Tf32Pair {
  std::uint32_t high, low;
};
__device__ __forceinline__ Tf32Pair split_tf32(float value) {
  const std::uint32_t high = (__float_as_uint(value) + 0x1000u) & 0xffffe000u;
  return {high, __float_as_uint(__fsub_rn(value, __uint_as_float(high)))};
}

// accumulator += a b for a [16 x 8] and b [8 x 8] of tf32 in fp32. Lane 4 g + t holds
//   a: (g, t) (g + 8, t) (g, t + 4) (g + 8, t + 4)     b: (t, g) (t + 4, g)
//   accumulator: (g, 2 t) (g, 2 t + 1) (g + 8, 2 t) (g + 8, 2 t + 1)
// The tensor core reads the upper 19 bits of each operand's 32. The order in which it adds the eight products is
// not documented and differs between architectures; on one architecture it is always the same.
__device__ __forceinline__ void mma_tf32(float (&accumulator)[4], const std::uint32_t (&a)[4],
                                         const std::uint32_t (&b)[2]) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(accumulator[0]), "+f"(accumulator[1]), "+f"(accumulator[2]), "+f"(accumulator[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace plumb
