// Correctness of two builds on the same cases and inputs, before either is timed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "harness/check/result.h"

namespace plumb {

struct CaseFailure {
  std::string name, state, reason, repro;
};

struct BuildCorrectness {
  int passed = 0, mistrusted = 0, unsupported = 0, failed = 0;  // failed: also crashed and in error
  std::vector<CaseFailure> failures;
};

struct Correctness {
  int cases = 0;
  BuildCorrectness baseline, candidate;
  std::vector<std::string> differing;  // both right, but some class of variants gave other bits
  double seconds = 0;
};

// From the results of the same cases, in the same order.
Correctness compare_results(const std::vector<CaseResult>& baseline, const std::vector<CaseResult>& candidate);

nlohmann::json to_json(const Correctness& correctness);

struct CorrectnessOrder {
  std::string baseline, candidate, device;
  std::vector<std::string> cases;
  int timeout_seconds = 120;
  int parts = 2;  // processes per build: a case waits for the device more than it computes
};

// Runs every case on both builds in worker processes of `plumbline check`. `progress` gets cases done of all, both
// builds counted, from several threads. Throws HarnessError when no worker can start.
Correctness check_both(const CorrectnessOrder& order, const std::function<void(int done, int all)>& progress);

}  // namespace plumb
