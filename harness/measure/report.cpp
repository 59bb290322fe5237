// The table and the JSON document of bench.
#include "harness/measure/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace plumb {
namespace {

double counter(const benchmark::BenchmarkReporter::Run& run, const char* name) {
  const auto found = run.counters.find(name);
  return found == run.counters.end() ? 0.0 : static_cast<double>(found->second);
}

}  // namespace

BenchReport::BenchReport() : on_terminal_(isatty(STDERR_FILENO) != 0) {
  writer_.SetOutputStream(&document_);
  writer_.SetErrorStream(&messages_);
  // Google Benchmark complains of every case whose benchmarks its filter leaves out; whether nothing at all was
  // measured is known only at the end.
  SetErrorStream(&messages_);
}

bool BenchReport::ReportContext(const Context& context) {
  if (has_context_) return true;
  has_context_ = true;
  fmt::print("{:>10} {:>10} {:>8} {:>6} {:>7}  {}\n", "time us", "limit us", "GB/s", "share", "p90/p10",
             "benchmark");
  return writer_.ReportContext(context);
}

void BenchReport::ReportRuns(const std::vector<Run>& runs) {
  if (!is_valid_) return;
  clear_progress();
  std::vector<Run> named = runs;
  for (Run& run : named) {
    if (run.run_type == Run::RT_Iteration && run.repetition_index <= 0) ++family_;
    run.family_index = family_;
    run.run_name.iterations.clear();
    run.run_name.time_type.clear();
    fmt::print("{:>10.3f} {:>10.3f} {:>8.1f} {:>6.3f} {:>7.4f}  {}\n", counter(run, kTime), counter(run, kLimit),
               counter(run, kRate), counter(run, kShare), counter(run, kSpread), run.benchmark_name());
  }
  std::fflush(stdout);
  rows_ += named.size();
  writer_.ReportRuns(named);
}

void BenchReport::show_progress(std::size_t done, std::size_t total) {
  if (!on_terminal_) return;
  fmt::print(stderr, "\r\033[K{} of {} cases", done, total);
  std::fflush(stderr);
  progress_shown_ = true;
}

void BenchReport::clear_progress() {
  if (progress_shown_) fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  progress_shown_ = false;
}

std::string BenchReport::json() {
  if (rows_ == 0) return "";
  writer_.Finalize();
  return document_.str();
}

}  // namespace plumb
