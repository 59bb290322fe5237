// The mutants: every named fault of reference/fault.h on every operator that it is tried on.
#pragma once

#include <string>
#include <vector>

#include "reference/fault.h"

namespace plumb {

// Where a mutant can be tried.
enum On : unsigned {
  kOnHost = 1,    // the replay with the fault, on host memory
  kOnPolicy = 2,  // the policy of the CUDA library, asked on described devices
  kOnCuda = 4,    // the CUDA library's kernels on a GPU
};

struct Mutant {
  std::string id;  // "rope.truncate"
  std::string name;
  std::string operator_name;
  int catalogue;  // number of the published bug that it repeats, 0: our own
  Fault fault;
  unsigned on;  // of On
  std::string what;
  std::string equivalent;  // the proof that no check can tell it from the honest kernel; empty: it must die
  std::string needs;       // what this project's tiers or this machine do not have; empty: nothing
};

const std::vector<Mutant>& all_mutants();

// Published bugs that our operators cannot have, or that cannot be written as a fault: number and reason.
struct LeftOut {
  int catalogue;
  const char* reason;
};
const std::vector<LeftOut>& left_out();

}  // namespace plumb
