// What a gate says, and that no name can break the form it is said in.
#include "harness/gate/gate_report.h"

#include <gtest/gtest.h>

#include <limits>

namespace plumb {
namespace {

GateReport report() {
  GateReport report;
  report.machine = {{"gpu", "NVIDIA <H200>"}};
  report.baseline = {"a.so", "base|line", "0123456789abcdef"};
  report.candidate = {"b.so", "candidate", "fedcba9876543210"};
  report.result.correctness = {.cases = 7,
                               .baseline = {.passed = 7, .failures = {}},
                               .candidate = {.passed = 7, .failures = {}},
                               .differing = {}};
  const auto add = [&](const char* name, Verdict verdict) -> GatePoint& {
    GatePoint& point = report.result.points.emplace_back();
    point.timing.name = name;
    point.timing.baseline_us = 10;
    point.timing.variant_baseline = point.timing.variant_candidate = "vec16";
    point.verdict = {.verdict = verdict,
                     .effect = log_ratio(0.01),
                     .lower = log_ratio(0.005),
                     .upper = log_ratio(0.015),
                     .detectable = log_ratio(0.009),
                     .certified = true};
    return point;
  };
  add("plain", Verdict::kPass);
  add("slow|<b>&\"*_x_*", Verdict::kRegressed).timing.variant_candidate = "scalar";
  GatePoint& unsure = add("unsure", Verdict::kInconclusive);
  unsure.verdict.effect = std::numeric_limits<double>::quiet_NaN();
  unsure.verdict.detectable = unsure.verdict.upper = std::numeric_limits<double>::infinity();
  unsure.verdict.certified = false;
  unsure.note = "the SM clock fell";
  report.result.points[1].identical_code = true;
  report.result.points[0].identical_code = false;
  report.result.verdict = Verdict::kRegressed;
  report.result.exit_code = 1;
  report.result.disturbances = {"the SM clock fell"};
  report.blind = "libnvidia-ml.so.1 could not be opened";
  return report;
}

bool contains(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

TEST(GateReport, TheTableNamesWhatCannotBeCertified) {
  const std::string text = table_text(report());
  EXPECT_TRUE(contains(text, "1 of 3 points cannot certify an effect of 2.00%:\n  unsure\n")) << text;
  EXPECT_TRUE(contains(text, "could not look at clocks, temperature and other processes: libnvidia-ml")) << text;
  EXPECT_TRUE(contains(text, "disturbed: the SM clock fell"));
  EXPECT_TRUE(contains(text, "FALSE ALARM OF THE GATE"));
  EXPECT_TRUE(contains(text, "variant vec16 became scalar"));
  EXPECT_TRUE(contains(text, "verdict: regressed (1 pass, 1 regressed, 0 improved, 1 inconclusive of 3 points"));
  EXPECT_TRUE(contains(text, "+1.00%   +0.50%   +1.50%      0.90%   0.30% other")) << text;
}

TEST(GateReport, JsonHasTheAgreedForm) {
  const nlohmann::json document = to_json(report());
  EXPECT_EQ(document["schema"], "plumbline.gate/1");
  EXPECT_EQ(document["verdict"], "regressed");
  EXPECT_EQ(document["exit_code"], 1);
  EXPECT_NEAR(document["promised_effect"].get<double>(), 0.02, 1e-12);
  EXPECT_EQ(document["looked"], false);
  EXPECT_EQ(document["false_alarms"], 1);
  EXPECT_EQ(document["correctness"]["cases"], 7);
  const auto& points = document["points"];
  ASSERT_EQ(points.size(), 3u);
  EXPECT_NEAR(points[0]["effect"].get<double>(), 0.01, 1e-12);  // a ratio minus one, no logarithm
  EXPECT_NEAR(points[0]["margin"].get<double>(), 0.003, 1e-12);
  EXPECT_EQ(points[0]["identical_code"], false);
  EXPECT_EQ(points[1]["false_alarm"], true);
  EXPECT_TRUE(points[2]["effect"].is_null());
  EXPECT_TRUE(points[2]["detectable"].is_null());
  EXPECT_TRUE(points[2]["identical_code"].is_null());
  EXPECT_EQ(nlohmann::json::parse(document.dump()), document);
}

TEST(GateReport, NoNameBreaksTheXml) {
  const std::string xml = junit_xml(report());
  EXPECT_TRUE(contains(xml, "name=\"slow|&lt;b&gt;&amp;&quot;*_x_*\"")) << xml;
  EXPECT_TRUE(contains(xml, "tests=\"3\" failures=\"1\" skipped=\"1\""));
  EXPECT_FALSE(contains(xml, "<b>"));
}

TEST(GateReport, NoNameBreaksTheMarkdown) {
  const std::string text = markdown(report());
  EXPECT_TRUE(contains(text, "| slow&#124;&lt;b&gt;&amp;\"\\*\\_x\\_\\* | regressed |")) << text;
  EXPECT_TRUE(contains(text, "base&#124;line"));
  EXPECT_FALSE(contains(text, "<b>"));
  EXPECT_TRUE(contains(text, "<details><summary>1 points pass</summary>"));
}

TEST(GateReport, AWrongCandidateIsTheWholeStory) {
  GateReport wrong = report();
  wrong.result.points.clear();
  wrong.result.correctness.candidate.failed = 1;
  wrong.result.correctness.candidate.failures = {{"rope/x", "failed", "bits\ndiffer", "plumbline check"}};
  const std::string text = table_text(wrong);
  EXPECT_TRUE(contains(text, "rope/x: failed\nbits\ndiffer\n  repeat: plumbline check\n")) << text;
  EXPECT_TRUE(contains(text, "verdict: regressed (the candidate is wrong on 1 cases; nothing was timed)"));
  EXPECT_TRUE(contains(junit_xml(wrong), "tests=\"1\" failures=\"1\""));
  EXPECT_TRUE(contains(markdown(wrong), "- wrong: rope/x\n"));
  EXPECT_EQ(to_json(wrong)["correctness"]["failed"], 1);
}

}  // namespace
}  // namespace plumb
