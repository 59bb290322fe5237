// `plumbline gate`: is the candidate build right, and as fast as the baseline?
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/gate/gate_report.h"

namespace plumb {

struct GateOptions {
  std::string baseline, candidate;
  std::string device = "cuda:0";
  int ordinal = 0;
  std::string points = "headline";  // headline | alignment | an operator | a glob over names of points | one name;
                                    // several joined by ':'
  std::string tier = "quick";       // of the correctness cases: quick | full
  std::string json, junit, markdown, calibration;  // files; empty: none
  std::uint64_t seed = 0;                          // 0: drawn anew
  int timeout_seconds = 120;                       // for a case or a point without an answer
};

// Names of the points in --points order. Throws HarnessError when there is none.
std::vector<std::string> gate_points(const std::string& spec);

// Measures and judges. Throws HarnessError for everything that is wrong before there is a verdict.
GateReport measure_gate(const GateOptions& options);

// measure_gate, then what was asked for is written and printed. Returns the exit code.
int run_gate(const GateOptions& options);

}  // namespace plumb
