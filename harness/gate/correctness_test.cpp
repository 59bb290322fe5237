// Results of two builds side by side.
#include "harness/gate/correctness.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace plumb {
namespace {

CaseResult result(const char* name, const char* state, const char* digest) {
  CaseResult made;
  made.name = name;
  made.state = state;
  made.digests["tensor_core"] = digest;
  return made;
}

TEST(CompareResults, CountsStatesAndDifferingBits) {
  const std::vector<CaseResult> baseline = {result("a", "passed", "1"), result("b", "passed", "1"),
                                            result("c", "crashed", ""), result("d", "unsupported", ""),
                                            result("e", "mistrusted", "1")};
  const std::vector<CaseResult> candidate = {result("a", "passed", "1"), result("b", "passed", "2"),
                                             result("c", "passed", "1"), result("d", "failed", ""),
                                             result("e", "mistrusted", "3")};
  const Correctness both = compare_results(baseline, candidate);
  EXPECT_EQ(both.cases, 5);
  EXPECT_EQ(both.baseline.passed, 2);
  EXPECT_EQ(both.baseline.failed, 1);
  EXPECT_EQ(both.baseline.failures[0].name, "c");
  EXPECT_EQ(both.baseline.unsupported, 1);
  EXPECT_EQ(both.candidate.passed, 3);
  EXPECT_EQ(both.candidate.failed, 1);
  EXPECT_EQ(both.candidate.mistrusted, 1);
  EXPECT_EQ(both.differing, std::vector<std::string>{"b"});
  EXPECT_EQ(to_json(both)["failed"], 1);
  EXPECT_EQ(to_json(both)["differing"], 1);
}

}  // namespace
}  // namespace plumb
