// What a gate says: the table on the terminal, JSON (plumbline.gate/1), JUnit XML and a markdown summary.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "harness/gate/flow.h"

namespace plumb {

struct BuildIdentity {
  std::string path, library, digest;
};

struct GateReport {
  nlohmann::json machine;  // the common object of every document
  BuildIdentity baseline, candidate;
  GateResult result;
  GateRules rules;
  bool looked = false;
  std::string blind;  // why the gate could not look at clocks, temperature and processes
  bool calibrated = false;
  double seconds = 0;
};

std::string table_text(const GateReport& report);
nlohmann::json to_json(const GateReport& report);
std::string junit_xml(const GateReport& report);
std::string markdown(const GateReport& report);

}  // namespace plumb
