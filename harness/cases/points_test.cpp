// The groups that bench measures, and how a spec picks among them.
#include "harness/cases/points.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "harness/error.h"
#include "harness/operators/suite.h"

namespace plumb {
namespace {

std::set<std::string> names_of(const std::vector<Case>& cases) {
  std::set<std::string> names;
  for (const Case& point : cases) names.insert(name_of(point));
  return names;
}

TEST(Points, GlobMatchesTheWholeText) {
  struct Row {
    const char *pattern, *text;
    bool matches;
  };
  const Row rows[] = {{"", "", true},
                      {"", "a", false},
                      {"*", "", true},
                      {"*", "a/b", true},
                      {"?", "", false},
                      {"a?c", "abc", true},
                      {"a?c", "ac", false},
                      {"a*c", "ac", true},
                      {"a*c", "abcbc", true},
                      {"a*c", "abcb", false},
                      {"*b*b*", "abab", true},
                      {"*b*b*", "aba", false},
                      {"abc", "abcd", false},
                      {"a**d", "abcd", true},
                      {"*.x=2/*", "r/offset.x=2/s", true},
                      {"*/cold", "x/hot", false}};
  for (const Row& row : rows) {
    EXPECT_EQ(matches_glob(row.pattern, row.text), row.matches) << row.pattern << " " << row.text;
  }
}

TEST(Points, HeadlineHasEveryOperatorAndNoPointTwice) {
  const PointSelection headline = select_points("headline");
  EXPECT_TRUE(headline.glob.empty());
  EXPECT_EQ(names_of(headline.cases).size(), headline.cases.size());
  std::set<std::string> operators;
  for (const Case& point : headline.cases) {
    operators.insert(point.schema->operator_name);
    EXPECT_EQ(point.seed, 7u) << name_of(point);
  }
  EXPECT_EQ(operators.size(), all_suites().size());
}

TEST(Points, TmaHasEveryCombinationOnce) {
  const PointSelection tma = select_points("tma");
  EXPECT_EQ(tma.cases.size(), 3u * 3 * 3 * 3 * 3);
  EXPECT_EQ(names_of(tma.cases).size(), tma.cases.size());
  for (const Case& point : tma.cases) EXPECT_EQ(name_of(parse_case(name_of(point))), name_of(point));
}

// The aligned case of each group, and every other one off by 2, 4 or 8 bytes in exactly one pointer.
TEST(Points, AlignmentMovesOnePointerAtATime) {
  const PointSelection alignment = select_points("alignment");
  ASSERT_EQ(alignment.cases.size(), 3u + 3 * (3 + 3 + 4));
  EXPECT_EQ(names_of(alignment.cases).size(), alignment.cases.size());
  std::size_t aligned = 0;
  for (const Case& point : alignment.cases) {
    EXPECT_EQ(point.dtype, PLUMB_BF16);
    int moved = 0;
    for (std::size_t i = 0; i < point.values.size(); ++i) {
      if (point.schema->axes[i].name.rfind("offset.", 0) != 0 || point.values[i] == 0) continue;
      ++moved;
      EXPECT_TRUE(point.values[i] == 2 || point.values[i] == 4 || point.values[i] == 8) << name_of(point);
    }
    EXPECT_LE(moved, 1) << name_of(point);
    aligned += moved == 0;
  }
  EXPECT_EQ(aligned, 3u);
  EXPECT_TRUE(
      names_of(alignment.cases).count("rope/bf16/tokens=4096,hq=32,hk=8,D=128,rotary=128/offset.cache=4/seed=7"));
}

TEST(Points, SpecNamesAnOperatorACaseABenchmarkOrAGlob) {
  const PointSelection rope = select_points("rope");
  ASSERT_FALSE(rope.cases.empty());
  for (const Case& point : rope.cases) EXPECT_EQ(point.schema->operator_name, "rope");

  const std::string name = "rms_norm/fp16/rows=3,hidden=769/seed=7";  // in no group
  const PointSelection one = select_points(name);
  EXPECT_EQ(names_of(one.cases), std::set<std::string>{name});
  EXPECT_EQ(one.glob, "");

  const PointSelection benchmark = select_points(name + "/variant=scalar/cold");
  EXPECT_EQ(names_of(benchmark.cases), std::set<std::string>{name});
  EXPECT_EQ(benchmark.glob, name + "/variant=scalar/cold");

  const PointSelection glob = select_points("rope/*/cold");
  EXPECT_EQ(glob.glob, "rope/*/cold");
  EXPECT_EQ(names_of(glob.cases).size(), glob.cases.size());
  EXPECT_GT(glob.cases.size(), headline_points().size());

  EXPECT_THROW(select_points("headlines"), HarnessError);
  EXPECT_THROW(select_points(""), HarnessError);
}

}  // namespace
}  // namespace plumb
