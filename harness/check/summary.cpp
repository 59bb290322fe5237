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
    double worst = 0, worst_in_fp32 = 0;
  };
  // Where the output has 16 bits the last rounding alone nearly fills the bound; fp32 shows what the arithmetic
  // does.
  const auto is_fp32 = [](const CaseResult& result) {
    const auto out = result.axes.find("out");
    return (out == result.axes.end() ? result.dtype : out->second) == "fp32";
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
      if (is_fp32(result)) row.worst_in_fp32 = std::max(row.worst_in_fp32, variant.worst);
    }
  }
  fmt::print("{:<14} {:<20} {:>7} {:>7} {:>12} {:>15} {:>12} {:>8}\n", "operator", "variant", "cases", "failed",
             "unsupported", "differing bits", "worst/bound", "in fp32");
  for (const auto& [key, row] : rows) {
    fmt::print("{:<14} {:<20} {:>7} {:>7} {:>12} {:>15} {:>12.3f} {:>8.3f}\n", key.first, key.second, row.cases,
               row.failed, row.unsupported, row.differing, row.worst, row.worst_in_fp32);
  }
}

}  // namespace plumb
