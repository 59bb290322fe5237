// `plumbline tune`: measures every variant over a grid of sizes and writes the tables that selection compiles in.
#pragma once

#include <string>

namespace plumb {

struct TuneOptions {
  std::string device = "cuda:0";
  int ordinal = 0;
  std::string library;        // empty: the one built with this program
  std::string operator_name;  // empty: all
  double margin = 0.01;       // share of a time below which two variants count as equal
  std::string json;           // file to write, empty: none
  std::string output;         // folder that stands for optimized/, empty: no tables are written
  std::string from;           // measurements of an earlier run, in place of a device; empty: measure
};

// Returns the exit code. Throws HarnessError when nothing can be measured or written.
int run_tune(const TuneOptions& options);

// Measures on the device of the options; defined once for builds with CUDA and once for those without.
struct TuneDocument;
TuneDocument measure_tuning(const TuneOptions& options);

}  // namespace plumb
