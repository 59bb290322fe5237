// Calibrations: what is kept, what is refused, and the margins that come of them.
#include "harness/gate/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/files.h"
#include "harness/gate/calibrate.h"
#include "harness/testing.h"

namespace plumb {
namespace {

using testing_support::complaint_of;
using testing_support::content_of;
using testing_support::TemporaryFolder;

GateReport report_of(std::vector<std::pair<std::string, double>> effects) {
  GateReport report;
  report.machine = {{"gpu", "NVIDIA H200"}, {"date", "2026-11-22T08:00:00Z"}};
  report.baseline.digest = report.candidate.digest = "abc";
  for (const auto& [name, effect] : effects) {
    GatePoint& point = report.result.points.emplace_back();
    point.timing.name = name;
    point.screen_estimate = effect;
    point.verdict.verdict = Verdict::kPass;
  }
  report.result.verdict = Verdict::kPass;
  return report;
}

Calibration of_runs(int runs) {
  Calibration calibration;
  for (int i = 0; i < runs; ++i) {
    add_run(calibration, report_of({{"a", i % 2 ? 0.001 : -0.004}, {"b", 0.0001}, {"c", std::nan("")}}));
  }
  return calibration;
}

TEST(Calibration, RoundTrips) {
  const TemporaryFolder folder;
  const Calibration calibration = of_runs(4);
  write_file(folder / "c.json", to_json(calibration).dump());
  const Calibration again = load_calibration(folder / "c.json", "NVIDIA H200");
  EXPECT_EQ(to_json(again), to_json(calibration));
  EXPECT_EQ(again.runs.size(), 4u);
  EXPECT_EQ(again.runs[0].points, 3);
  EXPECT_EQ(again.estimates.at("a").size(), 4u);
  EXPECT_FALSE(again.estimates.count("c"));  // what was not measured teaches nothing
}

TEST(Calibration, MarginsComeFromTheEstimates) {
  const Calibration calibration = of_runs(30);
  const auto margins = margins_for(calibration, {"a", "b", "new"});
  ASSERT_EQ(margins.size(), 3u);
  EXPECT_EQ(margins[0].width, 0.004);
  EXPECT_EQ(margins[1].width, log_ratio(kMarginFloor));
  EXPECT_EQ(margins[0].exceedance, share_upper_bound(0, 60, 0.05));
  // A point that was never measured gets no credit for the others' good behaviour.
  EXPECT_EQ(margins[2].width, Margin().width);
  EXPECT_EQ(margins[2].exceedance, Margin().exceedance);
}

TEST(Calibration, CountsGatesWithAFalseAlarm) {
  Calibration calibration = of_runs(3);
  GateReport report = report_of({{"a", 0.001}, {"b", 0.002}});
  for (GatePoint& point : report.result.points) point.verdict.verdict = Verdict::kRegressed;
  add_run(calibration, report);
  EXPECT_EQ(calibration.runs.back().false_alarms, 2);
  EXPECT_EQ(calibration.false_gates(), 1);
  const nlohmann::json document = to_json(calibration);
  EXPECT_EQ(document["false_alarm"]["gates"], 4);
  EXPECT_EQ(document["false_alarm"]["false"], 1);
  EXPECT_EQ(document["false_alarm"]["upper_95"], share_upper_bound(1, 4, 0.05));
}

TEST(Calibration, DisturbedPointsTeachNothing) {
  Calibration calibration;
  GateReport report = report_of({{"a", 0.05}});
  report.result.points[0].note = "the SM clock fell";
  add_run(calibration, report);
  EXPECT_TRUE(calibration.estimates.empty());
}

TEST(Calibration, LearnsFromAGatesDocument) {
  const TemporaryFolder folder;
  GateReport report = report_of({{"a", 0.001}, {"b", -0.002}});
  write_file(folder / "g.json", to_json(report).dump());
  Calibration direct, read;
  add_run(direct, report);
  add_document(read, folder / "g.json");
  EXPECT_NEAR(read.estimates.at("b")[0], -0.002, 1e-12);
  EXPECT_EQ(read.runs[0].points, direct.runs[0].points);
  report.candidate.digest = "def";
  write_file(folder / "g.json", to_json(report).dump());
  EXPECT_NE(complaint_of([&] { add_document(read, folder / "g.json"); }).find("is no A/A gate"), std::string::npos);
  report.candidate.digest = "abc";
  report.machine["gpu"] = "NVIDIA B200";
  write_file(folder / "g.json", to_json(report).dump());
  EXPECT_NE(complaint_of([&] { add_document(read, folder / "g.json"); }), "");
}

TEST(Calibration, RefusesWhatIsNone) {
  const TemporaryFolder folder;
  const std::string path = folder / "c.json", whole = to_json(of_runs(2)).dump();
  const auto complaint = [&](const std::string& content, const char* gpu = "NVIDIA H200") {
    write_file(path, content);
    const std::string words = complaint_of([&] { load_calibration(path, gpu); });
    EXPECT_EQ(content_of(path), content);
    EXPECT_EQ(words.find('\n'), std::string::npos) << words;
    EXPECT_EQ(words.rfind(path, 0), 0u) << words;
    return words;
  };
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    EXPECT_NE(complaint(whole.substr(0, length)).find("is damaged"), std::string::npos) << length;
  }
  EXPECT_NE(complaint(R"({"schema": "plumbline.calibration/2"})").find("expected \"plumbline.calibration/1\""),
            std::string::npos);
  EXPECT_NE(complaint(R"({"schema": "plumbline.calibration/1"})").find("is damaged"), std::string::npos);
  EXPECT_NE(complaint(whole, "NVIDIA B200").find("was made on NVIDIA H200, this machine has NVIDIA B200"),
            std::string::npos);
  EXPECT_NE(complaint_of([&] { load_calibration(folder / "missing.json", ""); }), "");
}

}  // namespace
}  // namespace plumb
