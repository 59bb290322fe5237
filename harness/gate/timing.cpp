// Timings to and from JSON.
#include "harness/gate/timing.h"

#include <chrono>
#include <cmath>

#include <nlohmann/json.hpp>

namespace plumb {

nlohmann::json to_json(const PointTiming& timing) {
  return {{"name", timing.name},
          {"variant_baseline", timing.variant_baseline},
          {"variant_candidate", timing.variant_candidate},
          {"blocks", timing.blocks},
          {"baseline_us", timing.baseline_us},
          {"candidate_us", timing.candidate_us},
          {"begin", timing.begin},
          {"end", timing.end},
          {"kernels_baseline", timing.kernels_baseline},
          {"kernels_candidate", timing.kernels_candidate},
          {"refusal", timing.refusal}};
}

PointTiming point_timing_from(const nlohmann::json& document) {
  PointTiming timing;
  document.at("name").get_to(timing.name);
  document.at("variant_baseline").get_to(timing.variant_baseline);
  document.at("variant_candidate").get_to(timing.variant_candidate);
  for (const nlohmann::json& block : document.at("blocks")) {  // JSON has no word for NaN but null
    timing.blocks.push_back(block.is_null() ? std::nan("") : block.get<double>());
  }
  document.at("baseline_us").get_to(timing.baseline_us);
  document.at("candidate_us").get_to(timing.candidate_us);
  document.at("begin").get_to(timing.begin);
  document.at("end").get_to(timing.end);
  document.at("kernels_baseline").get_to(timing.kernels_baseline);
  document.at("kernels_candidate").get_to(timing.kernels_candidate);
  document.at("refusal").get_to(timing.refusal);
  return timing;
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace plumb
