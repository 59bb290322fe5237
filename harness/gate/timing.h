// What a timing process measures at one point, and its form as JSON between processes.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace plumb {

struct PointTiming {
  std::string name;
  std::string variant_baseline, variant_candidate;  // as each library selects
  std::vector<double> blocks;                       // log ratios; above 0: the candidate took longer
  double baseline_us = 0, candidate_us = 0;         // medians per launch
  double begin = 0, end = 0;                        // seconds of the machine's steady clock
  // Kernels in the captured graphs, "mangled name <<<launch shape>>>"; empty: unknown.
  std::vector<std::string> kernels_baseline, kernels_candidate;
  std::string refusal;  // why nothing was measured: the one library serves the point, the other does not
};

nlohmann::json to_json(const PointTiming& timing);
PointTiming point_timing_from(const nlohmann::json& document);  // throws nlohmann::json::exception when malformed

double steady_seconds();

}  // namespace plumb
