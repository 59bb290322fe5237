// Findings of a history, and its document.
#include "harness/history/report.h"

#include <fmt/format.h>

#include <cmath>

#include <nlohmann/json.hpp>

#include "harness/files.h"

namespace plumb::history {
namespace {

using nlohmann::json;

json machine_of(const Run& run) {
  const RunKey& key = run.key;
  json machine = {{"date", run.date}};
  const std::pair<const char*, const std::string*> words[] = {
      {"gpu", &key.gpu},         {"uuid", &key.uuid},
      {"driver", &key.driver},   {"cuda", &key.cuda},
      {"host", &key.host},       {"commit", &key.commit},
      {"library", &key.library}, {"library_digest", &key.library_digest}};
  for (const auto& [name, word] : words) {
    if (!word->empty()) machine[name] = *word;
  }
  if (key.sm_clock_mhz > 0) machine["sm_clock_mhz"] = key.sm_clock_mhz;
  if (key.memory_clock_mhz > 0) machine["memory_clock_mhz"] = key.memory_clock_mhz;
  return machine;
}

json run_of(const Run& run) {
  json result = {{"id", run.id},
                 {"date", run.date},
                 {"commit", run.key.commit},
                 {"machine", machine_of(run)},
                 {"points", run.points},
                 {"pinned", run.pinned.empty() ? json() : json(run.pinned)}};
  if (!run.note.empty()) result["note"] = run.note;
  if (run.check) {
    const CheckCounts& check = *run.check;
    result["check"] = {{"tier", check.tier},
                       {"passed", check.passed},
                       {"failed", check.failed},
                       {"mistrusted", check.mistrusted},
                       {"unsupported", check.unsupported},
                       {"skipped", check.skipped},
                       {"crashed", check.crashed},
                       {"error", check.error}};
  }
  return result;
}

// Log ratios become ratios minus one.
double share(double log_ratio) { return std::expm1(log_ratio); }

json change_of(const Content& content, const Series& series, const Change& change) {
  const Run& before = content.runs[static_cast<std::size_t>(series.points[change.at - 1].run)];
  const Run& after = content.runs[static_cast<std::size_t>(series.points[change.at].run)];
  return {{"run", after.id},
          {"before", before.id},
          {"after", after.id},
          {"effect", share(change.effect)},
          {"lower", share(change.lower)},
          {"upper", share(change.upper)},
          {"q", change.q},
          {"commits", {before.key.commit, after.key.commit}},
          {"differences", differences(before, after)}};
}

}  // namespace

std::string percent(double log_ratio) { return fmt::format("{:+.2f}%", 100 * std::expm1(log_ratio)); }

std::optional<std::size_t> pinned_point(const Content& content, const Series& series) {
  for (std::size_t i = series.points.size(); i-- > 0;) {
    if (!content.runs[static_cast<std::size_t>(series.points[i].run)].pinned.empty()) return i;
  }
  return std::nullopt;
}

std::vector<Findings> analyse(const Content& content, const ChangeRules& rules) {
  std::vector<NightSeries> nights;
  for (const Series& series : content.series) {
    NightSeries night{.values = {}, .pinned = pinned_point(content, series)};
    for (const Point& point : series.points) night.values.push_back(std::log(point.ratio()));
    nights.push_back(std::move(night));
  }
  return find_changes(nights, rules);
}

std::vector<std::string> differences(const Run& before, const Run& after) {
  std::vector<std::string> result;
  const auto compare = [&](const char* name, const std::string& old, const std::string& now) {
    if (old != now && !old.empty() && !now.empty()) result.push_back(fmt::format("{} {} -> {}", name, old, now));
  };
  compare("driver", before.key.driver, after.key.driver);
  compare("cuda", before.key.cuda, after.key.cuda);
  compare("uuid", before.key.uuid, after.key.uuid);
  compare("host", before.key.host, after.key.host);
  const auto clock = [](int mhz) { return mhz > 0 ? fmt::format("{} MHz", mhz) : std::string(); };
  compare("SM clock", clock(before.key.sm_clock_mhz), clock(after.key.sm_clock_mhz));
  compare("memory clock", clock(before.key.memory_clock_mhz), clock(after.key.memory_clock_mhz));
  if (before.key.commit == after.key.commit) {
    compare("library digest", before.key.library_digest, after.key.library_digest);
  }
  return result;
}

json document_of(const Content& content, const std::vector<Findings>& findings, const ChangeRules& rules) {
  json runs = json::array(), all = json::array();
  for (const Run& run : content.runs) runs.push_back(run_of(run));
  for (std::size_t i = 0; i < content.series.size(); ++i) {
    const Series& series = content.series[i];
    const Findings& found = findings[i];
    const auto run_at = [&](std::size_t night) {
      return content.runs[static_cast<std::size_t>(series.points[night].run)].id;
    };
    const auto pinned = pinned_point(content, series);
    json points = json::array(), changes = json::array(), outliers = json::array();
    for (const Point& point : series.points) {
      points.push_back({{"run", content.runs[static_cast<std::size_t>(point.run)].id},
                        {"time_us", point.time_us},
                        {"limit_us", point.limit_us},
                        {"ratio", point.ratio()},
                        {"to_pinned", pinned ? json(point.ratio() / series.points[*pinned].ratio()) : json()}});
    }
    for (const Change& change : found.changes) changes.push_back(change_of(content, series, change));
    for (const std::size_t night : found.outliers) outliers.push_back(run_at(night));
    json drift, states;
    if (found.drift) {
      drift = {
          {"effect", share(found.drift->effect)}, {"since", run_at(found.drift->since)}, {"q", found.drift->q}};
    }
    if (found.states) states = {{"gap", share(found.states->gap)}, {"share", found.states->share}};
    all.push_back({{"id", series.slug},
                   {"name", series.name},
                   {"operator", series.operator_name},
                   {"gpu", series.gpu},
                   {"pinned", pinned ? json(run_at(*pinned)) : json()},
                   {"points", std::move(points)},
                   {"changes", std::move(changes)},
                   {"outliers", std::move(outliers)},
                   {"drift", std::move(drift)},
                   {"states", std::move(states)}});
  }
  return {{"schema", "plumbline.history/1"},          {"date", utc_now()},       {"min_effect", rules.min_effect},
          {"false_discovery", rules.false_discovery}, {"runs", std::move(runs)}, {"series", std::move(all)}};
}

}  // namespace plumb::history
