// What a gate says, in four forms.
#include "harness/gate/gate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include "harness/files.h"
#include "harness/gate/calibration.h"

namespace plumb {
namespace {

// Effects are kept as logarithms and shown as ratios minus one.
double ratio(double effect) { return std::expm1(effect); }

std::string percent(double effect) {
  if (std::isnan(effect)) return "?";
  if (std::isinf(effect)) return effect > 0 ? "inf" : "-inf";
  return fmt::format("{:+.2f}%", 100 * ratio(effect));
}

std::string size(double effect) {
  return std::isfinite(effect) ? fmt::format("{:.2f}%", 100 * ratio(effect)) : "inf";
}

nlohmann::json number(double effect) {
  return std::isfinite(effect) ? nlohmann::json(ratio(effect)) : nlohmann::json(nullptr);
}

int count(const GateResult& result, Verdict verdict) {
  return static_cast<int>(std::count_if(result.points.begin(), result.points.end(),
                                        [&](const GatePoint& point) { return point.verdict.verdict == verdict; }));
}

int false_alarms(const GateResult& result) {
  return static_cast<int>(std::count_if(result.points.begin(), result.points.end(),
                                        [](const GatePoint& point) { return point.is_false_alarm(); }));
}

std::string remark(const GatePoint& point) {
  std::string words = point.note;
  const auto add = [&](const std::string& more) { words += (words.empty() ? "" : "; ") + more; };
  if (point.is_false_alarm()) {
    add("FALSE ALARM OF THE GATE: both builds run the same machine code in the same launch shapes");
  }
  if (point.timing.variant_baseline != point.timing.variant_candidate) {
    add(fmt::format("variant {} became {}", point.timing.variant_baseline, point.timing.variant_candidate));
  }
  return words;
}

std::string correctness_line(const Correctness& correctness) {
  std::string line = fmt::format("correctness: {} cases on both builds in {:.1f} s: candidate {} failed",
                                 correctness.cases, correctness.seconds, correctness.candidate.failed);
  line += fmt::format(", baseline {} failed", correctness.baseline.failed);
  line += fmt::format("; {} right on both with other bits", correctness.differing.size());
  return line;
}

// What is said in every form after the points: who cannot be certified, what disturbed, whether anyone looked.
std::vector<std::string> statements(const GateReport& report) {
  std::vector<std::string> lines;
  std::vector<std::string> uncertified;
  for (const GatePoint& point : report.result.points) {
    if (!point.verdict.certified) uncertified.push_back(point.timing.name);
  }
  if (!uncertified.empty()) {
    lines.push_back(fmt::format("{} of {} points cannot certify an effect of {}:", uncertified.size(),
                                report.result.points.size(), size(report.rules.promised_effect)));
    for (const std::string& name : uncertified) lines.push_back("  " + name);
  }
  for (const std::string& sentence : report.result.disturbances) lines.push_back("disturbed: " + sentence);
  if (!report.looked) {
    lines.push_back(fmt::format("could not look at clocks, temperature and other processes: {}", report.blind));
  }
  if (!report.calibrated) {
    lines.push_back("no calibration was given: every margin is the default");
  }
  const int wrong = false_alarms(report.result);
  if (wrong > 0)
    lines.push_back(fmt::format("{} flags on identical machine code: they count against the gate", wrong));
  return lines;
}

std::string verdict_line(const GateReport& report) {
  const GateResult& result = report.result;
  if (result.correctness.candidate.failed > 0) {
    return fmt::format("verdict: regressed (the candidate is wrong on {} cases; nothing was timed), {:.1f} s",
                       result.correctness.candidate.failed, report.seconds);
  }
  return fmt::format(
      "verdict: {} ({} pass, {} regressed, {} improved, {} inconclusive of {} points; {} suspects), {:.1f} s",
      name_of(result.verdict), count(result, Verdict::kPass), count(result, Verdict::kRegressed),
      count(result, Verdict::kImproved), count(result, Verdict::kInconclusive), result.points.size(),
      result.suspects, report.seconds);
}

struct Escape {
  char from;
  std::string_view to;
};

std::string escaped(std::string_view text, std::span<const Escape> escapes) {
  std::string result;
  for (const char c : text) {
    const auto found = std::find_if(escapes.begin(), escapes.end(), [c](const Escape& e) { return e.from == c; });
    if (found != escapes.end()) {
      result += found->to;
    } else if (static_cast<unsigned char>(c) >= 0x20 || c == '\t') {  // XML 1.0 has no other controls
      result += c;
    }
  }
  return result;
}

constexpr Escape kXml[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\n', "&#10;"}};

// A cell of a markdown table: nothing in it may end the cell or begin HTML or emphasis.
constexpr Escape kMarkdown[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"},  {'|', "&#124;"},
                                {'\n', "<br>"}, {'*', "\\*"},  {'_', "\\_"},   {'`', "\\`"},
                                {'[', "\\["},   {']', "\\]"},  {'\\', "\\\\"}, {'~', "\\~"}};

std::string escape_xml(std::string_view text) { return escaped(text, kXml); }
std::string escape_markdown(std::string_view text) { return escaped(text, kMarkdown); }

nlohmann::json to_json(const BuildIdentity& build) {
  return {{"path", path_in_document(build.path)}, {"library", build.library}, {"digest", build.digest}};
}

}  // namespace

std::string table_text(const GateReport& report) {
  const GateResult& result = report.result;
  std::string text = correctness_line(result.correctness) + "\n";
  std::size_t shown = 0;
  for (const CaseFailure& failure : result.correctness.candidate.failures) {
    if (++shown > 10) {
      text += fmt::format("  ... and {} more\n", result.correctness.candidate.failures.size() - 10);
      break;
    }
    text += fmt::format("{}: {}\n{}\n  repeat: {}\n", failure.name, failure.state, failure.reason, failure.repro);
  }
  if (!result.points.empty()) {
    std::size_t width = 5;
    for (const GatePoint& point : result.points) width = std::max(width, point.timing.name.size());
    text += fmt::format("{:<{}} {:>12} {:>10} {:>8} {:>8} {:>8} {:>10} {:>7} {}\n", "point", width, "verdict", "us",
                        "effect", "lower", "upper", "detectable", "margin", "code");
    for (const GatePoint& point : result.points) {
      const PointVerdict& verdict = point.verdict;
      const char* code = !point.identical_code ? "" : *point.identical_code ? "same" : "other";
      text += fmt::format("{:<{}} {:>12} {:>10.2f} {:>8} {:>8} {:>8} {:>10} {:>7} {}", point.timing.name, width,
                          name_of(verdict.verdict), point.timing.baseline_us, percent(verdict.effect),
                          percent(verdict.lower), percent(verdict.upper), size(verdict.detectable),
                          size(point.margin.width), code);
      while (text.back() == ' ') text.pop_back();
      if (const std::string words = remark(point); !words.empty()) text += "\n    " + words;
      text += "\n";
    }
  }
  for (const std::string& line : statements(report)) text += line + "\n";
  return text + verdict_line(report) + "\n";
}

nlohmann::json to_json(const GateReport& report) {
  const GateResult& result = report.result;
  nlohmann::json points = nlohmann::json::array();
  for (const GatePoint& point : result.points) {
    const PointVerdict& verdict = point.verdict;
    nlohmann::json row = {{"name", point.timing.name},
                          {"variant_baseline", point.timing.variant_baseline},
                          {"variant_candidate", point.timing.variant_candidate},
                          {"verdict", name_of(verdict.verdict)},
                          {"effect", number(verdict.effect)},
                          {"lower", number(verdict.lower)},
                          {"upper", number(verdict.upper)},
                          {"detectable", number(verdict.detectable)},
                          {"certified", verdict.certified},
                          {"p_slower", verdict.p_slower},
                          {"p_faster", verdict.p_faster},
                          {"processes", verdict.processes},
                          {"margin", number(point.margin.width)},
                          {"screen_effect", number(point.screen_estimate)},
                          {"baseline_us", point.timing.baseline_us},
                          {"candidate_us", point.timing.candidate_us},
                          {"false_alarm", point.is_false_alarm()},
                          {"identical_code", nullptr}};
    if (point.identical_code) row["identical_code"] = *point.identical_code;
    if (const std::string words = remark(point); !words.empty()) row["note"] = words;
    points.push_back(std::move(row));
  }
  nlohmann::json document = {{"schema", "plumbline.gate/1"},
                             {"machine", report.machine},
                             {"baseline", to_json(report.baseline)},
                             {"candidate", to_json(report.candidate)},
                             {"verdict", name_of(result.verdict)},
                             {"exit_code", result.exit_code},
                             {"promised_effect", ratio(report.rules.promised_effect)},
                             {"family_level", report.rules.family_level},
                             {"seconds", report.seconds},
                             {"correctness", to_json(result.correctness)},
                             {"suspects", result.suspects},
                             {"processes", result.processes},
                             {"false_alarms", false_alarms(result)},
                             {"calibrated", report.calibrated},
                             {"disturbances", result.disturbances},
                             {"looked", report.looked},
                             {"points", std::move(points)}};
  if (!report.looked) document["blind"] = report.blind;
  return document;
}

std::string junit_xml(const GateReport& report) {
  const GateResult& result = report.result;
  const int failures = count(result, Verdict::kRegressed) + result.correctness.candidate.failed;
  const std::size_t tests = result.points.size() + result.correctness.candidate.failures.size();
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  xml += fmt::format(
      "<testsuites tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3f}\" name=\"plumbline gate\">\n", tests,
      failures, count(result, Verdict::kInconclusive), report.seconds);
  xml += fmt::format("  <testsuite name=\"gate\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n", tests, failures,
                     count(result, Verdict::kInconclusive));
  for (const CaseFailure& failure : result.correctness.candidate.failures) {
    xml += fmt::format(
        "    <testcase classname=\"correctness\" name=\"{}\"><failure message=\"{}\">{}</failure></testcase>\n",
        escape_xml(failure.name), escape_xml(failure.state),
        escape_xml(failure.reason + "\nrepeat: " + failure.repro));
  }
  for (const GatePoint& point : result.points) {
    const PointVerdict& verdict = point.verdict;
    const std::string words =
        fmt::format("effect {} [{}, {}], detectable {}, margin {}", percent(verdict.effect), percent(verdict.lower),
                    percent(verdict.upper), size(verdict.detectable), size(point.margin.width));
    std::string inside = fmt::format("<system-out>{}</system-out>", escape_xml(words));
    if (verdict.verdict == Verdict::kRegressed) {
      inside = fmt::format("<failure message=\"{}\">{}</failure>", escape_xml("regressed: " + words),
                           escape_xml(remark(point)));
    } else if (verdict.verdict == Verdict::kInconclusive) {
      inside =
          fmt::format("<skipped message=\"{}\"/>",
                      escape_xml("inconclusive: " + words + (remark(point).empty() ? "" : "; ") + remark(point)));
    }
    xml += fmt::format("    <testcase classname=\"gate\" name=\"{}\">{}</testcase>\n",
                       escape_xml(point.timing.name), inside);
  }
  return xml + "  </testsuite>\n</testsuites>\n";
}

std::string markdown(const GateReport& report) {
  const GateResult& result = report.result;
  std::string text =
      fmt::format("## plumbline gate: {}\n\n{}  \n{}\n\n", name_of(result.verdict),
                  escape_markdown(verdict_line(report)), escape_markdown(correctness_line(result.correctness)));
  text +=
      fmt::format("Baseline {} ({}), candidate {} ({})", escape_markdown(report.baseline.library),
                  escape_markdown(report.baseline.digest.substr(0, 12)), escape_markdown(report.candidate.library),
                  escape_markdown(report.candidate.digest.substr(0, 12)));
  if (report.machine.contains("gpu")) {
    text += fmt::format(" on {}", escape_markdown(report.machine["gpu"].get<std::string>()));
  }
  text += "\n\n";
  for (const CaseFailure& failure : result.correctness.candidate.failures) {
    text += fmt::format("- wrong: {}\n", escape_markdown(failure.name));
  }
  const auto rows = [&](bool remarkable) {
    std::string table;
    for (const GatePoint& point : result.points) {
      const PointVerdict& verdict = point.verdict;
      const bool is_plain = verdict.verdict == Verdict::kPass && verdict.certified;
      if (is_plain == remarkable) continue;
      table += fmt::format("| {} | {} | {:.2f} | {} | {} to {} | {} | {} | {} |\n",
                           escape_markdown(point.timing.name), name_of(verdict.verdict), point.timing.baseline_us,
                           percent(verdict.effect), percent(verdict.lower), percent(verdict.upper),
                           size(verdict.detectable), size(point.margin.width), escape_markdown(remark(point)));
    }
    if (table.empty()) return table;
    return "| point | verdict | us | effect | interval | detectable | margin | "
           "|\n|---|---|---|---|---|---|---|---|\n" +
           table + "\n";
  };
  text += rows(true);
  if (const std::string plain = rows(false); !plain.empty()) {
    text += fmt::format("<details><summary>{} points pass</summary>\n\n{}</details>\n\n",
                        count(result, Verdict::kPass), plain);
  }
  for (const std::string& line : statements(report)) text += escape_markdown(line) + "  \n";
  return text;
}

}  // namespace plumb
