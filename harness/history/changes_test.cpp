// Changes, outliers and drift in series with known answers.
#include "harness/history/changes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/history/made_series.h"
#include "harness/history/score.h"
#include "harness/history/segments.h"

namespace plumb {
namespace {

using made::Recipe;
using made::Score;

Findings findings_of(const std::vector<double>& values, const ChangeRules& rules = {}) {
  return find_changes(std::vector<NightSeries>{{.values = values, .pinned = {}}}, rules).at(0);
}

Score score_of(const Recipe& recipe, int series = 100) { return made::score_of(recipe, series); }

TEST(Changes, StepsAreFoundAndPlaced) {
  for (const double step : {0.01, 0.02, 0.05}) {
    const Score score = score_of({.name = "", .steps = 2, .step = step});
    EXPECT_GE(score.recall(), 0.99) << step;
    EXPECT_GE(score.precision(), 0.99) << step;
  }
}

TEST(Changes, AStepSaysHowLargeItIs) {
  int covered = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::vector<double> values = made::make({.name = "", .nights = 200}, seed).series.values;
    for (std::size_t i = 120; i < values.size(); ++i) values[i] += 0.02;
    const Findings findings = findings_of(values);
    ASSERT_EQ(findings.changes.size(), 1u) << seed;
    const Change& change = findings.changes[0];
    EXPECT_NEAR(static_cast<double>(change.at), 120, 2);
    EXPECT_NEAR(change.effect, 0.02, 0.004);
    EXPECT_LT(change.q, 1e-6);
    covered += change.lower <= 0.02 && 0.02 <= change.upper;
  }
  EXPECT_GE(covered, 85);  // of a 95% interval, with the place of the step being estimated, too
}

TEST(Changes, NoiseOfManyKindsIsNoChange) {
  const Recipe recipes[] = {{.name = "plain"},
                            {.name = "constant", .noise = 0},
                            {.name = "great", .noise = 0.03},
                            {.name = "heavy tails", .freedom = 3},
                            {.name = "uneven", .swell = 4},
                            {.name = "correlated", .correlation = 0.5},
                            {.name = "short", .nights = 40},
                            {.name = "clock states", .mode_share = 0.3, .mode = 0.02},
                            {.name = "rare clock state", .mode_share = 0.1, .mode = 0.05},
                            {.name = "spikes", .spikes = 0.02, .spike = 0.08},
                            {.name = "missing nights", .missing = 0.3}};
  for (const Recipe& recipe : recipes) EXPECT_LE(score_of(recipe).series_with_changes, 2) << recipe.name;
}

TEST(Changes, SingleNightsAreOutliers) {
  const Score score = score_of({.name = "", .steps = 1, .step = 0.02, .spikes = 0.02, .spike = 0.08});
  EXPECT_GE(score.precision(), 0.98);
  EXPECT_GE(score.recall(), 0.98);
  EXPECT_GE(score.outlier_hits, 0.98 * score.outlier_truth);
  EXPECT_GE(score.outlier_hits, 0.95 * score.outliers_found);
}

TEST(Changes, DriftIsDriftAndNoStairs) {
  for (const double drift : {0.01, 0.03, 0.05}) {
    const Score score = score_of({.name = "", .drift = drift});
    EXPECT_GE(score.drifts, 98) << drift;
    EXPECT_LE(score.found, 2) << drift;
  }
  EXPECT_LE(score_of({.name = ""}).drifts, 1);
  EXPECT_LE(score_of({.name = "", .steps = 2, .step = 0.02}).drifts, 2);
}

TEST(Changes, DriftIsMeasuredFromThePinnedNight) {
  NightSeries series = made::make({.name = "", .nights = 300}, 5).series;
  for (std::size_t i = 0; i < 300; ++i) series.values[i] += 0.0001 * static_cast<double>(i);
  series.pinned = 150;
  const Findings findings = find_changes(std::vector<NightSeries>{series}).at(0);
  ASSERT_TRUE(findings.drift.has_value());
  EXPECT_EQ(findings.drift->since, 150u);
  EXPECT_NEAR(findings.drift->effect, 0.015, 0.004);
  EXPECT_TRUE(findings.changes.empty());
  // A drift that was over before the release was pinned is part of it.
  NightSeries over = made::make({.name = "", .nights = 300}, 6).series;
  for (std::size_t i = 0; i < 300; ++i)
    over.values[i] += 0.0002 * static_cast<double>(std::min<std::size_t>(i, 100));
  over.pinned = 200;
  EXPECT_FALSE(find_changes(std::vector<NightSeries>{over}).at(0).drift.has_value());
}

TEST(Changes, StatesThatStayForNightsAreNamed) {
  Recipe recipe{.name = "", .mode_share = 0.3, .mode = 0.05, .mode_stay = 0.7};
  int named = 0;
  std::vector<NightSeries> series;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) series.push_back(made::make(recipe, seed).series);
  for (const Findings& findings : find_changes(series)) {
    named += findings.states.has_value();
    if (!findings.states) continue;
    EXPECT_NEAR(findings.states->gap, 0.05, 0.01);
  }
  EXPECT_GE(named, 10);
  EXPECT_LE(score_of(recipe).series_with_changes, 5);
}

