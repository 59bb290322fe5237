// Counting kills, scoring, printing.
#include "harness/mutate/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace plumb {
namespace {

// The checks that saw something wrong in a case.
std::set<std::string> checks_of(const CaseResult& result) {
  std::set<std::string> checks;
  for (const VariantResult& variant : result.variants) {
    checks.insert(variant.failed_checks.begin(), variant.failed_checks.end());
  }
  if (result.state == "crashed") checks.insert("device");
  if (result.state == "failed" && checks.empty()) checks.insert("served");  // the selector's own answer was wrong
  return checks;
}

}  // namespace

const std::vector<std::string>& kill_checks() {
  static const std::vector<std::string> checks = {"bound", "bits",   "canary", "untouched", "inputs", "poison",
                                                  "bias",  "served", "repeat", "sanitizer", "device"};
  return checks;
}

bool lost_the_device(const CaseResult& result) { return checks_of(result).contains("device"); }

void count_case(MutantOutcome& outcome, const CaseResult& result, bool quick) {
  ++outcome.cases_run;
  const std::set<std::string> checks = checks_of(result);
  for (const std::string& check : checks) ++outcome.killed_by[check];
  if (!checks.empty() && quick) outcome.killed_in_quick = true;
  if (!checks.empty() && outcome.first_case.empty()) {
    outcome.first_case = result.name;
    const auto first = std::find_if(kill_checks().begin(), kill_checks().end(),
                                    [&](const std::string& check) { return checks.contains(check); });
    outcome.first_check = first != kill_checks().end() ? *first : *checks.begin();
  }
  const bool seen_without_bits = checks.size() > checks.count("bits");
  for (const VariantResult& variant : result.variants) {
    if (variant.change > 1 && !seen_without_bits && outcome.missed_case.empty()) outcome.missed_case = result.name;
  }
}

void settle(MutantOutcome& outcome) {
  outcome.status = outcome.killed_by.empty() ? "survived" : "killed";
  const bool without_bits = outcome.killed_by.size() > outcome.killed_by.count("bits");
  outcome.bounds_only = !outcome.missed_case.empty() ? "survived" : without_bits ? "killed" : "exempt";
}

Scores scores_of(const std::vector<MutantOutcome>& outcomes) {
  Scores scores;
  for (const MutantOutcome& outcome : outcomes) {
    if (outcome.status != "killed" && outcome.status != "survived") continue;
    ++scores.all.of;
    ++scores.quick.of;
    scores.all.killed += outcome.status == "killed";
    scores.quick.killed += outcome.killed_in_quick;
    scores.bounds_only.of += outcome.bounds_only != "exempt";
    scores.bounds_only.killed += outcome.bounds_only == "killed";
  }
  return scores;
}

bool all_died(const std::vector<MutantOutcome>& outcomes, bool bounds_only) {
  return std::none_of(outcomes.begin(), outcomes.end(), [&](const MutantOutcome& outcome) {
    return outcome.bounds_only == "survived" || (!bounds_only && outcome.status == "survived");
  });
}

void print_matrix(const std::vector<MutantOutcome>& outcomes) {
  fmt::print("{:<42}{:>4}", "mutant", "bug");
  for (const std::string& check : kill_checks()) fmt::print("{:>10}", check);
  fmt::print("  of cases  outcome\n");
  for (const MutantOutcome& outcome : outcomes) {
    fmt::print("{:<42}{:>4}", outcome.mutant.id,
               outcome.mutant.catalogue ? fmt::to_string(outcome.mutant.catalogue) : "-");
    for (const std::string& check : kill_checks()) {
      const auto found = outcome.killed_by.find(check);
      fmt::print("{:>10}", found != outcome.killed_by.end() ? fmt::to_string(found->second) : ".");
    }
    const bool by_bits_alone = outcome.status == "killed" && outcome.bounds_only == "exempt";
    fmt::print("{:>10}  {}{}\n", outcome.cases_run, outcome.status,
               by_bits_alone ? " (by its bits alone: within every bound's blind spot)" : "");
  }
  for (const MutantOutcome& outcome : outcomes) {
    if (!outcome.first_case.empty()) {
      fmt::print("{}: first killed by {} in {}\n", outcome.mutant.id, outcome.first_check, outcome.first_case);
    }
    if (!outcome.missed_case.empty()) {
      fmt::print("{}: changed by more than the blind spot, but only the bits saw it, in {}\n", outcome.mutant.id,
                 outcome.missed_case);
    }
    if (!outcome.reason.empty()) fmt::print("{}: {}: {}\n", outcome.mutant.id, outcome.status, outcome.reason);
  }
}

nlohmann::json to_json(const std::vector<MutantOutcome>& outcomes) {
  nlohmann::json mutants = nlohmann::json::array();
  for (const MutantOutcome& outcome : outcomes) {
    const Mutant& mutant = outcome.mutant;
    nlohmann::json on = nlohmann::json::array();
    if (mutant.on & (kOnHost | kOnPolicy)) on.push_back("replay");
    if (mutant.on & kOnCuda) on.push_back("cuda");
    nlohmann::json row = {{"id", mutant.id},
                          {"name", mutant.name},
                          {"operator", mutant.operator_name},
                          {"catalogue", nullptr},
                          {"what", mutant.what},
                          {"on", on},
                          {"status", outcome.status},
                          {"killed_by", outcome.killed_by},
                          {"cases_run", outcome.cases_run},
                          {"first_kill", nullptr},
                          {"bounds_only", outcome.bounds_only},
                          {"seconds", outcome.seconds}};
    if (mutant.catalogue) row["catalogue"] = mutant.catalogue;
    if (!outcome.first_case.empty()) {
      row["first_kill"] = {{"case", outcome.first_case}, {"check", outcome.first_check}};
    }
    if (!outcome.reason.empty()) row["reason"] = outcome.reason;
    mutants.push_back(std::move(row));
  }
  for (const LeftOut& one : left_out()) {
    mutants.push_back({{"id", fmt::to_string(one.catalogue)},
                       {"name", ""},
                       {"operator", ""},
                       {"catalogue", one.catalogue},
                       {"what", ""},
                       {"on", nlohmann::json::array()},
                       {"status", "not expressible"},
                       {"killed_by", nlohmann::json::object()},
                       {"cases_run", 0},
                       {"first_kill", nullptr},
                       {"bounds_only", "exempt"},
                       {"reason", one.reason}});
  }
  const Scores scores = scores_of(outcomes);
  const auto score = [](const Score& s) { return nlohmann::json{{"killed", s.killed}, {"of", s.of}}; };
  return {
      {"checks", kill_checks()},
      {"mutants", std::move(mutants)},
      {"scores",
       {{"all", score(scores.all)}, {"quick", score(scores.quick)}, {"bounds_only", score(scores.bounds_only)}}}};
}

}  // namespace plumb
