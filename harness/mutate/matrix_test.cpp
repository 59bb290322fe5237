// The kill matrix on made-up results: what counts as a kill, what the scores count, what may not survive.
#include "harness/mutate/matrix.h"

#include <gtest/gtest.h>

#include <set>

namespace plumb {
namespace {

CaseResult result_with(std::vector<std::string> failed_checks, double change = 0) {
  CaseResult result;
  result.name = "rope/bf16/made_up";
  result.state = failed_checks.empty() ? "passed" : "failed";
  VariantResult variant{.name = "one", .state = result.state};
  variant.failed_checks = std::move(failed_checks);
  variant.change = change;
  result.variants = {VariantResult{.name = "two"}, variant};
  return result;
}

MutantOutcome outcome_of(std::initializer_list<CaseResult> results, bool quick = true) {
  MutantOutcome outcome;
  for (const CaseResult& result : results) count_case(outcome, result, quick);
  settle(outcome);
  return outcome;
}

TEST(KillMatrix, CountsCasesByCheckAndRemembersTheFirst) {
  const MutantOutcome outcome =
      outcome_of({result_with({}), result_with({"bits", "canary"}), result_with({"bound", "bits"})});
  EXPECT_EQ(outcome.status, "killed");
  EXPECT_EQ(outcome.cases_run, 3);
  EXPECT_EQ(outcome.killed_by, (std::map<std::string, int>{{"bits", 2}, {"bound", 1}, {"canary", 1}}));
  EXPECT_EQ(outcome.first_check, "bits");
  EXPECT_TRUE(outcome.killed_in_quick);
}

TEST(KillMatrix, WhatNoCheckSeesSurvives) {
  EXPECT_EQ(outcome_of({result_with({}), result_with({})}).status, "survived");
  EXPECT_FALSE(all_died({outcome_of({result_with({})})}, false));
  EXPECT_TRUE(all_died({outcome_of({result_with({})})}, true));  // within the blind spot: not the bounds' to see
}

TEST(KillMatrix, ACrashAndARefusalOfTheSelectorAreKills) {
  CaseResult crash = result_with({});
  crash.state = "crashed";
  EXPECT_EQ(outcome_of({crash}).killed_by, (std::map<std::string, int>{{"device", 1}}));
  CaseResult refusal = result_with({});
  refusal.state = "failed";
  EXPECT_EQ(outcome_of({refusal}).killed_by, (std::map<std::string, int>{{"served", 1}}));
}

TEST(KillMatrix, AThirdPartysBitsAreItsOwn) {
  EXPECT_EQ(outcome_of({result_with({"bits"}, 0.3)}).bounds_only, "exempt");
  EXPECT_EQ(outcome_of({result_with({"bits"}, 0.3), result_with({"repeat"})}).bounds_only, "killed");
  // Changed by more than two bounds, and the bound saw nothing: the judge itself is broken.
  const MutantOutcome missed = outcome_of({result_with({"bits"}, 1.5), result_with({"bound", "bits"}, 9)});
  EXPECT_EQ(missed.bounds_only, "survived");
  EXPECT_FALSE(all_died({missed}, true));
  EXPECT_FALSE(all_died({missed}, false));
}

TEST(KillMatrix, ScoresCountWhatRan) {
  MutantOutcome idle;
  MutantOutcome equivalent = outcome_of({result_with({})});
  equivalent.status = "equivalent";
  const Scores scores =
      scores_of({outcome_of({result_with({"bound"}, 5)}), outcome_of({result_with({"bits"})}, false),
                 outcome_of({result_with({})}), idle, equivalent});
  EXPECT_EQ(scores.all.killed, 2);
  EXPECT_EQ(scores.all.of, 3);
  EXPECT_EQ(scores.quick.killed, 1);
  EXPECT_EQ(scores.quick.of, 3);
  EXPECT_EQ(scores.bounds_only.killed, 1);
  EXPECT_EQ(scores.bounds_only.of, 1);
}

TEST(Mutants, AreDistinctAndExplainThemselves) {
  std::set<std::string> ids;
  std::set<int> bugs;
  for (const Mutant& mutant : all_mutants()) {
    EXPECT_TRUE(ids.insert(mutant.id).second) << mutant.id;
    EXPECT_FALSE(mutant.what.empty()) << mutant.id;
    EXPECT_NE(mutant.on, 0u) << mutant.id;
    bugs.insert(mutant.catalogue);
  }
  bugs.erase(0);
  for (const LeftOut& one : left_out()) EXPECT_TRUE(bugs.insert(one.catalogue).second) << one.catalogue;
  EXPECT_EQ(bugs.size(), 42u);  // every published bug is a mutant, or its absence is explained
  EXPECT_LE(left_out().size(), 6u);
}

}  // namespace
}  // namespace plumb
