// What is said of a run as a whole: counts, the exit code, the table at the end of the log.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/check/result.h"

namespace plumb {

// Number of cases by state, every state named.
nlohmann::json summary_of(const std::vector<CaseResult>& results);

// ExitCode of a run with these counts.
int exit_code_of(const nlohmann::json& summary);

// How many cases matched, differed from, or have no recorded digest; `gpus` are those that the digests come from.
nlohmann::json golden_summary(const std::vector<CaseResult>& results, const std::vector<std::string>& gpus);

// One line per operator and variant on standard output.
void print_table(const std::vector<CaseResult>& results);

}  // namespace plumb
