// `plumbline bench`: times of variants beside the speed of light measured in the same run.
#pragma once

#include <string>
#include <vector>

namespace plumb {

struct BenchOptions {
  std::string device = "cuda:0";
  int ordinal = 0;
  std::string library;  // empty: the one built with this program
  std::string points = "headline";
  std::string variant = "selected";  // selected | all | a variant's name
  std::string cache = "cold";        // cold | hot | both
  std::string json;                  // file to write, empty: none
  std::vector<std::string> benchmark_flags;
};

// Returns the exit code. Throws HarnessError before anything is measured when it cannot be.
int run_bench(const BenchOptions& options);

}  // namespace plumb
