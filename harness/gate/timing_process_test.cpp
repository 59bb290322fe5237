// Both ends of the timing process's pipe: the real loop on a scripted bench, and whatever can befall it.
#include "harness/gate/timing_process.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/testing.h"

namespace plumb {
namespace {

using testing_support::complaint_of;

constexpr int kTimeoutSeconds = 1;

// The scripted worker stands in harness/main_test.cpp; a word inside a point's name says what befalls it there.
std::vector<PointTiming> run(const std::vector<std::string>& points, const std::string& start = "well") {
  TimingProcess process({"fake-gate-worker", start}, points, 5, kTimeoutSeconds);
  EXPECT_EQ(process.await_ready().at("device").at("name"), "fake");
  std::vector<std::size_t> seen;
  const auto timings = process.run([&](std::size_t done) { seen.push_back(done); });
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i);
  return timings;
}

std::string complaint(const std::vector<std::string>& points, const std::string& start = "well") {
  return complaint_of([&] { run(points, start); });
}

TEST(TimingProcess, AnswersForEveryPoint) {
  const auto timings = run({"a", "nan", "c"});
  ASSERT_EQ(timings.size(), 3u);
  EXPECT_EQ(timings[0].name, "a");
  EXPECT_EQ(timings[0].blocks, std::vector<double>(5, 0.25));
  EXPECT_EQ(timings[2].kernels_baseline, std::vector<std::string>{"kernel <<<1>>>"});
  EXPECT_TRUE(std::isnan(timings[1].blocks[0]));  // JSON has no NaN; the gate must still see it
}

TEST(TimingProcess, EveryFaultIsASentence) {
  EXPECT_EQ(complaint({"a", "abort"}), "the timing process was ended by signal 6 (Aborted) at abort");
  EXPECT_EQ(complaint({"exit"}), "the timing process ended with exit code 5 at exit");
  EXPECT_EQ(complaint({"hang"}), "the timing process gave no answer within 1 s and was stopped at hang");
  EXPECT_EQ(complaint({"fatal"}), "timing at fatal: the bench refuses");
  EXPECT_EQ(complaint({"impostor"}), "the timing process answered for another at impostor");
  EXPECT_EQ(complaint({"garbage"}), "the timing process gave an answer that is no JSON at garbage");
  EXPECT_EQ(complaint({"a"}, "fatal"), "timing while it prepared: no device here");
  EXPECT_EQ(complaint({"a"}, "mute"), "the timing process ended with exit code 5 while it prepared");
}

}  // namespace
}  // namespace plumb
