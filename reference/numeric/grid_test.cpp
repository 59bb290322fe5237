// Distances on a dtype's grid, single rounding from float64, and the demands made of values near the grid's end.
#include "reference/numeric/grid.h"

#include <gtest/gtest.h>

#include "reference/numeric/test_tensors.h"

namespace plumb {
namespace {

using testing::kInf;
using testing::kNan;

std::int64_t distance(float a, float b, plumb_dtype dtype) {
  return ulp_distance(bits_of_float(a, dtype), bits_of_float(b, dtype), dtype);
}

TEST(Ulp, DistanceCountsGridSteps) {
  constexpr auto kFar = std::numeric_limits<std::int64_t>::max();
  for (const auto dtype : testing::kFloatTypes) {
    const auto format = float_format(dtype);
    const auto tiny = static_cast<float>(std::ldexp(1.0, format.min_exponent - format.precision + 1));
    const auto normal = static_cast<float>(std::ldexp(1.0, format.min_exponent));
    const auto largest = static_cast<float>(format.max_finite);
    const auto step = static_cast<float>(std::ldexp(1.0, 1 - format.precision));
    EXPECT_EQ(distance(0.0f, -0.0f, dtype), 0);
    EXPECT_EQ(distance(0.0f, tiny, dtype), 1);
    EXPECT_EQ(distance(-tiny, tiny, dtype), 2);
    EXPECT_EQ(distance(normal - tiny, normal, dtype), 1) << "from the largest subnormal to the smallest normal";
    EXPECT_EQ(distance(1.0f, 1.0f + step, dtype), 1);
    EXPECT_EQ(distance(1.0f, 1.0f - step / 2, dtype), 1) << "steps are half as wide below a power of two";
    EXPECT_EQ(distance(largest, kInf, dtype), 1);
    EXPECT_EQ(distance(-kInf, kInf, dtype), 2 * grid_index(bits_of_float(kInf, dtype), dtype));
    EXPECT_EQ(distance(kNan, kNan, dtype), 0);
    EXPECT_EQ(distance(kNan, 0.0f, dtype), kFar);
    EXPECT_EQ(distance(kInf, kNan, dtype), kFar);

    EXPECT_EQ(ulp_at(1.0, dtype), step);
    EXPECT_EQ(ulp_at(0.0, dtype), tiny);
    EXPECT_EQ(ulp_at(normal / 3, dtype), tiny);
    EXPECT_EQ(ulp_at(kInf, dtype), ulp_at(largest, dtype));
    EXPECT_FALSE(same_bits(bits_of_float(0.0f, dtype), bits_of_float(-0.0f, dtype), dtype));
  }
}

TEST(Grid, RoundsFloat64InOneStep) {
  // 1 + 2^-9 + 2^-40 lies above the middle of 1 and the next bf16; rounded to fp32 first it would be the middle,
  // and then go to even.
  EXPECT_EQ(round_to_grid(1 + 0x1p-8 + 0x1p-40, PLUMB_BF16), 1 + 0x1p-7);
  EXPECT_EQ(round_to_grid(1 + 0x1p-8, PLUMB_BF16), 1);
  EXPECT_EQ(round_to_grid(1 + 3 * 0x1p-8, PLUMB_BF16), 1 + 0x1p-6);
  EXPECT_EQ(round_to_grid(65519.999, PLUMB_F16), 65504);
  EXPECT_EQ(round_to_grid(65520, PLUMB_F16), kInf);
  EXPECT_EQ(round_to_grid(-1e300, PLUMB_F32), -kInf);
  EXPECT_EQ(round_to_grid(0x1.8p-25, PLUMB_F16), 0x1p-24);
  EXPECT_EQ(round_to_grid(0x1p-25, PLUMB_F16), 0) << "the tie goes to even, zero";
  EXPECT_TRUE(std::isnan(round_to_grid(kNan, PLUMB_F16)));
}

TEST(Grid, AgreesWithTheConversionsOfFloats) {
  testing::Random random(3);
  for (const auto dtype : testing::kFloatTypes) {
    const Grid grid(dtype);
    for (int i = 0; i < 300'000; ++i) {
      const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random.bits()));
      if (std::isnan(value)) continue;
      ASSERT_EQ(grid.round(value), round_to(value, dtype)) << value;
    }
  }
}

TEST(Expectation, NearTheEndOfTheRange) {
  Expectation expected(5);
  const Grid grid(PLUMB_F16);
  expect_near(expected, 0, 65519, 0.5, grid);  // surely stays finite
  expect_near(expected, 1, 65519, 2, grid);    // may go either way
  expect_near(expected, 2, -65600, 2, grid);   // surely rounds to infinity
  expect_near(expected, 3, kNan, kInf, grid);  // NaN is asked for
  expect_near(expected, 4, 1, kNan, grid);     // a bound that is no number demands nothing
  EXPECT_EQ(expected.slack[0], 0.5);
  EXPECT_EQ(expected.slack[1], Expectation::kUnjudged);
  EXPECT_EQ(expected.value[2], -kInf);
  EXPECT_EQ(expected.slack[2], 0);
  EXPECT_EQ(expected.slack[3], 0);
  EXPECT_EQ(expected.slack[4], Expectation::kUnjudged);
}

}  // namespace
}  // namespace plumb
