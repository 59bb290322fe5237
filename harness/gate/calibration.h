// What A/A runs taught about a class of machines: margins, and how often the gate cried wolf
// (plumbline.calibration/1).
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/gate/margin.h"

namespace plumb {

inline constexpr double kMarginFloor = 0.003;  // no margin is narrower, however quiet the runs were

struct CalibrationRun {
  std::string date;
  nlohmann::json machine;
  int points = 0, false_alarms = 0;
  std::string verdict;
};

struct Calibration {
  std::string machine_class;  // "NVIDIA H200"
  std::vector<CalibrationRun> runs;
  std::map<std::string, std::vector<double>> estimates;  // of each point: log ratios, one per process of an A/A run

  // Gates with a false alarm among all, and the bound below which their share lies with 95% confidence.
  int false_gates() const;
  double upper_95() const { return share_upper_bound(false_gates(), static_cast<int>(runs.size()), 0.05); }
};

// Throws HarnessError naming the file: missing, damaged, another schema, another machine class (unless `expected`
// is empty).
Calibration load_calibration(const std::string& path, const std::string& expected_class);

nlohmann::json to_json(const Calibration& calibration);

// For each point its margin. Points that no run has measured get the default exceedance, or the learned one where
// that is larger.
std::vector<Margin> margins_for(const Calibration& calibration, const std::vector<std::string>& points);

}  // namespace plumb
