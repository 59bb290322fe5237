// Fuzzes the readers of JSON documents: goldens, and the worker's results.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "harness/check/result.h"
#include "harness/error.h"
#include "harness/files.h"
#include "harness/golden/golden.h"

namespace {

const std::filesystem::path& folder() {
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("plumbline-fuzz-" + std::to_string(getpid()));
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::filesystem::create_directories(folder() / "rope");
  const std::string file = folder() / "rope" / "any.json";
  std::ofstream(file, std::ios::binary) << text;
  try {
    const plumb::GoldenStore store(folder());
    store.gpus();
  } catch (const plumb::HarnessError&) {
  }
  try {
    plumb::case_result_from(plumb::read_json(file, "plumbline.check/1"));
  } catch (const plumb::HarnessError&) {
  } catch (const nlohmann::json::exception&) {  // what its callers catch
  }
  return 0;
}
