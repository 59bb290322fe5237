// Whatever befalls a worker costs one case. The workers are real processes, scripted in harness/main_test.cpp.
#include "harness/check/supervisor.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "harness/testing.h"

namespace plumb {
namespace {

using testing_support::complaint_of;

constexpr int kTimeoutSeconds = 1;

std::vector<CaseResult> run_all(const std::vector<std::string>& names) {
  Supervisor supervisor({"fake-worker", "well"}, kTimeoutSeconds);
  EXPECT_EQ(supervisor.start().at("device").at("kind"), "fake");
  supervisor.plan(names);
  std::vector<CaseResult> results;
  for (const std::string& name : names) results.push_back(supervisor.run(name));
  return results;
}

// One state per case; everything that did not crash must have passed under its own name.
void expect_crashes(const std::vector<std::string>& names, const std::vector<CaseResult>& results,
                    const std::set<std::string>& crashed) {
  ASSERT_EQ(results.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(results[i].name, names[i]);
    EXPECT_EQ(results[i].state, crashed.count(names[i]) ? "crashed" : "passed") << names[i] << results[i].reason;
  }
}

TEST(Supervisor, AnswersInOrderFromOneProcess) {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("op/case=" + std::to_string(i));  // several windows
  const auto results = run_all(names);
  expect_crashes(names, results, {});
  for (const CaseResult& result : results) EXPECT_EQ(result.reason, results[0].reason);
}

TEST(Supervisor, ACrashCostsOneCaseAndNamesTheSignal) {
  const std::vector<std::string> names = {"op/a", "op/abort", "op/b", "op/c", "op/abort=2", "op/abort=3", "op/d"};
  const auto results = run_all(names);
  expect_crashes(names, results, {"op/abort", "op/abort=2", "op/abort=3"});
  EXPECT_EQ(results[1].reason, "the worker process was ended by signal 6 (Aborted) during this case");
  EXPECT_EQ(results[1].operator_name, "op");
  EXPECT_NE(results[0].reason, results[2].reason);  // a fresh process,
  EXPECT_EQ(results[2].reason, results[3].reason);  // kept as long as it lives
}

TEST(Supervisor, AnEarlyExitCostsOneCaseAndNamesTheCode) {
  const std::vector<std::string> names = {"op/exit", "op/a"};
  const auto results = run_all(names);
  expect_crashes(names, results, {"op/exit"});
  EXPECT_EQ(results[0].reason, "the worker process ended with exit code 5 during this case");
}

TEST(Supervisor, AHangIsEndedAfterTheTimeout) {
  const auto started = std::chrono::steady_clock::now();
  const std::vector<std::string> names = {"op/a", "op/hang", "op/b"};
  const auto results = run_all(names);
  expect_crashes(names, results, {"op/hang"});
  EXPECT_EQ(results[1].reason, "the worker process gave no answer within 1 s and was stopped during this case");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  EXPECT_GE(took.count(), 1.0);
  EXPECT_LT(took.count(), 10.0);
}

TEST(Supervisor, AWorkerMayEndInGoodOrderAfterACase) {
  const std::vector<std::string> names = {"op/a", "op/last", "op/b", "op/c"};
  const auto results = run_all(names);
  expect_crashes(names, results, {});
  EXPECT_EQ(results[0].reason, results[1].reason);
  EXPECT_NE(results[1].reason, results[2].reason);
}

TEST(Supervisor, AnAnswerThatCannotBeReadCostsOneCase) {
  const std::vector<std::string> names = {"op/a", "op/garbage", "op/b", "op/impostor", "op/c"};
  const auto results = run_all(names);
  expect_crashes(names, results, {"op/garbage", "op/impostor"});
  EXPECT_NE(results[1].reason.find("gave an answer that cannot be read"), std::string::npos) << results[1].reason;
  EXPECT_NE(results[3].reason.find("another/case"), std::string::npos) << results[3].reason;
}

TEST(Supervisor, TakesCasesOutOfThePlannedOrder) {
  Supervisor supervisor({"fake-worker", "well"}, kTimeoutSeconds);
  supervisor.start();
  supervisor.plan({"op/a", "op/b", "op/c"});
  for (const char* name : {"op/b", "op/a", "op/unplanned", "op/b"}) {
    const CaseResult result = supervisor.run(name);
    EXPECT_EQ(result.name, name);
    EXPECT_EQ(result.state, "passed") << result.reason;
  }
}

TEST(Supervisor, PassesOnWhyAWorkerCannotStart) {
  const auto complaint = [](const char* start) {
    return complaint_of([&] { Supervisor({"fake-worker", start}, kTimeoutSeconds).start(); });
  };
  EXPECT_EQ(complaint("fatal"), "no device here");
  EXPECT_EQ(complaint("mute"), "the worker process ended with exit code 5 before it was ready");
}

}  // namespace
}  // namespace plumb
