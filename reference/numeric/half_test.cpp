// The 16-bit conversions against Eigen's, and the rows that are built of them.
#include "reference/numeric/half.h"

#include <gtest/gtest.h>

#include <array>

#include <Eigen/Core>

#include "reference/numeric/test_tensors.h"

namespace plumb {
namespace {

using testing::Random;

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

float eigen_float(std::uint16_t bits, plumb_dtype dtype) {
  return dtype == PLUMB_BF16 ? static_cast<float>(Eigen::numext::bit_cast<Eigen::bfloat16>(bits))
                             : static_cast<float>(Eigen::numext::bit_cast<Eigen::half>(bits));
}

std::uint16_t eigen_bits(float value, plumb_dtype dtype) {
  return dtype == PLUMB_BF16 ? Eigen::numext::bit_cast<std::uint16_t>(Eigen::bfloat16(value))
                             : Eigen::numext::bit_cast<std::uint16_t>(Eigen::half(value));
}

void expect_as_eigen(std::uint32_t pattern, plumb_dtype dtype) {
  const float value = std::bit_cast<float>(pattern);
  const std::uint32_t got = bits_of_float(value, dtype);
  if (std::isnan(value)) {
    ASSERT_EQ(got, kHalfNan) << std::hex << pattern;
  } else {
    ASSERT_EQ(got, eigen_bits(value, dtype)) << std::hex << pattern << " in " << name_of(dtype);
  }
}

class Half : public ::testing::TestWithParam<plumb_dtype> {};
INSTANTIATE_TEST_SUITE_P(Types, Half, ::testing::Values(PLUMB_BF16, PLUMB_F16),
                         [](const auto& test) { return std::string(name_of(test.param)); });

TEST_P(Half, EveryPatternReadsAsEigenReadsIt) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float ours = float_of_bits(bits, GetParam());
    const float theirs = eigen_float(static_cast<std::uint16_t>(bits), GetParam());
    if (std::isnan(theirs)) {
      ASSERT_TRUE(std::isnan(ours)) << std::hex << bits;
    } else {
      ASSERT_EQ(bits_of(ours), bits_of(theirs)) << std::hex << bits;
      ASSERT_EQ(bits_of_float(ours, GetParam()), bits);
    }
  }
}

TEST_P(Half, RoundsAsEigenAroundEveryBoundary) {
  // A boundary is a value of the grid, or the midpoint to its neighbour: in both formats, both have at most 13
  // trailing bits of a float to vary.
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float low = float_of_bits(bits, GetParam());
    const float high = float_of_bits((bits + 1) & 0xffff, GetParam());
    const float middle = 0.5f * low + 0.5f * high;
    for (const float around : {low, middle}) {
      for (std::uint32_t distance = 0; distance <= 4; ++distance) {
        expect_as_eigen(bits_of(around) - 2 + distance, GetParam());
      }
    }
  }
}

TEST_P(Half, RoundsAsEigenAtRandomAndAtTheEdges) {
  Random random(1);
  for (int i = 0; i < 2'000'000; ++i) expect_as_eigen(static_cast<std::uint32_t>(random.bits()), GetParam());
  for (const std::uint32_t edge :
       {0x00000000u, 0x00000001u, 0x007fffffu, 0x00800000u, 0x33000000u, 0x387fffffu, 0x38800000u, 0x477fefffu,
        0x477ff000u, 0x7f7f7fffu, 0x7f7f8000u, 0x7f7fffffu, 0x7f800000u, 0x7f800001u, 0x7fc00000u, 0x7fffffffu}) {
    expect_as_eigen(edge, GetParam());
    expect_as_eigen(edge | 0x80000000u, GetParam());
  }
}

TEST(Rows, LoadStoreAndRoundAgreeWithSingleElements) {
  Random random(2);
  for (const auto dtype : testing::kFloatTypes) {
    for (const std::int64_t stride : {1, 3}) {
      constexpr std::int64_t kCount = 37;  // no multiple of a vector
      testing::HostTensor tensor(dtype, {kCount}, {stride});
      std::vector<float> values(kCount), back(kCount);
      for (auto& value : values) value = std::bit_cast<float>(static_cast<std::uint32_t>(random.bits()));
      store_row(tensor.element(0), dtype, stride, values);
      load_row(tensor.element(0), dtype, stride, back);
      round_row(dtype, values);
      for (std::int64_t i = 0; i < kCount; ++i) {
        const auto rounded = bits_of_float(values[static_cast<std::size_t>(i)], dtype);
        EXPECT_TRUE(same_bits(tensor.bits(i), rounded, dtype));
        EXPECT_TRUE(same_bits(bits_of(back[static_cast<std::size_t>(i)]), bits_of(tensor.value(i)), PLUMB_F32));
      }
      if (stride > 1) {
        EXPECT_EQ(tensor.bytes()[size_of(dtype)], std::byte{0xff}) << "a gap was written";
      }
    }
  }
}

}  // namespace
}  // namespace plumb
