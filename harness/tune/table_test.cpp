// From made-up measurements to tables: noise, ties, shared rows, borders, forms.
#include "harness/tune/table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace plumb {
namespace {

constexpr double kMargin = 0.01;

// A point of sizes whose variants a, b, c ... take these times.
TunePoint point_of(std::vector<std::int64_t> key, const std::vector<double>& times, double spread = 1.002,
                   std::string form = "aligned") {
  TunePoint point{"case", std::move(form), std::move(key), {}, 0};
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (times[i] > 0) point.variants.push_back({std::string(1, static_cast<char>('a' + i)), times[i], spread});
  }
  return point;
}

const std::vector<TuneAxis> kSize = {{"rows"}};

TEST(TuneTable, TellsVariantsApartBeyondTheMarginOnly) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(equals_of_best(point_of({1}, {1.009, 1.0, 1.02}), kMargin), (Words{"a", "b"}));
  EXPECT_EQ(equals_of_best(point_of({1}, {1.011, 1.0}), kMargin), (Words{"b"}));
  // Where samples scatter more than the margin their scatter counts, up to twice the margin.
  EXPECT_EQ(equals_of_best(point_of({1}, {1.014, 1.0}, 1.015), kMargin), (Words{"a", "b"}));
  EXPECT_EQ(equals_of_best(point_of({1}, {1.016, 1.0}, 1.015), kMargin), (Words{"b"}));
  EXPECT_EQ(equals_of_best(point_of({1}, {1.019, 1.021, 1.0}, 1.5), kMargin), (Words{"a", "c"}));
}

TEST(TuneTable, ATieGoesToTheFirstInTheLibrarysOrder) {
  const auto rows = rows_of(kSize, {point_of({8}, {1.005, 1.0, 0.999})}, kMargin);
  EXPECT_EQ(rows, (std::vector<TuneRow>{{"aligned", {{0, kEndless}}, "a"}}));
}

TEST(TuneTable, NeighboursOfOneChoiceShareARowAndBordersAreGeometricMeans) {
  const std::vector<TunePoint> points = {point_of({1}, {1, 2}), point_of({4}, {1, 2}), point_of({100}, {2, 1}),
                                         point_of({10000}, {3, 2}), point_of({20000}, {2, 3})};
  EXPECT_EQ(rows_of(kSize, points, kMargin), (std::vector<TuneRow>{{"aligned", {{0, 20}}, "a"},
                                                                   {"aligned", {{21, 14142}}, "b"},
                                                                   {"aligned", {{14143, kEndless}}, "a"}}));
}

// 4 rows cannot tell a from b: no row of its own for a, though a stands first.
TEST(TuneTable, NoiseMakesNoRow) {
  const std::vector<TunePoint> points = {point_of({1}, {2, 1}), point_of({4}, {1.005, 1}), point_of({9}, {2, 1})};
  EXPECT_EQ(rows_of(kSize, points, kMargin), (std::vector<TuneRow>{{"aligned", {{0, kEndless}}, "b"}}));
}

// Pairwise ties are not transitive: a ~ b ~ c, but nothing is common to all three.
TEST(TuneTable, ARowNeedsAVariantThatSuitsAllOfIt) {
  const std::vector<TunePoint> points = {point_of({1}, {1, 1, 2}), point_of({4}, {2, 1, 1}),
                                         point_of({16}, {2, 2, 1})};
  EXPECT_EQ(rows_of(kSize, points, kMargin),
            (std::vector<TuneRow>{{"aligned", {{0, 8}}, "b"}, {"aligned", {{9, kEndless}}, "c"}}));
}

