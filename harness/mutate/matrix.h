// The kill matrix: what became of each mutant, and the scores. Pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/check/result.h"
#include "harness/mutate/mutants.h"

namespace plumb {

// The columns, in the order in which they are shown.
const std::vector<std::string>& kill_checks();

struct MutantOutcome {
  Mutant mutant;
  std::string status = "not run";        // killed | survived | equivalent | not run
  std::string reason;                    // why it was not run, or is equivalent
  std::map<std::string, int> killed_by;  // cases by check
  int cases_run = 0;
  std::string first_case, first_check;  // of the first kill
  bool killed_in_quick = false;
  // As a third party's library is judged, whose bits are its own: every check but `bits`.
  std::string bounds_only = "exempt";  // killed | survived | exempt: no case changed by more than its blind spot
  std::string missed_case;             // changed by more than the blind spot, and nothing but the bits saw it
  double seconds = 0;
};

// Adds a case's result to the outcome. `quick`: it belongs to the quick tier.
void count_case(MutantOutcome& outcome, const CaseResult& result, bool quick);

// Whether the device or the process failed, not the arithmetic: a launch's error, a crash, a hang.
bool lost_the_device(const CaseResult& result);

// Sets status and bounds_only once all cases are counted.
void settle(MutantOutcome& outcome);

struct Score {
  int killed = 0, of = 0;
};
struct Scores {
  Score all, quick, bounds_only;
};
Scores scores_of(const std::vector<MutantOutcome>& outcomes);

// No mutant that ran may survive, in either mode.
bool all_died(const std::vector<MutantOutcome>& outcomes, bool bounds_only);

void print_matrix(const std::vector<MutantOutcome>& outcomes);

// The parts of plumbline.mutation/1 that come from the outcomes: checks, mutants, scores.
nlohmann::json to_json(const std::vector<MutantOutcome>& outcomes);

}  // namespace plumb
