// Counting results and printing the table.
#include "harness/check/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "harness/error.h"

namespace plumb {

nlohmann::json summary_of(const std::vector<CaseResult>& results) {
  std::map<std::string, int> counts;
  for (const char* state : {"passed", "failed", "mistrusted", "unsupported", "skipped", "crashed", "error"}) {
    counts[state] = 0;
  }
  for (const CaseResult& result : results) ++counts[result.state];
  return counts;
}

int exit_code_of(const nlohmann::json& summary) {
  if (summary["failed"].get<int>() + summary["crashed"].get<int>() > 0) return kExitMismatch;
  if (summary["error"].get<int>() > 0) return kExitError;
  return summary["passed"].get<int>() > 0 ? kExitPass : kExitMistrusted;
}

nlohmann::json golden_summary(const std::vector<CaseResult>& results, const std::vector<std::string>& gpus) {
  std::map<std::string, int> counts{{"match", 0}, {"differs", 0}, {"absent", 0}};
  for (const CaseResult& result : results) ++counts[result.golden];
  return {
      {"gpus", gpus}, {"matched", counts["match"]}, {"differing", counts["differs"]}, {"absent", counts["absent"]}};
}

// What the log ends with: one line per operator and variant, then the counts.
void print_table(const std::vector<CaseResult>& results) {
  struct Row {
    int cases = 0, failed = 0, unsupported = 0;
    std::int64_t differing = 0;
    double worst = 0;
  };
  std::map<std::pair<std::string, std::string>, Row> rows;
  for (const CaseResult& result : results) {
    for (const VariantResult& variant : result.variants) {
      Row& row = rows[{result.operator_name, variant.name}];
      if (variant.state == "unsupported") {
        ++row.unsupported;
        continue;
      }
      ++row.cases;
      row.failed += variant.state == "failed";
      row.differing += variant.differing;
      row.worst = std::max(row.worst, variant.worst);
    }
  }
  fmt::print("{:<14} {:<20} {:>7} {:>7} {:>12} {:>15} {:>12}\n", "operator", "variant", "cases", "failed",
             "unsupported", "differing bits", "worst/bound");
  for (const auto& [key, row] : rows) {
    fmt::print("{:<14} {:<20} {:>7} {:>7} {:>12} {:>15} {:>12.3f}\n", key.first, key.second, row.cases, row.failed,
               row.unsupported, row.differing, row.worst);
  }
}

}  // namespace plumb
