// `plumbline tune` as a command: what it refuses, and tables made again from a recorded file.
#include "harness/tune/tune.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "harness/golden/golden.h"
#include "harness/testing.h"
#include "harness/tune/choices.h"

namespace plumb {
namespace {

using testing_support::run_program;

TEST(TuneCommand, RefusesWhatCannotBeMeant) {
  const testing_support::TemporaryFolder folder;
  struct Row {
    std::vector<std::string> arguments;
    const char* words;
  };
  const Row rows[] = {{{"tune"}, "nothing would be kept"},
                      {{"tune", "--json", folder / "t.json", "--margin", "0"}, "--margin 0: expected more than 0"},
                      {{"tune", "--json", folder / "t.json", "--device", "gpu"}, "--device 'gpu'"},
                      {{"tune", "--json", folder / "t.json", "--device", "replay"}, "replay"},
                      {{"tune", "--output", folder / "none", "--from", "x"}, "no such folder"},
                      {{"tune", "--output", folder.path(), "--from", folder / "no.json"}, "no.json"}};
  for (const Row& row : rows) {
    const auto result = run_program(PLUMBLINE_BINARY, row.arguments);
    EXPECT_EQ(result.exit_code, 2) << row.words;
    EXPECT_NE(result.err.find(row.words), std::string::npos) << result.err;
  }
  EXPECT_EQ(folder.entries(), 0u) << "nothing was written";
}

TEST(TuneCommand, MakesTheTablesOfARecordedFileAgain) {
  const testing_support::TemporaryFolder folder;
  const std::string recorded = default_golden_folder() + "/tune/h200.json";
  const auto result = run_program(
      PLUMBLINE_BINARY, {"tune", "--from", recorded, "--json", folder / "again.json", "--output", folder.path()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(testing_support::content_of(folder / "again.json"), testing_support::content_of(recorded));
  const TuneDocument document = read_tune_document(recorded);
  for (const TuneOperator& op : document.operators) {
    const std::string path = table_path(folder.path(), document, op);
    EXPECT_EQ(testing_support::content_of(path), table_source(document, op)) << path;
  }
}

}  // namespace
}  // namespace plumb
