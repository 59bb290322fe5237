// The gate's verdicts on made-up blocks.
#include "harness/gate/verdict.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace plumb {
namespace {

// Blocks evenly spread over center +- spread: symmetric, without ties.
std::vector<double> blocks(double center, double spread = 0.001, int count = 32) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(center + spread * (2.0 * i / (count - 1) - 1));
  return values;
}

PointEvidence point(double screened, std::vector<double> confirmed = {}, double spread = 0.001) {
  PointEvidence evidence{.screen = blocks(screened, spread), .confirm = {}, .margin = {}};
  for (const double center : confirmed) evidence.confirm.push_back(blocks(center, spread));
  return evidence;
}

PointVerdict decide_one(const PointEvidence& evidence) { return decide({{evidence}}, GateRules{}).front(); }

TEST(Margin, EffectsAreLogRatios) {
  EXPECT_DOUBLE_EQ(std::exp(log_ratio(0.02)), 1.02);
  EXPECT_NEAR(GateRules{}.promised_effect, std::log(1.02), 1e-15);
  EXPECT_NEAR(Margin{}.width, std::log(1.003), 1e-15);
}

TEST(Screen, PassesWhatLiesInsideTheMargin) {
  for (const double shift : {-0.0028, 0.0, 0.0028}) {
    const auto verdict = screen(point(shift), GateRules{}, 200);
    ASSERT_TRUE(verdict) << shift;
    EXPECT_EQ(verdict->verdict, Verdict::kPass);
    EXPECT_NEAR(verdict->effect, shift, 1e-12);
    // The bounds hold for the build, whatever this process's placement: the blocks' bounds and the margin.
    EXPECT_LT(verdict->lower, shift - Margin{}.width);
    EXPECT_GT(verdict->upper, shift + Margin{}.width);
    EXPECT_NEAR(verdict->upper - shift, shift - verdict->lower, 1e-12);
    EXPECT_TRUE(verdict->certified);
    EXPECT_EQ(verdict->p_slower, 1);
  }
}

TEST(Screen, SuspectsTheSlowTheFastTheNoisyAndTheFew) {
  EXPECT_FALSE(screen(point(0.005), GateRules{}, 200));
  EXPECT_FALSE(screen(point(-0.005), GateRules{}, 200));
  EXPECT_FALSE(screen(point(0, {}, 0.05), GateRules{}, 200));
  EXPECT_FALSE(screen({.screen = blocks(0, 0.001, 5), .confirm = {}, .margin = {}}, GateRules{}, 200));
  EXPECT_FALSE(screen({.screen = {}, .confirm = {}, .margin = {}}, GateRules{}, 200));
}

TEST(Decide, ASuspectWithoutConfirmationIsInconclusive) {
  EXPECT_EQ(decide_one(point(0.05)).verdict, Verdict::kInconclusive);
  EXPECT_EQ(decide_one({.screen = {}, .confirm = {}, .margin = {}}).verdict, Verdict::kInconclusive);
}

TEST(Decide, SlowerInEveryProcessIsARegression) {
  const PointVerdict verdict = decide_one(point(0.01, {0.008, 0.009, 0.010, 0.011, 0.012, 0.0101}));
  EXPECT_EQ(verdict.verdict, Verdict::kRegressed);
  EXPECT_EQ(verdict.processes, 6);
  EXPECT_NEAR(verdict.effect, 0.01, 1e-4);
  EXPECT_NEAR(verdict.lower, 0.008, 1e-12);  // the extremes of six processes
  EXPECT_NEAR(verdict.upper, 0.012, 1e-12);
  EXPECT_NEAR(verdict.p_slower, std::pow(Margin{}.exceedance, 6), 1e-9);  // no number of blocks goes below
  EXPECT_EQ(verdict.p_faster, 1);
}

TEST(Decide, FasterInEveryProcessIsAnImprovement) {
  const PointVerdict verdict = decide_one(point(-0.01, {-0.01, -0.009, -0.01, -0.011, -0.012, -0.01}));
  EXPECT_EQ(verdict.verdict, Verdict::kImproved);
  EXPECT_LT(verdict.p_faster, 1e-5);
}

TEST(Decide, OneProcessThatDisagreesPreventsAFlag) {
  EXPECT_EQ(decide_one(point(0.01, {0.01, 0.01, 0.002, 0.01, 0.01, 0.01})).verdict, Verdict::kPass);
  EXPECT_EQ(decide_one(point(0.03, {0.03, 0.03, 0.002, 0.03, 0.03, 0.03})).verdict, Verdict::kInconclusive);
}

TEST(Decide, TooFewProcessesProveNothing) {
  EXPECT_EQ(decide_one(point(0.05, {0.05, 0.05})).verdict, Verdict::kInconclusive);      // 0.1015^2 > 0.1%
  EXPECT_EQ(decide_one(point(0.004, {0, 0, 0, 0, 0})).verdict, Verdict::kInconclusive);  // no bound from five
  EXPECT_EQ(decide_one(point(0.004, {0, 0, 0, 0, 0, 0})).verdict, Verdict::kPass);
}

