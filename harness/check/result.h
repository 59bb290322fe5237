// What came of one case, and its form as JSON (the `cases` of plumbline.check/1).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace plumb {

struct VariantResult {
  std::string name;
  std::string state = "passed";  // passed | failed | unsupported
  std::string reason = "";       // one sentence, empty when passed
  double worst = 0;              // largest error as a share of its bound
  std::int64_t differing = 0;    // elements whose bits differ from the replay's
  std::int64_t compared = 0;
  double bias = 0;    // mean error in ulp of the output
  double change = 0;  // of an element against the replay, as a share of twice the output's largest bound
  std::vector<std::int64_t> ulp_histogram = {};  // errors by kUlpEdges (compare/judge.h), no zeros at the end
  std::vector<std::string> failed_checks =
      {};  // of: served bound bits repeat canary untouched inputs bias poison device
};

struct CaseResult {
  std::string name, operator_name, dtype;
  std::map<std::string, std::string> axes;
  std::string state;   // passed | failed | mistrusted | unsupported | skipped | crashed | error
  std::string reason;  // a sentence, or several lines when failed
  std::string repro;
  std::string golden = "absent";  // match | differs | absent
  std::string selected;           // the selector's choice
  double blind_spot = 0;          // largest bound in ulp of the largest expected value
  std::vector<VariantResult> variants;
  std::map<std::string, std::string> digests;  // by class of bit equality
};

nlohmann::json to_json(const CaseResult& result);
CaseResult case_result_from(const nlohmann::json& document);  // throws nlohmann::json::exception when malformed

}  // namespace plumb
