// Reading the documents of bench and check.
#include "harness/history/document.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>
#include <span>

#include <nlohmann/json.hpp>

#include "harness/error.h"
#include "harness/files.h"
#include "reference/numeric/digest.h"

namespace plumb::history {
namespace {

using nlohmann::json;

constexpr const char* kCheckSchema = "plumbline.check/1";

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw HarnessError(fmt::format("{}: {}", path, what));
}

// Custom entries of Google Benchmark's context are strings; null and absent are unknown.
std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

int megahertz_of(const json& context, const char* key, const std::string& path) {
  const std::string text = text_of(context, key);
  if (text.empty()) return 0;
  int value = 0;
  char extra = 0;
  if (std::sscanf(text.c_str(), "%d%c", &value, &extra) != 1 || value <= 0) {
    refuse(path, fmt::format("context.{} is '{}', expected a clock in MHz", key, text));
  }
  return value;
}

double number_of(const json& row, const char* key) {
  const auto found = row.find(key);
  return found == row.end() || !found->is_number() ? 0 : found->get<double>();
}

double microseconds_of(const json& row) {
  const std::map<std::string, double> units = {{"ns", 1e-3}, {"us", 1}, {"ms", 1e3}, {"s", 1e6}};
  const auto unit = units.find(row.value("time_unit", std::string("ns")));
  return unit == units.end() ? 0 : number_of(row, "real_time") * unit->second;
}

// Repetitions of one benchmark are one point, of their median times.
NewPoint median_of(std::vector<NewPoint> repetitions) {
  const auto middle = repetitions.begin() + static_cast<std::ptrdiff_t>(repetitions.size() / 2);
  std::nth_element(repetitions.begin(), middle, repetitions.end(), [](const NewPoint& a, const NewPoint& b) {
    return a.time_us / a.limit_us < b.time_us / b.limit_us;
  });
  return *middle;
}

Document bench_document(const json& document, const std::string& path) {
  const json &context = document["context"], &rows = document["benchmarks"];
  if (!context.is_object() || !rows.is_array())
    refuse(path, "context and benchmarks are not those of a benchmark run");
  Document result;
  result.key = {.gpu = text_of(context, "gpu"),
                .uuid = text_of(context, "uuid"),
                .driver = text_of(context, "driver"),
                .cuda = text_of(context, "cuda"),
                .library = text_of(context, "library"),
                .library_digest = text_of(context, "library_digest"),
                .commit = text_of(context, "commit"),
                .host = text_of(context, "host_name"),
                .sm_clock_mhz = megahertz_of(context, "sm_clock_mhz", path),
                .memory_clock_mhz = megahertz_of(context, "memory_clock_mhz", path)};
  if (result.key.gpu.empty()) refuse(path, "context.gpu is missing: expected the JSON that plumbline bench writes");
  result.date = text_of(context, "date");
  std::map<std::string, std::vector<NewPoint>> points;
  std::vector<std::string> order;
  for (const json& row : rows) {
    if (!row.is_object()) refuse(path, "a benchmark is no object");
    if (row.value("run_type", std::string("iteration")) != "iteration") continue;  // aggregates of rows seen
    if (row.value("error_occurred", false)) {
      ++result.skipped;
      continue;
    }
    std::string name = text_of(row, "run_name");
    if (name.empty()) name = text_of(row, "name");
    if (name.empty()) refuse(path, "a benchmark has no name");
    NewPoint point{
        .name = name, .operator_name = name.substr(0, name.find('/')), .time_us = number_of(row, "time_us")};
    if (point.time_us == 0) point.time_us = microseconds_of(row);
    point.limit_us = number_of(row, "limit_us");
    if (!(std::isfinite(point.time_us) && point.time_us > 0 && std::isfinite(point.limit_us) &&
          point.limit_us > 0)) {
      refuse(path, fmt::format("benchmark {} has time_us {} and limit_us {}, expected both to be above 0", name,
                               point.time_us, point.limit_us));
    }
    if (points[name].empty()) order.push_back(name);
    points[name].push_back(std::move(point));
  }
  for (const std::string& name : order) result.points.push_back(median_of(points[name]));
  if (result.points.empty()) refuse(path, "has no benchmark with a time");
  return result;
}

Document check_document(const json& document, const std::string& path) {
  const json none = json::object();
  const auto object = [&](const char* key) -> const json& {
    const auto found = document.find(key);
    return found != document.end() && found->is_object() ? *found : none;
  };
  const json &device = object("device"), &library = object("library"), &summary = object("summary");
  if (device.empty() || summary.empty()) refuse(path, "has no device or no summary");
  Document result;
  std::string named = text_of(library, "name");
  if (const std::string version = text_of(library, "version"); !version.empty()) named += " " + version;
  result.key = {.gpu = text_of(device, "name"),
                .uuid = text_of(device, "uuid"),
                .driver = text_of(device, "driver"),
                .cuda = text_of(device, "cuda"),
                .library = named,
                .library_digest = text_of(library, "digest"),
                .commit = text_of(document, "commit"),
                .host = ""};
  result.date = text_of(document, "started");
  const auto count = [&](const char* state) {
    const auto found = summary.find(state);
    if (found == summary.end()) return 0;
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() > 1'000'000'000) {
      refuse(path, fmt::format("summary.{} is {}, expected a count", state, found->dump()));
    }
    return found->get<int>();
  };
  result.check = CheckCounts{.tier = text_of(document, "tier"),
                             .passed = count("passed"),
                             .failed = count("failed"),
                             .mistrusted = count("mistrusted"),
                             .unsupported = count("unsupported"),
                             .skipped = count("skipped"),
                             .crashed = count("crashed"),
                             .error = count("error")};
  return result;
}

}  // namespace