TEST(TuneTable, OuterSizesShareATableWhereOneSuitsBoth) {
  const std::vector<TuneAxis> axes = {{"style", AxisKind::kExact}, {"hidden"}, {"rows"}};
  const std::vector<TunePoint> points = {
      point_of({0, 128, 1}, {1, 2}),     point_of({0, 128, 64}, {2, 1}),   // a, then b
      point_of({0, 512, 1}, {1.005, 1}), point_of({0, 512, 64}, {2, 1}),   // either, then b: the same table
      point_of({0, 2048, 1}, {2, 1}),    point_of({0, 2048, 64}, {2, 1}),  // b
      point_of({3, 128, 1}, {1, 2}),
  };
  EXPECT_EQ(rows_of(axes, points, kMargin),
            (std::vector<TuneRow>{{"aligned", {{0, 0}, {0, 1024}, {0, 8}}, "a"},
                                  {"aligned", {{0, 0}, {0, 1024}, {9, kEndless}}, "b"},
                                  {"aligned", {{0, 0}, {1025, kEndless}, {0, kEndless}}, "b"},
                                  {"aligned", {{3, 3}, {0, kEndless}, {0, kEndless}}, "a"}}));
}

TEST(TuneTable, ShapesOfOneKeyThatDisagreeGetTheLeastBadVariant) {
  const auto rows = rows_of(kSize, {point_of({8}, {1, 1.2, 1.5}), point_of({8}, {1.5, 1.2, 1})}, kMargin);
  EXPECT_EQ(rows, (std::vector<TuneRow>{{"aligned", {{0, kEndless}}, "b"}}));
}

TEST(TuneTable, AFormSpeaksWhereThoseBeforeItCannotServe) {
  const std::vector<TunePoint> points = {point_of({1}, {1, 2, 3}),
                                         point_of({1}, {0, 3, 2}, 1.002, "pairs lie apart"),
                                         point_of({100}, {0, 2, 3}, 1.002, "pairs lie apart")};
  const auto rows = rows_of(kSize, points, kMargin);
  EXPECT_EQ(rows, (std::vector<TuneRow>{{"aligned", {{0, kEndless}}, "a"},
                                        {"pairs lie apart", {{0, 10}}, "c"},
                                        {"pairs lie apart", {{11, kEndless}}, "b"}}));
  EXPECT_EQ(choice_of(rows, points[0]), "a");
  EXPECT_EQ(choice_of(rows, points[1]), "c");
  EXPECT_EQ(choice_of(rows, points[2]), "b");
  EXPECT_EQ(choice_of(rows, point_of({1}, {0, 0, 0, 1, 1})), "d") << "no row's variant serves: the plain order";
  EXPECT_EQ(choice_of({}, points[1]), "b");
}

TEST(TuneTable, RegretIsTheLossToTheBest) {
  const TunePoint point = point_of({1}, {1.5, 1.0});
  EXPECT_DOUBLE_EQ(regret_of(point, "a"), 0.5);
  EXPECT_DOUBLE_EQ(regret_of(point, "b"), 0.0);
  EXPECT_TRUE(std::isinf(regret_of(point, "z")));
}

// Within twice the margin at every point, whatever the times: what the rows are for.
TEST(TuneTable, RowsStayNearTheBestAtEveryPoint) {
  std::uint32_t state = 1;
  const auto random = [&state] { return (state = state * 1664525u + 1013904223u) >> 16; };
  for (int round = 0; round < 200; ++round) {
    std::vector<TunePoint> points;
    for (const std::int64_t hidden : {64, 256, 1024}) {
      for (const std::int64_t rows : {1, 16, 256, 4096}) {
        points.push_back(point_of(
            {hidden, rows}, {1 + random() % 100 / 1000.0, 1 + random() % 100 / 1000.0, 1 + random() % 100 / 1000.0},
            1 + random() % 30 / 1000.0));
      }
    }
    const auto rows = rows_of({{"hidden"}, {"rows"}}, points, kMargin);
    for (const TunePoint& point : points) ASSERT_LE(regret_of(point, choice_of(rows, point)), 2 * kMargin + 1e-12);
  }
}

}  // namespace
}  // namespace plumb
