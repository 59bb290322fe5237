// `plumbline history`: runs are remembered, series shown, changes found.
#pragma once

#include <string>
#include <vector>

namespace plumb {

struct HistoryOptions {
  std::string database;  // a file or postgresql://...; "": $PLUMBLINE_HISTORY, or history.sqlite in this folder
  std::vector<std::string> documents;                 // of add
  std::string note;                                   // of add
  std::string series;                                 // glob over series names; "" for all
  std::string gpu, uuid, host;                        // only runs of this machine
  int nights = 0;                                     // only the latest so many runs; 0 for all
  std::string json;                                   // the result goes into this file, too
  int run = 0;                                        // of baseline; 0 lists what is pinned
  std::string label;                                  // of baseline
  bool remove = false;                                // of baseline
  double min_effect = 0.005, false_discovery = 0.01;  // of changes and export
};

// Each returns an exit code and throws HarnessError for bad input; a build without SOCI throws it always.
int run_history_add(const HistoryOptions& options);
int run_history_list(const HistoryOptions& options);
int run_history_show(const HistoryOptions& options);
int run_history_export(const HistoryOptions& options);
int run_history_changes(const HistoryOptions& options);
int run_history_baseline(const HistoryOptions& options);

}  // namespace plumb
