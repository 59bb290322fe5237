// Margins and their exceedance by hand.
#include "harness/gate/margin.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace plumb {
namespace {

TEST(ShareUpperBound, AgreesWithPublishedValues) {
  EXPECT_NEAR(share_upper_bound(0, 30, 0.05), 1 - std::pow(0.05, 1 / 30.0), 1e-12);
  EXPECT_NEAR(share_upper_bound(0, 28, 0.05), 0.1015, 5e-5);
  // Clopper and Pearson's limits at 97.5% for 1 of 10 and 5 of 10: 0.4450 and 0.8129.
  EXPECT_NEAR(share_upper_bound(1, 10, 0.025), 0.4450, 5e-5);
  EXPECT_NEAR(share_upper_bound(5, 10, 0.025), 0.8129, 5e-5);
  EXPECT_NEAR(share_upper_bound(9, 10, 0.05), std::pow(0.95, 0.1), 1e-12);
  EXPECT_EQ(share_upper_bound(10, 10, 0.05), 1);
  EXPECT_EQ(share_upper_bound(0, 0, 0.05), 1);
  EXPECT_NEAR(share_upper_bound(3, 10'000, 0.05), 7.75e-4, 5e-6);  // Poisson: 7.754 expected
}

TEST(LearnMargins, TakesTheLargestShiftOrTheFloor) {
  const std::vector<std::vector<double>> estimates = {
      {0.001, -0.002, 0.0015}, {0.004, -0.005, 0.0049}, {0.006, -0.006}, {}};
  const std::vector<Margin> margins = learn_margins(estimates, 0.003);
  ASSERT_EQ(margins.size(), 4u);
  EXPECT_EQ(margins[0].width, 0.003);
  EXPECT_EQ(margins[1].width, 0.005);
  EXPECT_EQ(margins[2].width, 0.006);
  EXPECT_EQ(margins[3].width, 0.003);
  // Left out, -0.005 exceeds the 0.0049 that the others give; nothing else does: 1 of 8.
  for (const Margin& margin : margins) EXPECT_EQ(margin.exceedance, share_upper_bound(1, 8, 0.05));
  EXPECT_EQ(learn_margins(std::vector<std::vector<double>>(2), 0.003)[1].exceedance, 1);  // nothing was measured
}

// The header's claim: the power of the bound is above the exact chance that k new values exceed the largest of n.
TEST(LearnMargins, TheBoundsPowerExceedsTheExactRankProbability) {
  for (const int n : {20, 28, 60, 300}) {
    for (int k = 1; k <= 6; ++k) {
      double exact = 1;
      for (int i = 1; i <= k; ++i) exact *= static_cast<double>(i) / (n + i);
      EXPECT_GT(std::pow(share_upper_bound(0, n, 0.05), k), exact) << n << " " << k;
    }
  }
}

}  // namespace
}  // namespace plumb
