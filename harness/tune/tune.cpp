// `plumbline tune`: what it reads, what it writes and what it says.
#include "harness/tune/tune.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "harness/error.h"
#include "harness/files.h"
#include "harness/tune/document.h"

namespace plumb {
namespace {

void print_summary(const TuneDocument& document) {
  fmt::print("{:<14} {:>6} {:>5} {:>13}\n", "operator", "points", "rows", "worst regret");
  for (const TuneOperator& op : document.operators) {
    const auto rows = rows_of(op.axes, op.points, document.margin);
    double worst = 0;
    for (const TunePoint& point : op.points) worst = std::max(worst, regret_of(point, choice_of(rows, point)));
    fmt::print("{:<14} {:>6} {:>5} {:>12.2f}%\n", op.name, op.points.size(), rows.size(), 100 * worst);
  }
}

}  // namespace

int run_tune(const TuneOptions& options) {
  if (!(options.margin > 0 && options.margin <= 0.1)) {
    throw HarnessError(fmt::format("--margin {}: expected more than 0 and at most 0.1", options.margin));
  }
  if (options.json.empty() && options.output.empty()) {
    throw HarnessError("tune: nothing would be kept; name --json FILE, --output FOLDER or both");
  }
  if (!options.output.empty() && !std::filesystem::is_directory(options.output)) {
    throw HarnessError(fmt::format("--output {}: no such folder", options.output));
  }
  std::optional<FileWriter> file;
  if (!options.json.empty()) file.emplace(options.json);
  const TuneDocument document = options.from.empty() ? measure_tuning(options) : read_tune_document(options.from);
  if (file) file->commit(text_of(document));
  for (const TuneOperator& op : document.operators) {
    if (options.output.empty() || op.points.empty()) continue;
    const std::string path = table_path(options.output, document, op);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    write_file(path, table_source(document, op));
    fmt::print("wrote {}\n", path);
  }
  print_summary(document);
  return kExitPass;
}

}  // namespace plumb