TEST(Changes, SmallerThanAskedIsNotReported) {
  std::vector<double> values(200, 0.0);
  for (std::size_t i = 100; i < 200; ++i) values[i] = 0.004;
  EXPECT_TRUE(findings_of(values).changes.empty());
  ASSERT_EQ(findings_of(values, {.min_effect = 0.003}).changes.size(), 1u);
  EXPECT_EQ(findings_of(values, {.min_effect = 0.003}).changes[0].at, 100u);
}

TEST(Changes, ShortAndEmptySeriesFindNothing) {
  for (std::size_t nights = 0; nights < 8; ++nights) {
    std::vector<double> values(nights, 0.1);
    if (nights > 4) values.back() = 3;
    const Findings findings = findings_of(values);
    EXPECT_TRUE(findings.changes.empty() && findings.outliers.empty() && !findings.drift) << nights;
  }
  EXPECT_TRUE(find_changes({}).empty());
  // From eight nights on a step may be seen: the least that says anything.
  EXPECT_EQ(findings_of({0, 0, 0, 0, 0, 0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}).changes.size(), 1u);
}

// Where nothing changes, the share of series with a finding is far below the rate that is promised for findings.
TEST(Changes, FalseDiscoveriesStayBelowTheirRate) {
  Score all = score_of({.name = "", .noise = 0.01, .steps = 0}, 450);
  const Score changed = score_of({.name = "", .noise = 0.01, .steps = 1, .step = 0.05}, 50);
  EXPECT_LE(all.found, 2);
  EXPECT_GE(changed.recall(), 0.96);
}

// The level of the Nile fell after 1898: Cobb 1978, and Zeileis et al. 2003 find that one break.
TEST(Changes, TheNileFellAfter1898) {
  std::vector<double> values;
  for (const double flow : made::kNile) values.push_back(std::log(flow));
  const Findings findings = findings_of(values, {.min_effect = 0.05});
  ASSERT_EQ(findings.changes.size(), 1u);
  EXPECT_EQ(findings.changes[0].at + 1871, 1899u);
  EXPECT_NEAR(std::exp(findings.changes[0].effect), 850.0 / 1098.0, 0.02);  // the means before and after
}

TEST(Segments, ThePartitionIsTheBestOfAll) {
  // Against all partitions with segments of four nights or more.
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::vector<double> values =
        made::make({.name = "", .nights = 31, .steps = 1, .step = 0.01}, seed).series.values;
    const std::vector<double> sigma(values.size(), 0.003);
    const Stretches stretches(values, sigma);
    const double penalty = 3;
    std::vector<double> best(values.size() + 1, 1e300);
    best[0] = 0;
    for (std::size_t end = kLeastSegment; end <= values.size(); ++end) {
      for (std::size_t begin = 0; begin + kLeastSegment <= end; ++begin) {
        best[end] = std::min(best[end], best[begin] + stretches.cost(begin, end) + penalty);
      }
    }
    double total = 0;
    std::size_t begin = 0;
    std::vector<std::size_t> ends = optimal_partition(stretches, values.size(), penalty);
    ends.push_back(values.size());
    for (const std::size_t end : ends) {
      EXPECT_GE(end - begin, kLeastSegment);
      total += stretches.cost(begin, end) + penalty;
      begin = end;
    }
    EXPECT_NEAR(total, best.back(), 1e-9) << seed;
  }
}

TEST(Segments, ARampIsFoundWhereItIs) {
  std::vector<double> values;
  for (int i = 0; i < 200; ++i) values.push_back(i < 60 ? 1 : i < 140 ? 1 + 0.05 * (i - 59) / 81.0 : 1.05);
  const Ramp ramp = best_ramp(values, std::vector<double>(200, 0.001), 0, 200);
  EXPECT_NEAR(static_cast<double>(ramp.begin), 60, 7);
  EXPECT_NEAR(static_cast<double>(ramp.end), 140, 7);
  EXPECT_NEAR(ramp.height, 0.05, 0.002);
}

}  // namespace
}  // namespace plumb
