// The subcommands of `plumbline history`.
#include "harness/history/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "harness/error.h"
#include "harness/files.h"
#include "harness/history/location.h"
#include "harness/history/report.h"
#include "harness/history/store.h"

namespace plumb {
namespace {

using namespace history;

std::string location_of(const HistoryOptions& options) {
  if (!options.database.empty()) return options.database;
  const char* set = std::getenv("PLUMBLINE_HISTORY");
  return set && *set ? set : "history.sqlite";
}

Selection selection_of(const HistoryOptions& options) {
  return {.glob = options.series,
          .gpu = options.gpu,
          .uuid = options.uuid,
          .host = options.host,
          .nights = options.nights,
          .points = true};
}

Content content_of(const HistoryOptions& options, bool points) {
  Selection selection = selection_of(options);
  selection.points = points;
  Content content = Store(location_of(options), Store::Open::kExisting).read(selection);
  if (points && !options.series.empty() && content.series.empty()) {
    throw HarnessError(
        fmt::format("history {}: no series is named '{}'", printable(location_of(options)), options.series));
  }
  return content;
}

ChangeRules rules_of(const HistoryOptions& options) {
  return {.min_effect = options.min_effect, .false_discovery = options.false_discovery};
}

std::string check_words(const std::optional<CheckCounts>& check) {
  if (!check) return "-";
  const int wrong = check->failed + check->crashed + check->error;
  return wrong == 0 ? fmt::format("{} passed", check->passed) : fmt::format("{} WRONG", wrong);
}

const Run& run_at(const Content& content, const Series& series, std::size_t night) {
  return content.runs[static_cast<std::size_t>(series.points[night].run)];
}

std::string day_of(const Run& run) { return run.date.substr(0, 10); }

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : ", ") + word;
  return line;
}

// Changes by size, then what is no change: drift, outliers, two states.
void print_findings(const Content& content, const std::vector<Findings>& findings) {
  struct Row {
    const Series* series;
    const Change* change;
  };
  std::vector<Row> rows;
  std::size_t outliers = 0, outlying = 0;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    for (const Change& change : findings[i].changes) rows.push_back({&content.series[i], &change});
    outliers += findings[i].outliers.size();
    outlying += !findings[i].outliers.empty();
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.change->effect > b.change->effect; });
  if (!rows.empty()) {
    fmt::print("{:>9}  {:>20} {:>8}  {:10}  {:>5}  {:25}  {}\n", "effect", "95% interval", "q", "first night",
               "run", "commits", "series");
  }
  for (const auto& [series, change] : rows) {
    const Run &before = run_at(content, *series, change->at - 1), &after = run_at(content, *series, change->at);
    fmt::print("{:>9}  {:>20} {:>8.1g}  {:11}  {:>5}  {:25}  {}\n", percent(change->effect),
               fmt::format("{} .. {}", percent(change->lower), percent(change->upper)), change->q, day_of(after),
               after.id, before.key.commit + ".." + after.key.commit, series->name);
    if (const auto also = differences(before, after); !also.empty())
      fmt::print("{:>9}  also changed: {}\n", "", joined(also));
  }
  for (std::size_t i = 0; i < findings.size(); ++i) {
    if (!findings[i].drift) continue;
    const Series& series = content.series[i];
    const Run& since = run_at(content, series, findings[i].drift->since);
    fmt::print("{:>9}  slow drift since {} (run {}{}), q {:.1g}: {}\n", percent(findings[i].drift->effect),
               day_of(since), since.id, since.pinned.empty() ? "" : ", pinned as " + since.pinned,
               findings[i].drift->q, series.name);
  }
  for (std::size_t i = 0; i < findings.size(); ++i) {
    if (!findings[i].states) continue;
    fmt::print("{:>9}  two states, {:.0f}% of the nights in the rarer one; no change: {}\n",
               percent(findings[i].states->gap), 100 * findings[i].states->share, content.series[i].name);
  }
  if (outliers > 0) fmt::print("{} single nights in {} series are outliers, not changes\n", outliers, outlying);
  // A series that ends is not judged any more; that is worth knowing when the selector's choice has moved on.
  const auto newest =
      std::find_if(content.runs.rbegin(), content.runs.rend(), [](const Run& run) { return run.points > 0; });
  if (newest != content.runs.rend()) {
    const int latest = static_cast<int>(content.runs.rend() - newest) - 1;
    const auto ended = std::count_if(content.series.begin(), content.series.end(),
                                     [&](const Series& series) { return series.points.back().run != latest; });
    if (ended > 0) fmt::print("{} series have no point in the latest run\n", ended);
  }
}

}  // namespace

int run_history_add(const HistoryOptions& options) {
  std::vector<Document> documents;
  for (const std::string& path : options.documents) documents.push_back(read_document(path));
  const std::string location = location_of(options);
  const std::vector<Added> added = Store(location, Store::Open::kCreate).add(documents, options.note);
  for (std::size_t i = 0; i < added.size(); ++i) {
    const Added& one = added[i];
    std::string what = documents[i].check ? "a check" : fmt::format("{} points", one.points);
    if (one.new_series > 0) what += fmt::format(", {} new series", one.new_series);
    if (documents[i].skipped > 0) what += fmt::format(", {} failed benchmarks left out", documents[i].skipped);
    fmt::print("{}: run {}{}: {}\n", options.documents[i], one.run,
               one.known        ? " had it already"
               : one.is_new_run ? ""
                                : ", which was there",
               what);
  }
  return kExitPass;
}

