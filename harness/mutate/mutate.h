// `plumbline mutate`: libraries with one known bug each are put before the harness, and it must see every one.
#pragma once

#include <cstdint>
#include <string>

#include "harness/operators/suite.h"

namespace plumb {

struct MutateOptions {
  std::string device = "replay";  // replay | cuda:N
  Tier tier = Tier::kQuick;
  std::string mutant;  // an id, a fault's name, an operator's name or a number of the catalogue; empty: all
  bool bounds_only = false;
  std::string json;  // file to write, empty: none
  std::uint64_t seed = 7;
  int jobs = 1;  // workers at a time
  int timeout_seconds = 20;
};

// Returns the exit code: 0 every mutant died, 1 one survived, 2 the harness or an honest library failed.
int run_mutate(const MutateOptions& options);

}  // namespace plumb
