// The course of a gate on a scripted stand: what is run, when, and what comes of it.
#include "harness/gate/flow.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "harness/error.h"
#include "harness/gate/simulate.h"
#include "harness/testing.h"

namespace plumb {
namespace {

using testing_support::complaint_of;

// Points are slower by a given log ratio, in recorded noise.
class FakeStand final : public GateStand {
 public:
  Correctness correctness{.cases = 10,
                          .baseline = {.passed = 10, .failures = {}},
                          .candidate = {.passed = 10, .failures = {}},
                          .differing = {}};
  std::map<std::string, double> slower;
  std::map<std::string, std::string> refusals;
  std::string disturbance_of_screen, disturbance_of_confirm;  // empty: none
  int screens = 1;                                            // so many times() belong to the screening
  std::optional<bool> identical;
  bool mixes_names_up = false, measures_nan = false;
  std::vector<std::vector<std::string>> asked;
  std::vector<int> processes;

  Correctness check() override { return correctness; }

  std::vector<std::vector<PointTiming>> time(const std::vector<std::string>& points, int blocks,
                                             int count) override {
    asked.push_back(points);
    processes.push_back(count);
    std::vector<std::vector<PointTiming>> all;
    for (int k = 0; k < count; ++k) {
      std::vector<PointTiming>& timings = all.emplace_back();
      ++process_;
      for (const std::string& name : points) {
        PointTiming timing;
        timing.name = mixes_names_up ? name + "x" : name;
        timing.begin = timing.end = static_cast<double>(asked.size());
        timing.refusal = refusals.count(name) ? refusals[name] : "";
        const Simulation noise{.noise = kRecordedNoise, .slowed = 4096, .slowdown = slower[name]};
        if (timing.refusal.empty()) {
          timing.blocks = simulate_blocks(noise, 0, static_cast<int>(name.back()), process_, blocks);
          if (measures_nan) timing.blocks[3] = std::numeric_limits<double>::quiet_NaN();
        }
        timings.push_back(std::move(timing));
      }
    }
    return all;
  }

  std::optional<std::string> disturbance(double begin, double) override {
    const std::string& words = begin < screens + 0.5 ? disturbance_of_screen : disturbance_of_confirm;
    return words.empty() ? std::nullopt : std::optional(words);
  }
  std::optional<bool> same_code(const PointTiming&) override { return identical; }

