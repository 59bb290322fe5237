// Where the results of bench go: a table for people, Google Benchmark's JSON for machines.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace plumb {

// Names of the counters that every result carries.
inline constexpr const char* kTime = "time_us";           // median over the replays, per launch
inline constexpr const char* kLimit = "limit_us";         // of the kernel that only moves the bytes
inline constexpr const char* kShare = "share_of_limit";   // limit over time: 1 is the speed of light
inline constexpr const char* kRate = "gb_per_s";          // 1e9 bytes that must move, per second
inline constexpr const char* kHost = "select_encode_us";  // of the host, per call: select and launch, maps encoded
inline constexpr const char* kSpread = "spread";          // 90th over 10th percentile of the replays

// One reporter for many runs of Google Benchmark, which come case by case: to the reader of the JSON they are one.
// The names lose what Google Benchmark appends about the way of timing, which is the same for all.
class BenchReport final : public benchmark::BenchmarkReporter {
 public:
  BenchReport();

  // Rows are reported only while `is_valid`: a failed benchmark has none.
  void set_valid(bool is_valid) { is_valid_ = is_valid; }
  // Shown on stderr behind the last row when it is a terminal.
  void show_progress(std::size_t done, std::size_t total);
  void clear_progress();

  std::size_t rows() const { return rows_; }
  // Ends the document; "" when nothing was reported.
  std::string json();

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;

 private:
  std::ostringstream document_, messages_;
  benchmark::JSONReporter writer_;
  bool has_context_ = false, is_valid_ = true, on_terminal_ = false, progress_shown_ = false;
  std::size_t rows_ = 0;
  std::int64_t family_ = -1;
};

}  // namespace plumb
