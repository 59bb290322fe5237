// Counter-based random numbers: the same bits on every machine, in any order, from any thread.
#pragma once

#include <array>
#include <cstdint>

namespace plumb {

using Philox4 = std::array<std::uint32_t, 4>;

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11).
constexpr Philox4 philox4x32(Philox4 counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

// A stream of numbers addressed by index; streams of different ids are independent. Only exact or correctly rounded
// operations are used below, so that no math library has a say in the bits.
class RandomStream {
 public:
  constexpr RandomStream(std::uint64_t seed, std::uint32_t stream)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}, stream_{stream} {}

  constexpr Philox4 raw(std::uint64_t index) const {
    return philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), stream_, 0},
                      key_);
  }

  // Uniform in [0, 1), a multiple of 2^-32.
  constexpr double uniform(std::uint64_t index) const { return raw(index)[0] * 0x1p-32; }

  // Uniform integer in [0, bound), bound < 2^32 (multiply-shift; the bias is below 2^-32 * bound).
  constexpr std::uint32_t below(std::uint64_t index, std::uint32_t bound) const {
    return static_cast<std::uint32_t>((std::uint64_t{raw(index)[0]} * bound) >> 32);
  }

  // Nearly normal, mean 0, variance 1, |x| < 4.9: eight 16-bit uniforms added exactly (Irwin-Hall).
  constexpr double normal(std::uint64_t index) const {
    std::int64_t sum = 0;
    for (const std::uint32_t word : raw(index)) sum += (word & 0xffffu) + (word >> 16);
    // Each term has mean 65535/2 and variance (2^32 - 1)/12.
    return static_cast<double>(2 * sum - 8 * 65535) * (0x1p-17 * 1.2247448713915890);  // sqrt(12 / 8) / 2^17
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint32_t stream_;
};

}  // namespace plumb
