// The course of a gate, apart from what it runs on: correctness, screening, confirmation, verdicts.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/gate/blocks.h"
#include "harness/gate/correctness.h"
#include "harness/gate/timing.h"
#include "harness/gate/verdict.h"

namespace plumb {

// What a gate runs on: worker processes on a GPU, or a test's script.
class GateStand {
 public:
  virtual ~GateStand() = default;
  virtual Correctness check() = 0;
  // Each inner vector is one fresh process, in the order of the points. Processes run one after another.
  virtual std::vector<std::vector<PointTiming>> time(const std::vector<std::string>& points, int blocks,
                                                     int processes) = 0;
  // Why what was measured in this span of time must not decide, if anything happened.
  virtual std::optional<std::string> disturbance(double begin, double end) = 0;
  virtual std::optional<bool> same_code(const PointTiming& timing) = 0;
};

struct GatePoint {
  PointTiming timing;  // of stage 1
  Margin margin;
  PointVerdict verdict;
  std::optional<bool> identical_code;
  std::string note;            // why the verdict is what it is, where numbers do not say it
  double screen_estimate = 0;  // Hodges-Lehmann, of stage 1 alone: what calibration learns from

  // A difference found in identical machine code speaks against the gate, not the code.
  bool is_false_alarm() const {
    return identical_code == true &&
           (verdict.verdict == Verdict::kRegressed || verdict.verdict == Verdict::kImproved);
  }
};

struct GateResult {
  Correctness correctness;
  std::vector<GatePoint> points;
  std::vector<std::string> disturbances;  // each sentence once
  int suspects = 0, processes = 0;        // of stage 2
  Verdict verdict = Verdict::kInconclusive;
  int exit_code = 2;
};

struct GatePlan {
  std::vector<std::string> points;
  std::vector<Margin> margins;  // of each point
  GateRules rules = {};
  int screen_blocks = kScreenBlocks, confirm_blocks = kConfirmBlocks;
};

// A candidate with a wrong result is not timed: the verdict is kRegressed and no point is listed.
GateResult run_gate_flow(GateStand& stand, const GatePlan& plan);

// 0 pass (or improved), 1 regressed or mismatch, 3 inconclusive.
int exit_code_of(Verdict verdict);

}  // namespace plumb
