// compute-sanitizer over a worker, for mutants that no result shows.
#pragma once

#include <string>
#include <vector>

namespace plumb {

// What racecheck, then memcheck, finds while a worker of these arguments answers some of the cases: the number of
// findings; 0 also where compute-sanitizer is not installed.
int sanitizer_findings(const std::vector<std::string>& worker, const std::vector<std::string>& cases);

}  // namespace plumb
