// The course of a gate.
#include "harness/gate/flow.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "harness/error.h"
#include "harness/gate/signed_rank.h"

namespace plumb {
namespace {

// The rule of `overall`, and "improved" where nothing is worse than that.
Verdict verdict_of(const std::vector<PointVerdict>& verdicts) {
  const Verdict verdict = overall(verdicts);
  const bool any_improved = std::any_of(verdicts.begin(), verdicts.end(), [](const PointVerdict& point) {
    return point.verdict == Verdict::kImproved;
  });
  return verdict == Verdict::kPass && any_improved ? Verdict::kImproved : verdict;
}

void check_names(const std::vector<PointTiming>& timings, const std::vector<std::string>& points) {
  const bool complete = timings.size() == points.size() &&
                        std::equal(points.begin(), points.end(), timings.begin(),
                                   [](const std::string& name, const PointTiming& of) { return of.name == name; });
  if (!complete) throw HarnessError("the timing process answered for other points than it was asked for");
}

class Evidence {
 public:
  Evidence(GateStand& stand, GateResult& result) : stand_(stand), result_(result) {}

  // Notes what disturbed a measurement, and whether anything did.
  bool disturbed(const PointTiming& timing, GatePoint& point) {
    const auto what = stand_.disturbance(timing.begin, timing.end);
    if (!what) return false;
    point.note = *what;
    auto& all = result_.disturbances;
    if (std::find(all.begin(), all.end(), *what) == all.end()) all.push_back(*what);
    return true;
  }

 private:
  GateStand& stand_;
  GateResult& result_;
};

// A disturbed screening decides nothing and is repeated, whatever it showed, unless many points were disturbed:
// then the machine is not quiet, and the next time would be no better.
constexpr int kRepeats = 2;
constexpr std::size_t kFewPoints = 8;

// Stage 1: fills result.points, but for their verdicts.
std::vector<PointEvidence> screened_points(GateStand& stand, const GatePlan& plan, Evidence& disturbances,
                                           GateResult& result) {
  result.points.resize(plan.points.size());
  std::vector<PointEvidence> evidence(plan.points.size());
  std::vector<std::size_t> waiting(plan.points.size());
  std::iota(waiting.begin(), waiting.end(), std::size_t{0});
  for (int round = 0; round <= kRepeats && !waiting.empty(); ++round) {
    std::vector<std::string> names;
    for (const std::size_t i : waiting) names.push_back(plan.points[i]);
    std::vector<std::vector<PointTiming>> screened = stand.time(names, plan.screen_blocks, 1);
    if (screened.size() != 1) throw HarnessError("the screening process gave no timings");
    check_names(screened[0], names);
    std::vector<std::size_t> disturbed;
    for (std::size_t k = 0; k < waiting.size(); ++k) {
      const std::size_t i = waiting[k];
      GatePoint& point = result.points[i];
      point.timing = std::move(screened[0][k]);
      point.margin = evidence[i].margin = plan.margins[i];
      point.note = point.timing.refusal;
      evidence[i].screen = point.timing.blocks;
      const bool refused = !point.timing.refusal.empty();
      evidence[i].disturbed = refused || disturbances.disturbed(point.timing, point);
      point.screen_estimate = LocationEstimate(point.timing.blocks).estimate();
      point.identical_code = stand.same_code(point.timing);
      if (evidence[i].disturbed && !refused) disturbed.push_back(i);
    }
    if (disturbed.size() > std::max(kFewPoints, plan.points.size() / 8)) break;
    waiting = std::move(disturbed);
  }
  return evidence;
}

}  // namespace

int exit_code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
    case Verdict::kImproved:
      return kExitPass;
    case Verdict::kRegressed:
      return kExitMismatch;
    case Verdict::kInconclusive:
      break;
  }
  return kExitMistrusted;
}

GateResult run_gate_flow(GateStand& stand, const GatePlan& plan) {
  GateResult result;
  result.correctness = stand.check();
  if (result.correctness.candidate.failed > 0) {
    result.verdict = Verdict::kRegressed;
    result.exit_code = kExitMismatch;
    return result;
  }
  if (result.correctness.candidate.passed == 0) {
    throw HarnessError("no case of the candidate could be compared: nothing says that it is right");
  }

  const int family = static_cast<int>(plan.points.size());
  Evidence disturbances(stand, result);
  std::vector<PointEvidence> evidence = screened_points(stand, plan, disturbances, result);
  std::vector<std::size_t> suspects;
  for (std::size_t i = 0; i < evidence.size(); ++i) {
    if (!evidence[i].disturbed && !screen(evidence[i], plan.rules, family)) suspects.push_back(i);
  }

  result.suspects = static_cast<int>(suspects.size());
  if (!suspects.empty()) {
    std::vector<std::string> names;
    int processes = 0;
    for (const std::size_t i : suspects) {
      names.push_back(plan.points[i]);
      processes = std::max(processes, processes_needed(plan.rules, plan.margins[i].exceedance, family));
    }
    result.processes = processes;
    for (std::vector<PointTiming>& timings : stand.time(names, plan.confirm_blocks, processes)) {
      check_names(timings, names);
      for (std::size_t k = 0; k < suspects.size(); ++k) {
        PointEvidence& point = evidence[suspects[k]];
        point.confirm.push_back(std::move(timings[k].blocks));
        if (disturbances.disturbed(timings[k], result.points[suspects[k]])) point.disturbed = true;
      }
    }
  }

  const std::vector<PointVerdict> verdicts = decide(evidence, plan.rules);
  for (std::size_t i = 0; i < verdicts.size(); ++i) result.points[i].verdict = verdicts[i];
  result.verdict = verdict_of(verdicts);
  result.exit_code = exit_code_of(result.verdict);
  return result;
}

}  // namespace plumb
