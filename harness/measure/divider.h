// Division by a number that is known before the kernel starts: a multiplication and a shift.
#pragma once

#include <bit>
#include <cstdint>

#if defined(__CUDACC__)
#define PLUMB_HOST_DEVICE __host__ __device__
#else
#define PLUMB_HOST_DEVICE
#endif

namespace plumb {

// Exact for 0 <= n < 2^31 and 1 <= d < 2^31. With l = ceil(log2 d) and m = ceil(2^(31+l) / d), which fits 32 bits,
// n m exceeds n 2^(31+l) / d by n (m d - 2^(31+l)) / d; the bracket is below d <= 2^l, so the excess is less than
// 2^(31+l) / d: too little to reach the next quotient. The 31 is 32, one high word, with n doubled.
struct Divider {
  std::uint32_t divisor = 1, multiplier = 0x80000000u, shift = 0;

  Divider() = default;
  explicit Divider(std::uint32_t by) : divisor(by), shift(static_cast<std::uint32_t>(std::bit_width(by - 1))) {
    multiplier = static_cast<std::uint32_t>(((std::uint64_t{1} << (31 + shift)) + by - 1) / by);
  }

  PLUMB_HOST_DEVICE std::uint32_t quotient(std::uint32_t n) const {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(n << 1) * multiplier >> 32) >> shift;
  }
};

}  // namespace plumb
#undef PLUMB_HOST_DEVICE
