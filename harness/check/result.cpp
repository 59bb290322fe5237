// Case results to and from JSON.
#include "harness/check/result.h"

#include <nlohmann/json.hpp>

namespace plumb {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VariantResult, name, state, reason, worst, differing, compared, bias, change,
                                   ulp_histogram, failed_checks)

nlohmann::json to_json(const CaseResult& result) {
  return {{"name", result.name},         {"operator", result.operator_name},
          {"dtype", result.dtype},       {"axes", result.axes},
          {"state", result.state},       {"reason", result.reason},
          {"repro", result.repro},       {"golden", result.golden},
          {"selected", result.selected}, {"blind_spot", result.blind_spot},
          {"variants", result.variants}, {"digests", result.digests}};
}

CaseResult case_result_from(const nlohmann::json& document) {
  CaseResult result;
  document.at("name").get_to(result.name);
  document.at("operator").get_to(result.operator_name);
  document.at("dtype").get_to(result.dtype);
  document.at("axes").get_to(result.axes);
  document.at("state").get_to(result.state);
  document.at("reason").get_to(result.reason);
  document.at("repro").get_to(result.repro);
  document.at("golden").get_to(result.golden);
  document.at("selected").get_to(result.selected);
  document.at("blind_spot").get_to(result.blind_spot);
  document.at("variants").get_to(result.variants);
  document.at("digests").get_to(result.digests);
  return result;
}

}  // namespace plumb
