// `plumbline calibrate`: a library against itself.
#include "harness/gate/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "harness/error.h"
#include "harness/files.h"
#include "harness/library/library.h"

namespace plumb {
namespace {

// So many of the latest estimates of a point are kept: a machine changes with its drivers.
constexpr std::size_t kMostEstimates = 200;

struct Estimate {
  std::string point;
  double effect;  // log ratio
};

void add(Calibration& calibration, const nlohmann::json& machine, const std::vector<Estimate>& estimates,
         int points, int flags, const std::string& verdict) {
  const std::string gpu = machine.at("gpu");
  if (!calibration.runs.empty() && calibration.machine_class != gpu) {
    throw HarnessError(
        fmt::format("a run on {} cannot be added to a calibration of {}", gpu, calibration.machine_class));
  }
  calibration.machine_class = gpu;
  for (const Estimate& estimate : estimates) {
    std::vector<double>& known = calibration.estimates[estimate.point];
    known.push_back(estimate.effect);
    if (known.size() > kMostEstimates) known.erase(known.begin());
  }
  calibration.runs.push_back({.date = machine.value("date", ""),
                              .machine = machine,
                              .points = points,
                              .false_alarms = flags,
                              .verdict = verdict});
}

}  // namespace

void add_run(Calibration& calibration, const GateReport& report) {
  int flags = 0;
  std::vector<Estimate> estimates;
  for (const GatePoint& point : report.result.points) {
    flags += point.verdict.verdict == Verdict::kRegressed;
    const bool disturbed = !point.note.empty();
    if (!disturbed && std::isfinite(point.screen_estimate)) {
      estimates.push_back({point.timing.name, point.screen_estimate});
    }
  }
  add(calibration, report.machine, estimates, static_cast<int>(report.result.points.size()), flags,
      std::string(name_of(report.result.verdict)));
}

void add_document(Calibration& calibration, const std::string& path) {
  const nlohmann::json document = read_json(path, "plumbline.gate/1");
  try {
    if (document.at("baseline").at("digest") != document.at("candidate").at("digest")) {
      throw HarnessError(fmt::format("{}: is no A/A gate: baseline and candidate differ", path));
    }
    int flags = 0;
    std::vector<Estimate> estimates;
    for (const auto& point : document.at("points")) {
      flags += point.at("verdict") == "regressed";
      if (!point.contains("note") && point.at("screen_effect").is_number()) {
        estimates.push_back({point.at("name"), log_ratio(point.at("screen_effect"))});
      }
    }
    add(calibration, document.at("machine"), estimates, static_cast<int>(document.at("points").size()), flags,
        document.at("verdict"));
  } catch (const nlohmann::json::exception& error) {
    throw HarnessError(fmt::format("{}: is damaged: {}", path, error.what()));
  }
}

int run_calibrate(const CalibrateOptions& options) {
  GateOptions gate = options.gate;
  gate.baseline = gate.candidate = options.library.empty() ? default_library_path() : options.library;
  Calibration calibration;
  const bool exists = std::filesystem::exists(options.calibration);
  if (exists) calibration = load_calibration(options.calibration, "");
  FileWriter(options.calibration);  // fails now if it cannot be written
  int false_alarms = 0;
  for (const std::string& path : options.from) {
    add_document(calibration, path);
    false_alarms += calibration.runs.back().false_alarms;
  }
  if (!options.from.empty()) write_file(options.calibration, to_json(calibration).dump(1) + "\n");
  for (int run = 0; run < options.runs && options.from.empty(); ++run) {
    gate.calibration = calibration.runs.empty() ? "" : options.calibration;
    const GateReport report = measure_gate(gate);
    if (report.result.correctness.candidate.failed > 0) {
      fmt::print("{}", table_text(report));
      throw HarnessError("the library is wrong on some cases: nothing was learned from timing it");
    }
    add_run(calibration, report);
    write_file(options.calibration, to_json(calibration).dump(1) + "\n");
    const int flags = calibration.runs.back().false_alarms;
    false_alarms += flags;
    fmt::print("run {} of {}: {} of {} points flagged, {} suspects, verdict {}, {:.1f} s\n", run + 1, options.runs,
               flags, report.result.points.size(), report.result.suspects, name_of(report.result.verdict),
               report.seconds);
    for (const GatePoint& point : report.result.points) {
      if (point.verdict.verdict == Verdict::kRegressed) fmt::print("  flagged: {}\n", point.timing.name);
    }
  }
  const nlohmann::json document = to_json(calibration);
  std::vector<double> widths;
  for (const auto& [name, margin] : document["margins"].items()) widths.push_back(margin["width"]);
  std::sort(widths.begin(), widths.end());
  fmt::print(
      "{}: {} gates of identical code so far, {} with a false alarm: with 95% confidence fewer than {:.2f}% of "
      "gates\n",
      calibration.machine_class, calibration.runs.size(), calibration.false_gates(), 100 * calibration.upper_95());
  if (!widths.empty()) {
    fmt::print(
        "margins of {} points: median {:.2f}%, largest {:.2f}%; exceeded by fewer than {:.2f}% of processes\n",
        widths.size(), 100 * std::expm1(widths[widths.size() / 2]), 100 * std::expm1(widths.back()),
        100 * document["exceedance"].get<double>());
  }
  return false_alarms > 0 ? kExitMismatch : kExitPass;
}

}  // namespace plumb
