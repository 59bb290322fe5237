// Division of 31-bit numbers by a number known at launch: one multiplication instead of some twenty instructions.
#pragma once

#include <cstdint>

namespace plumb {

// Granlund and Montgomery: with 2^shift >= divisor and multiplier = ceil(2^(31 + shift) / divisor), the quotient of
// every n < 2^31 is exact, as the error term is below n / 2^31 / divisor; and the multiplier is below 2^32.
struct Divider {
  std::uint32_t divisor = 1;
  std::uint32_t multiplier = 1u << 31;
  std::uint32_t shift = 0;

  Divider() = default;
  explicit Divider(std::uint32_t by) : divisor(by) {  // 1 .. 2^31 - 1
    while ((std::uint64_t{1} << shift) < by) ++shift;
    multiplier = static_cast<std::uint32_t>(((std::uint64_t{1} << (31 + shift)) + by - 1) / by);
  }

#ifdef __CUDACC__
  __host__ __device__
#endif
      std::uint32_t
      quotient(std::uint32_t n) const {
    return static_cast<std::uint32_t>(std::uint64_t{n} * multiplier >> 31 >> shift);
  }
};

// The largest numerator that Divider takes.
inline constexpr std::int64_t kDividerLimit = (std::int64_t{1} << 31) - 1;

}  // namespace plumb
