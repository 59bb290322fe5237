// Fuzzes the readers of JSON documents: each takes the text or refuses it with a HarnessError.
#include <unistd.h>

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "harness/check/result.h"
#include "harness/error.h"
#include "harness/files.h"
#include "harness/fuzz/targets.h"
#include "harness/gate/calibration.h"
#include "harness/golden/golden.h"
#include "harness/history/document.h"
#include "harness/tune/document.h"

namespace plumb {
namespace {

// A folder of this process, laid out as golden/ is.
const std::string& folder() {
  static const std::string path =
      std::filesystem::temp_directory_path() / ("plumbline-fuzz-" + std::to_string(getpid()));
  return path;
}

template <class Reader>
void read(const Reader& reader) {
  try {
    reader();
  } catch (const HarnessError&) {
  }
}

}  // namespace

void fuzz_documents(std::span<const std::uint8_t> bytes) {
  const std::string file = folder() + "/rope/any.json";
  write_file(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  read([] { GoldenStore(folder()).gpus(); });
  read([&] { history::read_document(file); });
  read([&] {
    const TuneDocument document = read_tune_document(file);
    text_of(document);
    for (const TuneOperator& op : document.operators) table_source(document, op);
  });
  read([&] { to_json(load_calibration(file, "")); });
  const nlohmann::json any = nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, false);
  try {
    case_result_from(any);
  } catch (const nlohmann::json::exception&) {  // what its callers catch
  }
}

}  // namespace plumb
