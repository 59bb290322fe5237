// Quiet points need what was asked for, noisy ones more, and no point without end.
#include "harness/gate/blocks.h"

#include <gtest/gtest.h>

#include <limits>

namespace plumb {
namespace {

std::vector<double> spread_by(double distance, double centre) {
  std::vector<double> blocks;
  for (int i = 0; i < 32; ++i) blocks.push_back(centre + (i % 2 ? distance : -distance));
  return blocks;
}

TEST(BlocksNeeded, GrowWithTheSpreadAlone) {
  EXPECT_EQ(blocks_needed(spread_by(0.001, 0)), 32);
  EXPECT_EQ(blocks_needed(spread_by(0.005, 0)), 55);  // (1.4826 * 5)^2 = 54.95
  EXPECT_EQ(blocks_needed(spread_by(0.005, 0.4)), blocks_needed(spread_by(0.005, 0)));
  EXPECT_EQ(blocks_needed(spread_by(0.5, 0)), 128);
}

TEST(BlocksNeeded, HardlyMindOutliers) {
  std::vector<double> blocks = spread_by(0.001, 0);
  blocks[3] = blocks[4] = 0.5;
  EXPECT_EQ(blocks_needed(blocks), 32);
}

TEST(BlocksNeeded, NothingToGoByIsNothingMore) {
  EXPECT_EQ(blocks_needed({}), 0);
  std::vector<double> blocks = spread_by(0.5, 0);
  blocks[0] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(blocks_needed(blocks), 32);
}

}  // namespace
}  // namespace plumb