 private:
  int process_ = 0;
};

GatePlan plan_of(std::vector<std::string> points) {
  GatePlan plan;
  plan.margins.resize(points.size());
  plan.points = std::move(points);
  return plan;
}

TEST(GateFlow, IdenticalCodePassesAfterOneProcess) {
  FakeStand stand;
  stand.identical = true;
  const GateResult result = run_gate_flow(stand, plan_of({"a", "b", "c"}));
  EXPECT_EQ(result.verdict, Verdict::kPass);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.suspects, 0);
  ASSERT_EQ(stand.asked.size(), 1u);
  for (const GatePoint& point : result.points) {
    EXPECT_TRUE(point.verdict.certified);
    EXPECT_EQ(point.identical_code, true);
    EXPECT_FALSE(point.is_false_alarm());
    EXPECT_LT(std::fabs(point.screen_estimate), 0.004);
  }
}

TEST(GateFlow, AWrongCandidateIsNotTimed) {
  FakeStand stand;
  stand.correctness.candidate.failed = 1;
  const GateResult result = run_gate_flow(stand, plan_of({"a"}));
  EXPECT_EQ(result.verdict, Verdict::kRegressed);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(stand.asked.empty());
}

TEST(GateFlow, AWrongBaselineDoesNotBlockItsRepair) {
  FakeStand stand;
  stand.correctness.baseline.failed = 1;
  EXPECT_EQ(run_gate_flow(stand, plan_of({"a"})).exit_code, 0);
}

TEST(GateFlow, NothingComparedIsAnError) {
  FakeStand stand;
  stand.correctness.candidate.passed = 0;
  EXPECT_NE(complaint_of([&] { run_gate_flow(stand, plan_of({"a"})); }), "");
}

TEST(GateFlow, OnlySuspectsAreConfirmedInFreshProcesses) {
  FakeStand stand;
  stand.slower = {{"b", log_ratio(0.02)}, {"c", log_ratio(-0.02)}};
  const GatePlan plan = plan_of({"a", "b", "c"});
  const GateResult result = run_gate_flow(stand, plan);
  ASSERT_EQ(stand.asked.size(), 2u);
  EXPECT_EQ(stand.asked[1], (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(stand.processes[1], processes_needed(plan.rules, plan.margins[0].exceedance, 3));
  EXPECT_GE(stand.processes[1], 6);
  EXPECT_EQ(result.points[0].verdict.verdict, Verdict::kPass);
  EXPECT_EQ(result.points[1].verdict.verdict, Verdict::kRegressed);
  EXPECT_NEAR(std::expm1(result.points[1].verdict.effect), 0.02, 0.003);
  EXPECT_EQ(result.points[2].verdict.verdict, Verdict::kImproved);
  EXPECT_EQ(result.verdict, Verdict::kRegressed);
  EXPECT_EQ(result.exit_code, 1);
}

TEST(GateFlow, ImprovementAlonePasses) {
  FakeStand stand;
  stand.slower = {{"c", log_ratio(-0.02)}};
  const GateResult result = run_gate_flow(stand, plan_of({"a", "c"}));
  EXPECT_EQ(result.verdict, Verdict::kImproved);
  EXPECT_EQ(result.exit_code, 0);
}

TEST(GateFlow, AFlagOnIdenticalCodeCountsAgainstTheGate) {
  FakeStand stand;
  stand.identical = true;
  stand.slower = {{"b", log_ratio(0.02)}};
  const GateResult result = run_gate_flow(stand, plan_of({"a", "b"}));
  EXPECT_FALSE(result.points[0].is_false_alarm());
  EXPECT_TRUE(result.points[1].is_false_alarm());
}

TEST(GateFlow, ADisturbanceIsInconclusiveAndNamedOnce) {
  FakeStand stand;
  stand.disturbance_of_screen = "the SM clock fell";
  stand.screens = 3;
  const GateResult result = run_gate_flow(stand, plan_of({"a", "b"}));
  EXPECT_EQ(result.verdict, Verdict::kInconclusive);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.disturbances, std::vector<std::string>{"the SM clock fell"});
  EXPECT_EQ(result.points[0].note, "the SM clock fell");
  EXPECT_EQ(stand.asked.size(), 3u);  // repeated, but not confirmed
}

TEST(GateFlow, AFewDisturbedPointsAreMeasuredAgain) {
  FakeStand stand;
  stand.disturbance_of_screen = "the SM clock fell";
  stand.slower = {{"b", log_ratio(0.05)}};
  const GateResult result = run_gate_flow(stand, plan_of({"a", "b"}));
  EXPECT_EQ(result.points[0].verdict.verdict, Verdict::kPass);
  EXPECT_EQ(result.points[0].note, "");
  EXPECT_EQ(result.points[1].verdict.verdict, Verdict::kRegressed);
  EXPECT_EQ(result.disturbances.size(), 1u);
  ASSERT_EQ(stand.asked.size(), 3u);
  EXPECT_EQ(stand.asked[1], (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(stand.asked[2], std::vector<std::string>{"b"});
}

TEST(GateFlow, WhereAllIsDisturbedNothingIsMeasuredAgain) {
  FakeStand stand;
  stand.disturbance_of_screen = "other processes computed on the GPU: 7";
  std::vector<std::string> points;
  for (char name = 'a'; name <= 'i'; ++name) points.emplace_back(1, name);
  EXPECT_EQ(run_gate_flow(stand, plan_of(points)).exit_code, 3);
  EXPECT_EQ(stand.asked.size(), 1u);
}

TEST(GateFlow, ADisturbedConfirmationDoesNotRegress) {
  FakeStand stand;
  stand.slower = {{"b", log_ratio(0.05)}};
  stand.disturbance_of_confirm = "other processes computed on the GPU: 7";
  const GateResult result = run_gate_flow(stand, plan_of({"a", "b"}));
  EXPECT_EQ(result.points[0].verdict.verdict, Verdict::kPass);
  EXPECT_EQ(result.points[1].verdict.verdict, Verdict::kInconclusive);
  EXPECT_EQ(result.exit_code, 3);
}

TEST(GateFlow, APointThatOneBuildRefusesIsInconclusive) {
  FakeStand stand;
  stand.refusals = {{"b", "the candidate does not serve this point: too wide"}};
  const GateResult result = run_gate_flow(stand, plan_of({"a", "b"}));
  EXPECT_EQ(result.points[1].verdict.verdict, Verdict::kInconclusive);
  EXPECT_EQ(result.points[1].note, "the candidate does not serve this point: too wide");
  EXPECT_EQ(result.exit_code, 3);
}

TEST(GateFlow, TimesThatAreNoNumbersAreInconclusive) {
  FakeStand stand;
  stand.measures_nan = true;
  EXPECT_EQ(run_gate_flow(stand, plan_of({"a"})).exit_code, 3);
}

TEST(GateFlow, AnswersForOtherPointsAreAnError) {
  FakeStand stand;
  stand.mixes_names_up = true;
  EXPECT_NE(complaint_of([&] { run_gate_flow(stand, plan_of({"a"})); }).find("other points"), std::string::npos);
}

}  // namespace
}  // namespace plumb
