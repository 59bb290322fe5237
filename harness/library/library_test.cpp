// Opening libraries: a whole one works, every broken one ends in a sentence that names the file and the fault.
#include "harness/library/library.h"

#include <gtest/gtest.h>

#include "harness/files.h"
#include "harness/test_libraries/tiny.h"
#include "harness/testing.h"

namespace plumb {
namespace {

using testing_support::complaint_of;
using testing_support::TemporaryFolder;

std::string path_of(const std::string& name) {
  return std::string(PLUMBLINE_TEST_LIBRARIES) + "/lib" + name + ".so";
}

std::string complaint_about(const std::string& path) {
  return complaint_of([&] { const Library library(path); });
}

TEST(Library, OpensAWholeOne) {
  const Library library(path_of("tiny"));
  EXPECT_STREQ(library.table().name, "tiny");
  ASSERT_NE(library.find("rms_norm"), nullptr);
  EXPECT_EQ(library.find("rms_norm")->variant_count, TINY_VARIANT_COUNT);
  EXPECT_EQ(library.find("rms_nor"), nullptr);
  EXPECT_EQ(library.find(""), nullptr);
  EXPECT_EQ(library.last_error(), "the script refuses");
  EXPECT_EQ(library.digest().size(), 32u);
  EXPECT_EQ(library.digest(), Library(path_of("tiny")).digest());
  EXPECT_NE(library.digest(), Library(path_of("tiny_copy")).digest());
}

TEST(Library, SaysWhatIsWrongWithABrokenOne) {
  const std::pair<const char*, const char*> rows[] = {
      {"no_symbol", "exports no symbol plumb_library_v1"},
      {"no_table", "plumb_library_v1 returned NULL"},
      {"other_abi", "abi_version is 2 and struct_size"},
      {"other_size", "struct_size 8, expected 1 and"},
      {"null_entry", "NULL entry"},
      {"null_operator", "operator 0: the table's entry is NULL"},
      {"other_operator_abi", "operator rms_norm: abi_version is 2"},
      {"null_function", "operator rms_norm: a function of the contract is NULL"},
      {"no_variants", "variant_count is 0, expected at least 1"},
      {"null_variant", "variant 1 is NULL or has no name"},
      {"nameless_variant", "variant 1 is NULL or has no name"},
  };
  for (const auto& [name, words] : rows) {
    const std::string complaint = complaint_about(path_of(name));
    EXPECT_NE(complaint.find(words), std::string::npos) << name << ": " << complaint;
    EXPECT_NE(complaint.find(path_of(name)), std::string::npos) << complaint;
    EXPECT_EQ(complaint.find('\n'), std::string::npos) << complaint;
  }
}

TEST(Library, RefusesWhatIsNoSharedLibrary) {
  const TemporaryFolder folder;
  EXPECT_EQ(complaint_about(folder / "missing.so"), "library " + (folder / "missing.so") + ": no such file");
  write_file(folder / "text.so", "#!/bin/sh\n");
  EXPECT_NE(complaint_about(folder / "text.so").find("cannot be opened"), std::string::npos);
  write_file(folder / "empty.so", "");
  EXPECT_NE(complaint_about(folder / "empty.so").find("cannot be opened"), std::string::npos);
  EXPECT_NE(complaint_about(folder.path()).find("cannot be opened"), std::string::npos);
}

}  // namespace
}  // namespace plumb