std::optional<std::string> utc_of(const std::string& date) {
  std::tm time{};
  int used = 0, hours = 0, minutes = 0;
  char sign = 0;
  if (std::sscanf(date.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &time.tm_year, &time.tm_mon, &time.tm_mday,
                  &time.tm_hour, &time.tm_min, &time.tm_sec, &used) != 6) {
    return std::nullopt;
  }
  std::string rest = date.substr(static_cast<std::size_t>(used));
  if (!rest.empty() && rest[0] == '.')
    rest.erase(0, std::min(rest.size(), rest.find_first_not_of("0123456789", 1)));
  if (rest != "Z" && !rest.empty()) {
    if (std::sscanf(rest.c_str(), "%c%2d:%2d", &sign, &hours, &minutes) != 3 || (sign != '+' && sign != '-')) {
      return std::nullopt;
    }
  }
  time.tm_year -= 1900, time.tm_mon -= 1;
  const std::tm asked = time;
  const std::time_t seconds = timegm(&time);
  if (time.tm_mon != asked.tm_mon || time.tm_mday != asked.tm_mday || time.tm_hour != asked.tm_hour) {
    return std::nullopt;  // timegm has mended a 31st of February
  }
  const std::time_t offset = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds - offset));
}

std::int64_t seconds_of(const std::string& utc) {
  std::tm time{};
  if (std::sscanf(utc.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d", &time.tm_year, &time.tm_mon, &time.tm_mday, &time.tm_hour,
                  &time.tm_min, &time.tm_sec) != 6) {
    return 0;
  }
  time.tm_year -= 1900, time.tm_mon -= 1;
  return timegm(&time);
}

Document read_document(const std::string& path) {
  const json document = json::parse(read_file(path), nullptr, false);
  if (document.is_discarded()) refuse(path, "is damaged: no valid JSON");
  const auto schema = document.is_object() && document.contains("schema") ? document["schema"] : json();
  Document result;
  try {
    if (schema == kCheckSchema) {
      result = check_document(document, path);
    } else if (schema.is_null() && document.is_object() && document.contains("context") &&
               document.contains("benchmarks")) {
      result = bench_document(document, path);
    } else {
      refuse(path, fmt::format("schema is {}, expected \"{}\" or the JSON of bench", schema.dump(), kCheckSchema));
    }
  } catch (const json::exception& error) {
    refuse(path, fmt::format("is no document of check or bench: {}", error.what()));
  }
  const auto date = utc_of(result.date);
  if (!date) refuse(path, fmt::format("its date is '{}', expected one such as 2026-11-22T05:00:00Z", result.date));
  result.date = *date;
  const std::string canonical = document.dump(-1, ' ', false, json::error_handler_t::replace);
  result.digest = to_hex(murmur3_128(std::as_bytes(std::span(canonical))));
  return result;
}

}  // namespace plumb::history
