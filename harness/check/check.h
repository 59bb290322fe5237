// `plumbline check`: every case a GoogleTest, every result kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/check/worker.h"
#include "harness/operators/suite.h"

namespace plumb {

struct CheckOptions {
  Tier tier = Tier::kQuick;
  std::string device = "replay";  // replay | cuda:N
  std::string library;            // empty: the one built with this program
  std::string filter;             // GoogleTest glob over case names, or one whole case name
  std::string shard;              // "I/N", I from 1
  std::uint64_t seed = 7;
  std::string junit, json;      // files to write, empty: none
  std::string golden;           // folder; empty: the default
  bool compare_goldens = true;  // hold results against the recorded digests
  std::string record;           // folder to record goldens into; empty: none
  int timeout_seconds = 120;    // per case
  bool verbose = false;         // GoogleTest's own printing
  bool list_only = false;       // print the names and do nothing
  WorkerSettings worker;
  std::vector<std::string> gtest_flags;  // passed on as they are
};

// Returns the exit code: 0 pass, 1 mismatch, 2 harness error, 3 only mistrusted or nothing compared.
// Throws HarnessError for what is wrong before any case has run.
int run_check(CheckOptions options);

// The cases of a tier over all operators; with a whole case name as filter, that case, in the matrix or not.
std::vector<Case> cases_for(Tier tier, std::uint64_t seed, const std::string& filter);

}  // namespace plumb
