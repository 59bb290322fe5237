// The canonical sum against the same tree written out recursively.
#include "reference/numeric/canonical_sum.h"

#include <gtest/gtest.h>

#include "reference/numeric/test_tensors.h"

namespace plumb {
namespace {

// Sum of leaves first, first + step, ... (count of them, a power of two): the first half of a level takes the
// second, so that the two operands of the root are the leaves of even and of odd number.
float tree(const std::vector<float>& leaves, std::size_t first, std::size_t step, std::size_t count) {
  if (count == 1) return first < leaves.size() ? leaves[first] : 0.0f;
  return tree(leaves, first, 2 * step, count / 2) + tree(leaves, first + step, 2 * step, count / 2);
}

float written_out(const std::vector<float>& v) {
  std::vector<float> leaves;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (i % 8 == 0) leaves.push_back(0.0f);
    leaves.back() = std::fmaf(v[i], v[i], leaves.back());
  }
  std::size_t padded = 1;
  while (padded < leaves.size()) padded *= 2;
  return tree(leaves, 0, 1, padded);
}

TEST(CanonicalSum, IsTheWrittenTree) {
  testing::Random random(4);
  for (const std::size_t n : {1, 2, 7, 8, 9, 15, 16, 17, 24, 63, 64, 65, 100, 128, 769, 1000, 4096, 5120}) {
    std::vector<float> values(n);
    for (auto& value : values) value = static_cast<float>(random.normal());
    EXPECT_EQ(canonical_sum_of_squares(values), written_out(values)) << n;
  }
}

TEST(CanonicalSum, ThreeLeavesByHand) {
  // Leaves 1, 2^-24, 2^-24 and one of padding: leaf 2 goes to leaf 0, and both small ones are lost, each in a tie.
  std::vector<float> values(24, 0.0f);
  values[0] = 1.0f;
  values[8] = values[16] = 0x1p-12f;
  EXPECT_EQ(canonical_sum_of_squares(values), 1.0f);
  // Leaves 0 and 2 meet before leaf 1 comes: 2^-24 + 2^-24 is then large enough to count.
  std::swap(values[0], values[8]);
  EXPECT_EQ(canonical_sum_of_squares(values), 1.0f + 0x1p-23f);
}

TEST(CanonicalSum, EmptyIsZero) { EXPECT_EQ(canonical_sum_of_squares({}), 0.0f); }

TEST(CanonicalSum, InverseRms) {
  EXPECT_EQ(canonical_inverse_rms(64.0f, 16, 0.0f), 0.5f);
  EXPECT_EQ(canonical_inverse_rms(0.0f, 3, 0.25f), 2.0f);
  EXPECT_EQ(canonical_inverse_rms(testing::kInf, 8, 1e-6f), 0.0f);
  EXPECT_TRUE(std::isnan(canonical_inverse_rms(testing::kNan, 8, 1e-6f)));
}

}  // namespace
}  // namespace plumb
