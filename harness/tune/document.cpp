// The measurements as JSON, and the table as source.
#include "harness/tune/document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "harness/error.h"
#include "harness/files.h"

namespace plumb {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

// "rms_norm" -> "RmsNorm"
std::string camel_case(const std::string& name) {
  std::string camel;
  bool upper = true;
  for (const char letter : name) {
    if (letter != '_') camel += upper ? static_cast<char>(std::toupper(letter)) : letter;
    upper = letter == '_';
  }
  return camel;
}

struct Worst {
  double regret = 0;
  std::string name;
};

Worst worst_of(const TuneOperator& op, const std::vector<TuneRow>& rows) {
  Worst worst;
  for (const TunePoint& point : op.points) {
    const double regret = regret_of(point, choice_of(rows, point));
    if (worst.name.empty() || regret > worst.regret) worst = {regret, point.name};
  }
  return worst;
}

std::string text_of(const TuneRange& range) {
  const std::string last = range.last == kEndless ? "kAnySize" : fmt::to_string(range.last);
  return fmt::format("{{{}, {}}},", range.first, last);
}

// Rows of words, each column as wide as its widest word.
std::vector<std::string> aligned(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::vector<std::string> texts;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += i + 1 < line.size() ? fmt::format("{:<{}} ", line[i], widths[i]) : line[i];
    }
    texts.push_back(text);
  }
  return texts;
}

// The point as it is read again, so that what follows from its times does not depend on who computes it.
TunePoint as_written(TunePoint point) {
  for (TuneTiming& timing : point.variants) {
    timing.time_us = rounded(timing.time_us);
    timing.spread = rounded(timing.spread);
  }
  return point;
}

Json json_of(const TuneOperator& op, const TunePoint& measured, const std::string& chosen) {
  const TunePoint point = as_written(measured);
  Json key = Json::object(), variants = Json::array();
  for (std::size_t i = 0; i < op.axes.size(); ++i) key[op.axes[i].name] = point.key.at(i);
  for (const TuneTiming& timing : point.variants) {
    variants.push_back({{"name", timing.variant}, {"time_us", timing.time_us}, {"spread", timing.spread}});
  }
  Json json = {{"name", point.name},
               {"form", point.form},
               {"key", key},
               {"chosen", chosen},
               {"regret", rounded(regret_of(point, chosen))}};
  if (point.limit_us > 0) json["limit_us"] = rounded(point.limit_us);
  json["variants"] = variants;
  return json;
}

}  // namespace

std::string text_of(const TuneDocument& document) {
  const TuneMachine& m = document.machine;
  const Json machine = {{"gpu", m.gpu},       {"uuid", m.uuid},       {"driver", m.driver},
                        {"cuda", m.cuda},     {"sm", m.sm},           {"sm_count", m.sm_count},
                        {"commit", m.commit}, {"library", m.library}, {"library_digest", m.library_digest},
                        {"date", m.date}};
  std::string text = fmt::format("{{\"schema\": \"{}\",\n \"machine\": {},\n \"margin\": {},\n \"operators\": [",
                                 kTuneSchema, machine.dump(), document.margin);
  const char* between = "\n";
  for (const TuneOperator& op : document.operators) {
    const auto rows = rows_of(op.axes, op.points, document.margin);
    Json axes = Json::array();
    for (const TuneAxis& axis : op.axes) {
      axes.push_back({{"name", axis.name}, {"kind", axis.kind == AxisKind::kExact ? "exact" : "range"}});
    }
    text +=
        fmt::format("{}  {{\"operator\": \"{}\", \"axes\": {},\n   \"points\": [", between, op.name, axes.dump());
    between = ",\n";
    std::vector<std::string> points;
    for (const TunePoint& point : op.points)
      points.push_back("    " + json_of(op, point, choice_of(rows, point)).dump());
    text += fmt::format("\n{}]}}", fmt::join(points, ",\n"));
  }
  return text + "]}\n";
}

