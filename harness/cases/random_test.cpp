// The generator gives the published Philox numbers and the moments it claims.
#include "harness/cases/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace plumb {
namespace {

// tests/kat_vectors of the Random123 distribution, philox 4x32 with 10 rounds.
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Philox4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32({ones, ones, ones, ones}, {ones, ones}),
            (Philox4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Philox4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, DependsOnSeedStreamAndEveryBitOfTheIndex) {
  std::set<Philox4> draws;
  std::size_t count = 0;
  const auto add = [&](const RandomStream& random, std::uint64_t index) {
    draws.insert(random.raw(index));
    ++count;
  };
  for (int bit = 0; bit < 64; ++bit) add(RandomStream(7, 1), std::uint64_t{1} << bit);
  for (int bit = 0; bit < 64; ++bit) add(RandomStream(std::uint64_t{1} << bit, 1), 0);
  for (std::uint32_t stream = 2; stream < 64; ++stream) add(RandomStream(7, stream), 0);
  EXPECT_EQ(draws.size(), count);
}

// Standard errors for n = 2^20: mean 1/1024, variance about sqrt(2)/1024; the bounds are five of them.
TEST(RandomStream, NormalHasMeanZeroVarianceOneAndNoLargeValues) {
  const RandomStream random(7, 3);
  constexpr int kCount = 1 << 20;
  double sum = 0, squares = 0, cubes = 0, largest = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = random.normal(static_cast<std::uint64_t>(i));
    sum += x;
    squares += x * x;
    cubes += x * x * x;
    largest = std::max(largest, std::fabs(x));
  }
  EXPECT_NEAR(sum / kCount, 0, 0.005);
  EXPECT_NEAR(squares / kCount, 1, 0.007);
  EXPECT_NEAR(cubes / kCount, 0, 0.02);
  EXPECT_GT(largest, 4.0);
  EXPECT_LT(largest, 4.9);
}

TEST(RandomStream, UniformAndBelowCoverTheirRangesEvenly) {
  const RandomStream random(7, 4);
  int counts[10] = {};
  double sum = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const double u = random.uniform(i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    ++counts[random.below(i, 10)];
  }
  EXPECT_NEAR(sum / 1e5, 0.5, 0.005);
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

}  // namespace
}  // namespace plumb
