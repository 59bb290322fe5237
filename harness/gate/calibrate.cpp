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

}  // namespace

void add_run(Calibration& calibration, const GateReport& report) {
  int flags = 0;
  for (const GatePoint& point : report.result.points) {
    flags += point.verdict.verdict == Verdict::kRegressed;
    const bool disturbed = !point.note.empty();
    if (disturbed || !std::isfinite(point.screen_estimate)) continue;
    std::vector<double>& estimates = calibration.estimates[point.timing.name];
    estimates.push_back(point.screen_estimate);
    if (estimates.size() > kMostEstimates) estimates.erase(estimates.begin());
  }
  calibration.runs.push_back({.date = report.machine.value("date", ""),
                              .machine = report.machine,
                              .points = static_cast<int>(report.result.points.size()),
                              .false_alarms = flags,
                              .verdict = std::string(name_of(report.result.verdict))});
}

int run_calibrate(const CalibrateOptions& options) {
  GateOptions gate = options.gate;
  gate.baseline = gate.candidate = options.library.empty() ? default_library_path() : options.library;
  Calibration calibration;
  const bool exists = std::filesystem::exists(options.calibration);
  if (exists) calibration = load_calibration(options.calibration, "");
  FileWriter(options.calibration);  // fails now if it cannot be written
  int false_alarms = 0;
  for (int run = 0; run < options.runs; ++run) {
    gate.calibration = calibration.runs.empty() ? "" : options.calibration;
    const GateReport report = measure_gate(gate);
    if (report.result.correctness.candidate.failed > 0) {
      fmt::print("{}", table_text(report));
      throw HarnessError("the library is wrong on some cases: nothing was learned from timing it");
    }
    calibration.machine_class = report.machine["gpu"];
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