// Four processes give 0.1015^4 = 1.06e-4: enough for one suspect or for nine, not for ten.
TEST(Decide, TheFamilyIsTheSuspects) {
  for (const int suspects : {1, 9, 10}) {
    std::vector<PointEvidence> points(40, point(0));
    for (int i = 0; i < suspects; ++i)
      points[static_cast<std::size_t>(4 * i)] = point(0.05, {0.05, 0.05, 0.05, 0.05});
    const std::vector<PointVerdict> verdicts = decide(points, GateRules{});
    EXPECT_EQ(verdicts[0].verdict, suspects < 10 ? Verdict::kRegressed : Verdict::kInconclusive) << suspects;
    EXPECT_EQ(verdicts[1].verdict, Verdict::kPass);
  }
}

TEST(Decide, NoisyPointsAreNotSilentlyPassed) {
  const PointVerdict verdict = decide_one(point(0, {0, 0, 0, 0, 0, 0}, 0.05));
  EXPECT_EQ(verdict.verdict, Verdict::kInconclusive);
  EXPECT_FALSE(verdict.certified);
  EXPECT_GT(verdict.detectable, 0.02);
}

TEST(Decide, DisturbedPointsAreInconclusiveHoweverClear) {
  PointEvidence throttled = point(0.05, {0.05, 0.05, 0.05, 0.05, 0.05, 0.05});
  EXPECT_EQ(decide_one(throttled).verdict, Verdict::kRegressed);
  throttled.disturbed = true;
  EXPECT_EQ(decide_one(throttled).verdict, Verdict::kInconclusive);
  PointEvidence fine = point(0), broken = point(0), empty = point(0.05, {0.05});
  broken.screen[3] = std::nan("");
  empty.confirm.push_back({});
  const std::vector<PointEvidence> points = {fine, broken, empty};
  const std::vector<PointVerdict> verdicts = decide(points, GateRules{});
  EXPECT_EQ(verdicts[0].verdict, Verdict::kPass);
  EXPECT_EQ(verdicts[1].verdict, Verdict::kInconclusive);
  EXPECT_EQ(verdicts[2].verdict, Verdict::kInconclusive);
  EXPECT_EQ(verdicts[1].detectable, std::numeric_limits<double>::infinity());
}

// 2 margins, and the spread of these blocks between the two levels of the procedure, here computed by hand's
// formula.
TEST(Decide, TheDetectableEffectCountsMarginsAndNoise) {
  const double quiet = decide_one(point(0, {}, 1e-6)).detectable;
  EXPECT_NEAR(quiet, 2 * Margin{}.width, 2e-6);
  const double one = decide_one(point(0, {}, 1e-3)).detectable, three = decide_one(point(0, {}, 3e-3)).detectable;
  EXPECT_NEAR((three - quiet) / (one - quiet), 3, 0.01);                   // noise counts in proportion
  EXPECT_NEAR(decide_one(point(0.002, {}, 1e-3)).detectable, one, 1e-12);  // and the effect itself not at all
  // In units of the spread, Walsh averages of uniform blocks have the density 1 - |x|: x - x^2 / 2 of them lie
  // within x on one side. With 528 of them and a rank sum's deviation of 53.5, the bounds of the screen's 5% and of
  // one miss in 700 leave 1.65 and 2.98 deviations: x = 0.184 and 0.370.
  EXPECT_NEAR((one - quiet) / 1e-3, 0.184 + 0.370, 0.04);
}

TEST(ProcessesNeeded, GrowWithTheFamilyAndWithWhatTheMarginMisses) {
  const GateRules rules;
  EXPECT_EQ(processes_needed(rules, 0.05, 1), 6);
  EXPECT_EQ(processes_needed(rules, Margin{}.exceedance, 200), 6);
  EXPECT_EQ(processes_needed(rules, 0.2, 200), 8);  // 5e-6^(1/8) = 0.217
  EXPECT_EQ(processes_needed(rules, 1, 200), 32);   // hopeless, and bounded
  EXPECT_GT(processes_needed(rules, 0.2, 2'000'000), processes_needed(rules, 0.2, 200));
  // Where no number of blocks helps, nothing is certified.
  PointEvidence unknown = point(0);
  unknown.margin.exceedance = 1;
  EXPECT_EQ(decide_one(unknown).detectable, std::numeric_limits<double>::infinity());
  EXPECT_EQ(decide_one(unknown).verdict, Verdict::kInconclusive);
}

TEST(Overall, TheWorstVerdictCounts) {
  const PointVerdict pass{.verdict = Verdict::kPass}, improved{.verdict = Verdict::kImproved},
      regressed{.verdict = Verdict::kRegressed}, unknown{.verdict = Verdict::kInconclusive};
  EXPECT_EQ(overall(std::vector{pass, improved}), Verdict::kPass);
  EXPECT_EQ(overall(std::vector{pass, unknown}), Verdict::kInconclusive);
  EXPECT_EQ(overall(std::vector{unknown, regressed, pass}), Verdict::kRegressed);
  EXPECT_EQ(overall({}), Verdict::kInconclusive);
  EXPECT_EQ(name_of(Verdict::kInconclusive), "inconclusive");
}

}  // namespace
}  // namespace plumb
