// What the history takes in: documents of bench and of check, read and checked before any database is touched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plumb::history {

// The machine and the code that a run is keyed by; "" and 0 where a document does not say.
struct RunKey {
  std::string gpu, uuid, driver, cuda, library, library_digest, commit, host;
  int sm_clock_mhz = 0, memory_clock_mhz = 0;
};

struct NewPoint {
  std::string name, operator_name;  // name: of the benchmark, "rope/bf16/.../variant=vec16/cold"
  double time_us = 0, limit_us = 0;
};

struct CheckCounts {
  std::string tier;
  int passed = 0, failed = 0, mistrusted = 0, unsupported = 0, skipped = 0, crashed = 0, error = 0;
};

struct Document {
  std::string digest;  // of its JSON, whatever the white space: what makes adding idempotent
  RunKey key;
  std::string date;                  // UTC, "2026-11-22T05:00:00Z"
  std::vector<NewPoint> points;      // of bench
  std::optional<CheckCounts> check;  // of check
  int skipped = 0;                   // benchmarks that failed and have no time
};

// Google Benchmark's JSON as bench writes it, or plumbline.check/1. Throws HarnessError naming the file.
Document read_document(const std::string& path);

// "2026-11-22T06:48:00+01:00" to "2026-11-22T05:48:00Z"; nullopt when it is no such date.
std::optional<std::string> utc_of(const std::string& date);

// Seconds since 1970 of what utc_of gives.
std::int64_t seconds_of(const std::string& utc);

}  // namespace plumb::history
