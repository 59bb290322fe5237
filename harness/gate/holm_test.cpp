// Holm's adjustment by hand.
#include "harness/gate/holm.h"

#include <gtest/gtest.h>

#include <vector>

namespace plumb {
namespace {

TEST(Holm, StepsDownAndKeepsTheOrderGiven) {
  // Ascending: 0.005 * 4, 0.01 * 3, 0.03 * 2, then 0.04 * 1, which may not fall below the one before.
  const std::vector<double> adjusted = holm_adjust(std::vector<double>{0.01, 0.04, 0.03, 0.005});
  const std::vector<double> expected = {0.03, 0.06, 0.06, 0.02};
  ASSERT_EQ(adjusted.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_DOUBLE_EQ(adjusted[i], expected[i]) << i;
}

TEST(Holm, OneHypothesisIsLeftAlone) {
  EXPECT_EQ(holm_adjust(std::vector<double>{0.02}), std::vector<double>{0.02});
  EXPECT_TRUE(holm_adjust(std::vector<double>{}).empty());
}

TEST(Holm, NeverExceedsOneAndTreatsTiesAlike) {
  EXPECT_EQ(holm_adjust(std::vector<double>{0.5, 0.5, 1}), (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(holm_adjust(std::vector<double>{0.125, 0.125, 0}), (std::vector<double>{0.25, 0.25, 0}));
}

// A first hypothesis that stands keeps every other standing, small as their own products may be.
TEST(Holm, StopsAtTheFirstThatStands) {
  const std::vector<double> adjusted = holm_adjust(std::vector<double>{0.02, 0.03, 0.04});
  for (const double p : adjusted) EXPECT_GT(p, 0.05);
}

}  // namespace
}  // namespace plumb
