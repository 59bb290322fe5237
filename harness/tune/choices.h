// What a library's selection makes of recorded measurements: the choice at each point, and what it loses.
#pragma once

#include <string>
#include <vector>

#include "harness/library/library.h"
#include "harness/tune/described_call.h"
#include "harness/tune/document.h"

namespace plumb {

// The variant that the library selects for a case on a device; "" where it selects none.
std::string selected_variant(const plumb_operator& op, CallDescriber& describer, const std::string& case_name,
                             const plumb_device& device);

struct OperatorChoices {
  int points = 0;
  double worst_regret = 0;  // against the best variant measured; infinite for a choice that was not measured
  std::string worst_point, worst_choice;
  int unmeasured = 0;  // choices that were not measured at their points
};

// On a device like the one that was measured.
OperatorChoices choices_on_measured_device(const plumb_operator& op, CallDescriber& describer,
                                           const TuneMachine& machine, const TuneOperator& measured);

// At how many of the points an architecture's choice is that of sm_90.
int choices_as_sm90(const plumb_operator& op, CallDescriber& describer, const TuneOperator& measured, int sm);

// Lines for people about where an operator's selection comes from, one for each recorded GPU and architecture.
std::vector<std::string> selection_lines(const plumb_operator& op, const std::vector<TuneDocument>& documents);

// The documents below a folder of goldens, in order of name; none where it has no folder tune/.
std::vector<TuneDocument> read_tune_documents(const std::string& golden_folder);

}  // namespace plumb