int run_history_list(const HistoryOptions& options) {
  const Content content = content_of(options, false);
  fmt::print("{:>5}  {:20}  {:14}  {:20}  {:12}  {:6}  {:>6}  {:>14}  {}\n", "run", "date", "commit", "gpu",
             "driver", "host", "points", "check", "pinned, note");
  for (const Run& run : content.runs) {
    const std::string remarks = run.pinned + (run.pinned.empty() || run.note.empty() ? "" : ", ") + run.note;
    fmt::print("{:>5}  {:20}  {:14}  {:20}  {:12}  {:6}  {:>6}  {:>14}  {}\n", run.id, run.date, run.key.commit,
               run.key.gpu, run.key.driver, run.key.host, run.points, check_words(run.check), remarks);
  }
  fmt::print("{} runs, {} series\n", content.runs.size(), content.series.size());
  return kExitPass;
}

int run_history_show(const HistoryOptions& options) {
  const Content content = content_of(options, true);
  const std::vector<Findings> findings = analyse(content, rules_of(options));
  for (std::size_t i = 0; i < content.series.size(); ++i) {
    const Series& series = content.series[i];
    const auto pinned = pinned_point(content, series);
    fmt::print("{}\n{} on {}\n", series.slug, series.name, series.gpu);
    fmt::print("{:>5}  {:20}  {:14} {:>10} {:>10} {:>8} {:>10}\n", "run", "date", "commit", "time us", "limit us",
               "ratio", "to pinned");
    for (std::size_t night = 0; night < series.points.size(); ++night) {
      const Point& point = series.points[night];
      const Run& run = run_at(content, series, night);
      std::string mark;
      for (const Change& change : findings[i].changes) {
        if (change.at == night) mark += fmt::format("  change {} (q {:.1g})", percent(change.effect), change.q);
      }
      if (std::count(findings[i].outliers.begin(), findings[i].outliers.end(), night)) mark += "  outlier";
      if (findings[i].drift && findings[i].drift->since == night) {
        mark += fmt::format("  drift of {} from here on", percent(findings[i].drift->effect));
      }
      if (!run.pinned.empty()) mark += "  pinned as " + run.pinned;
      fmt::print("{:>5}  {:20}  {:14} {:>10.3f} {:>10.3f} {:>8.4f} {:>10}{}\n", run.id, run.date, run.key.commit,
                 point.time_us, point.limit_us, point.ratio(),
                 pinned ? fmt::format("{:.4f}", point.ratio() / series.points[*pinned].ratio()) : "-", mark);
    }
    fmt::print("\n");
  }
  return kExitPass;
}

int run_history_export(const HistoryOptions& options) {
  const Content content = content_of(options, true);
  const nlohmann::json document = document_of(content, analyse(content, rules_of(options)), rules_of(options));
  const std::string text = document.dump(0, ' ', false, nlohmann::json::error_handler_t::replace);
  if (options.json.empty()) {
    fmt::print("{}\n", text);
  } else {
    write_file(options.json, text);
    fmt::print("{} runs and {} series: {}\n", content.runs.size(), content.series.size(), options.json);
  }
  return kExitPass;
}

int run_history_changes(const HistoryOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const Content content = content_of(options, true);
  const std::vector<Findings> findings = analyse(content, rules_of(options));
  print_findings(content, findings);
  std::size_t changes = 0, drifts = 0, nights = 0, short_series = 0;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    changes += findings[i].changes.size();
    drifts += findings[i].drift.has_value();
    nights = std::max(nights, content.series[i].points.size());
    short_series += content.series[i].points.size() < kLeastNights;
  }
  if (!options.json.empty()) {
    write_file(options.json, document_of(content, findings, rules_of(options)).dump());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print(
      "{} series of up to {} nights: {} changes of at least {:.2f}% and {} drifts at a false-discovery rate of "
      "{:.2g}%, in {:.1f} s\n",
      content.series.size(), nights, changes, 100 * options.min_effect, drifts, 100 * options.false_discovery,
      seconds.count());
  if (short_series > 0) {
    fmt::print("{} of them have fewer than {} nights, too few to tell a change from noise\n", short_series,
               kLeastNights);
  }
  return kExitPass;
}

int run_history_baseline(const HistoryOptions& options) {
  Store store(location_of(options), Store::Open::kExisting);
  if (options.remove) {
    if (options.label.empty()) throw HarnessError("history baseline --remove: which --label?");
    store.unpin(options.label);
    return kExitPass;
  }
  if (options.run != 0) {
    if (options.label.empty()) throw HarnessError("history baseline RUN: --label is missing, such as --label v1.0");
    store.pin(options.run, options.label);
    return kExitPass;
  }
  for (const Run& run :
       store.read({.glob = "", .gpu = "", .uuid = "", .host = "", .nights = 0, .points = false}).runs) {
    if (!run.pinned.empty()) fmt::print("{:>5}  {}  {}  {}\n", run.id, run.date, run.key.commit, run.pinned);
  }
  return kExitPass;
}

}  // namespace plumb
