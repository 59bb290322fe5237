// One case from its name to its result: prepare (on any thread), then run and judge.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/cases/block.h"
#include "harness/check/result.h"
#include "harness/compare/judge.h"
#include "harness/device/cuda_device.h"
#include "harness/library/library.h"
#include "harness/operators/suite.h"

namespace plumb {

// A case with everything that needs no device: inputs, the oracle's expectations, the replay's bits and their
// judgement.
struct PreparedCase {
  explicit PreparedCase(const Case& of_point) : point(of_point) {}

  const OperatorSuite* suite = nullptr;
  Case point;
  Problem problem;
  BlockLayout layout;
  std::optional<RowRepetition> repetition;  // of the problem's rows, which are one period of the case's
  Block pristine, replayed;                 // before the call, and after it as the replay computes it
  std::vector<Expectation> expected;        // of problem.outputs
  std::vector<Judgement> replay_verdict;    // of problem.outputs
  bool replay_is_canonical = true;          // else it only lies within the bound: no bits are held against it
  std::string replay_digest;
};

struct CheckSettings {
  std::string variant;  // only this one; empty: every variant that can serve
  int repeats = 2;      // runs of each variant, compared bit for bit
  bool with_oracle = true;
  bool selection_only = false;  // on the replay: a library's policy and nothing else
};

// Throws HarnessError when the case cannot be built.
PreparedCase prepare(const Case& point, const CheckSettings& settings);

// The result of a case whose rows repeat on a GPU (suite.h), where there is none: skipped. Nothing for others.
std::optional<CaseResult> skipped_without_device(const Case& point);

// The result of a case whose operator the library does not have: skipped. Nothing for others.
std::optional<CaseResult> skipped_without_operator(const Case& point, const Library& library);

// The replay in the GPU's place, judged by the oracle. A library is asked about its selection on described devices.
CaseResult check_on_replay(const PreparedCase& prepared, const Library* library = nullptr);

// Every variant that can serve the case, and the selector's choice. `device_lost` tells that this process can go on
// no more; the result is complete all the same.
CaseResult check_on_device(const PreparedCase& prepared, const Library& library, CudaDevice& device,
                           const CheckSettings& settings, bool& device_lost);

}  // namespace plumb
