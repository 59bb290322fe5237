// Reading and writing calibrations, and the margins they give.
#include "harness/gate/calibration.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/error.h"
#include "harness/files.h"

namespace plumb {
namespace {

constexpr std::string_view kSchema = "plumbline.calibration/1";

}  // namespace

int Calibration::false_gates() const {
  return static_cast<int>(
      std::count_if(runs.begin(), runs.end(), [](const CalibrationRun& run) { return run.false_alarms > 0; }));
}

Calibration load_calibration(const std::string& path, const std::string& expected_class) {
  const nlohmann::json document = read_json(path, kSchema);
  Calibration calibration;
  try {
    document.at("machine_class").get_to(calibration.machine_class);
    for (const auto& entry : document.at("runs")) {
      calibration.runs.push_back({.date = entry.at("date"),
                                  .machine = entry.at("machine"),
                                  .points = entry.at("points"),
                                  .false_alarms = entry.at("false_alarms"),
                                  .verdict = entry.value("verdict", "")});
    }
    for (const auto& [name, margin] : document.at("margins").items()) {
      margin.at("estimates").get_to(calibration.estimates[name]);
    }
  } catch (const nlohmann::json::exception& error) {
    throw HarnessError(fmt::format("{}: is damaged: {}", path, error.what()));
  }
  if (!expected_class.empty() && calibration.machine_class != expected_class) {
    throw HarnessError(fmt::format("{}: was made on {}, this machine has {}: its margins do not apply here", path,
                                   calibration.machine_class, expected_class));
  }
  return calibration;
}

nlohmann::json to_json(const Calibration& calibration) {
  std::vector<std::string> names;
  for (const auto& [name, estimates] : calibration.estimates) names.push_back(name);
  const std::vector<Margin> learned = margins_for(calibration, names);
  nlohmann::json runs = nlohmann::json::array(), margins = nlohmann::json::object();
  for (const CalibrationRun& run : calibration.runs) {
    runs.push_back({{"date", run.date},
                    {"machine", run.machine},
                    {"points", run.points},
                    {"false_alarms", run.false_alarms},
                    {"verdict", run.verdict}});
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    margins[names[i]] = {{"width", learned[i].width}, {"estimates", calibration.estimates.at(names[i])}};
  }
  return {{"schema", kSchema},
          {"machine_class", calibration.machine_class},
          {"runs", std::move(runs)},
          {"margins", std::move(margins)},
          {"exceedance", learned.empty() ? 1.0 : learned.front().exceedance},
          {"false_alarm",
           {{"gates", calibration.runs.size()},
            {"false", calibration.false_gates()},
            {"upper_95", calibration.upper_95()}}}};
}

std::vector<Margin> margins_for(const Calibration& calibration, const std::vector<std::string>& points) {
  // The exceedance is one number for all that was ever measured.
  std::vector<std::vector<double>> all;
  std::map<std::string, std::size_t> place;
  for (const auto& [name, estimates] : calibration.estimates) {
    place[name] = all.size();
    all.push_back(estimates);
  }
  const std::vector<Margin> learned = learn_margins(all, log_ratio(kMarginFloor));
  std::vector<Margin> margins;
  for (const std::string& point : points) {
    const auto found = place.find(point);
    if (found != place.end() && !all[found->second].empty()) {
      margins.push_back(learned[found->second]);
    } else {
      margins.emplace_back();
      if (!learned.empty()) margins.back().exceedance = std::max(margins.back().exceedance, learned[0].exceedance);
    }
  }
  return margins;
}

}  // namespace plumb