TuneDocument tune_document_of(const nlohmann::json& json) try {
  TuneDocument document;
  const auto& m = json.at("machine");
  document.machine = {m.at("gpu"),
                      m.value("uuid", ""),
                      m.at("driver"),
                      m.at("cuda"),
                      m.at("commit"),
                      m.value("library", ""),
                      m.value("library_digest", ""),
                      m.at("date"),
                      m.at("sm"),
                      m.at("sm_count")};
  document.margin = json.at("margin");
  for (const auto& op : json.at("operators")) {
    TuneOperator& made = document.operators.emplace_back();
    made.name = op.at("operator");
    for (const auto& axis : op.at("axes")) {
      made.axes.push_back({axis.at("name"), axis.at("kind") == "exact" ? AxisKind::kExact : AxisKind::kRange});
    }
    for (const auto& point : op.at("points")) {
      TunePoint& one = made.points.emplace_back();
      one.name = point.at("name");
      one.form = point.at("form");
      for (const TuneAxis& axis : made.axes) one.key.push_back(point.at("key").at(axis.name));
      for (const auto& variant : point.at("variants")) {
        one.variants.push_back({variant.at("name"), variant.at("time_us"), variant.at("spread")});
      }
      if (one.variants.empty()) throw HarnessError(fmt::format("point {} has no variant", one.name));
      one.limit_us = point.value("limit_us", 0.0);
    }
  }
  return document;
} catch (const nlohmann::json::exception& error) {
  throw HarnessError(fmt::format("not a whole {}: {}", kTuneSchema, error.what()));
}

TuneDocument read_tune_document(const std::string& path) {
  try {
    return tune_document_of(read_json(path, kTuneSchema));
  } catch (const HarnessError& error) {
    const std::string words = error.what();
    throw HarnessError(words.find(path) == std::string::npos ? path + ": " + words : words);
  }
}

std::string table_source(const TuneDocument& document, const TuneOperator& op) {
  const TuneMachine& m = document.machine;
  const auto rows = rows_of(op.axes, op.points, document.margin);
  const Worst worst = worst_of(op, rows);
  std::vector<std::string> names;
  for (const TuneAxis& axis : op.axes) names.push_back(axis.name);
  const std::string table = fmt::format("k{}Sm{}", camel_case(op.name), m.sm);

  std::string text = fmt::format(
      "// Generated by `plumbline tune` from golden/tune/: which variant of {} serves which calls best.\n"
      "//   GPU       {} ({} multiprocessors), driver {}, CUDA {}\n"
      "//   measured  {}, commit {}, {} points, data from device memory\n"
      "//   margin    {:.1f}%: variants that are closer are not told apart (nor, up to {:.1f}%, where samples "
      "scatter\n"
      "//             more); of such the first in the order of variants.cu stands here\n"
      "//   worst     {:.1f}% behind the best variant, at\n"
      "//             {}\n"
      "#pragma once\n\n"
      "#include \"optimized/host/tuned.h\"\n\n"
      "namespace plumb {{\n\n"
      "// The first and the last value that a row is for, of {}.\n"
      "// clang-format off\n"
      "inline constexpr TunedRow {}Rows[] = {{\n",
      op.name, m.gpu, m.sm_count, m.driver, m.cuda, m.date, m.commit, op.points.size(), 100 * document.margin,
      200 * document.margin, 100 * worst.regret, worst.name, fmt::join(names, ", "), table);
  std::vector<std::vector<std::string>> lines;
  for (const TuneRow& row : rows) {
    std::vector<std::string> line = {"   "};
    for (std::size_t i = 0; i < row.ranges.size(); ++i) {
      std::string range = text_of(row.ranges[i]);
      if (i == 0) range.insert(0, "{{{");
      if (i + 1 == row.ranges.size()) range.back() = '}', range += "},";
      line.push_back(std::move(range));
    }
    line.push_back(fmt::format("\"{}\"}},", row.variant));
    lines.push_back(std::move(line));
  }
  const auto texts = aligned(lines);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 || rows[i].form != rows[i - 1].form) text += fmt::format("    // {}\n", rows[i].form);
    text += texts[i] + "\n";
  }
  return text + fmt::format(
                    "}};\n"
                    "// clang-format on\n\n"
                    "inline constexpr TunedTable {} = {{.sm = {}, .sm_count = {}, .rows = {}Rows}};\n\n"
                    "}}  // namespace plumb\n",
                    table, m.sm, m.sm_count, table);
}

std::string table_path(const std::string& folder, const TuneDocument& document, const TuneOperator& op) {
  return fmt::format("{}/{}/tuned/sm{}.h", folder, op.name, document.machine.sm);
}

}  // namespace plumb
