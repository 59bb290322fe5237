// `plumbline calibrate`: a library against itself, to learn margins and to count false alarms.
#pragma once

#include <string>

#include "harness/gate/calibration.h"
#include "harness/gate/gate.h"

namespace plumb {

struct CalibrateOptions {
  std::string library;  // empty: the one built with this program
  int runs = 1;
  std::string calibration;        // the file to extend
  std::vector<std::string> from;  // JSON of A/A gates that ran before: they are added, and nothing is run
  GateOptions gate;
};

// Adds one A/A gate to what is known: its estimates and whether it cried wolf.
void add_run(Calibration& calibration, const GateReport& report);

// The same from a gate's JSON. Throws HarnessError naming the file when it is none, or not of one library with
// itself.
void add_document(Calibration& calibration, const std::string& path);

// Returns the exit code: 0, or 1 when a gate of these runs gave a false alarm. The file is replaced after each run.
int run_calibrate(const CalibrateOptions& options);

}  // namespace plumb
