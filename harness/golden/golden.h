// Recorded truth: digests of what real GPUs computed, by operator, GPU, case and class of bit equality.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/check/result.h"

namespace plumb {

// Where and when digests were computed.
struct GoldenOrigin {
  std::string gpu, driver, cuda, commit, date, library, tier;
};

// golden/<operator>/<gpu>.json
struct GoldenFile : GoldenOrigin {
  std::string operator_name;
  std::map<std::string, std::map<std::string, std::string>> digests;  // case -> class -> 32 hex digits
};

class GoldenStore {
 public:
  // Reads every <operator>/*.json below the folder; a missing folder is an empty store, a damaged file a
  // HarnessError.
  explicit GoldenStore(std::string folder);
  GoldenStore() = default;  // empty

  // "match", "differs" or "absent". Canonical bits are the same on every GPU, so they are held against every file;
  // other classes only against the file of the GPU named.
  std::string compare(const CaseResult& result, std::string_view gpu) const;

  std::vector<std::string> gpus() const;
  const std::vector<GoldenFile>& files() const { return files_; }
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  std::vector<GoldenFile> files_;
};

// Writes one file per operator from results that all passed.
void record_goldens(const std::string& folder, const std::vector<CaseResult>& results, const GoldenOrigin& origin);

// The same from the document (plumbline.check/1) of a check that ran on a GPU; returns the number of cases. Throws
// HarnessError for a check by replay and for one with a case that failed.
int record_goldens_of(const std::string& check_json, const std::string& folder);

std::string slug_of(std::string_view gpu);  // "NVIDIA H200" -> "h200"

std::string default_golden_folder();

}  // namespace plumb
