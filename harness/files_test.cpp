// Files appear whole or not at all.
#include "harness/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <nlohmann/json.hpp>

#include "harness/testing.h"

namespace plumb {
namespace {

using testing_support::complaint_of;
using testing_support::content_of;
using testing_support::TemporaryFolder;

TEST(FileWriter, WritesUnderATemporaryNameAndRenames) {
  const TemporaryFolder folder;
  const std::string path = folder / "deep/er/file.json";
  FileWriter writer(path);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::exists(writer.temporary_path()));
  EXPECT_EQ(std::filesystem::path(writer.temporary_path()).parent_path(),
            std::filesystem::path(path).parent_path());
  writer.commit("content");
  EXPECT_EQ(content_of(path), "content");
  EXPECT_FALSE(std::filesystem::exists(writer.temporary_path()));
}

TEST(FileWriter, LeavesTheOldFileWhenNothingIsCommitted) {
  const TemporaryFolder folder;
  write_file(folder / "file", "old");
  { const FileWriter abandoned(folder / "file"); }
  EXPECT_EQ(content_of(folder / "file"), "old");
  EXPECT_EQ(folder.entries(), 1u);
  write_file(folder / "file", "new");
  EXPECT_EQ(content_of(folder / "file"), "new");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(PathInDocument, IsTheOneFromTheWorkingDirectoryForWhatLiesInThere) {
  EXPECT_EQ(path_in_document("/home/me/project/build/lib.so", "/home/me/project"), "build/lib.so");
  EXPECT_EQ(path_in_document("/home/me/project/build/../lib.so", "/home/me/project"), "lib.so");
  EXPECT_EQ(path_in_document("/home/me/projects/lib.so", "/home/me/project"), "/home/me/projects/lib.so");
  EXPECT_EQ(path_in_document("build/lib.so", "/home/me/project"), "build/lib.so");
  EXPECT_EQ(path_in_document("../lib.so", "/home/me/project"), "../lib.so");
  EXPECT_EQ(path_in_document("", "/home/me/project"), "");
  EXPECT_EQ(path_in_document((std::filesystem::current_path() / "lib.so").string()), "lib.so");
}

TEST(FileWriter, CommitsWhatSomeoneElseWrote) {
  const TemporaryFolder folder;
  FileWriter writer(folder / "report.xml");
  write_file(writer.temporary_path(), "<xml/>");
  writer.commit_written();
  EXPECT_EQ(content_of(folder / "report.xml"), "<xml/>");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(FileWriter, FailsAtOnceWhereThePlaceCannotBeWritten) {
  const TemporaryFolder folder;
  write_file(folder / "file", "");
  const auto complaint = [](const std::string& path) {
    return complaint_of([&] { const FileWriter writer(path); });
  };
  EXPECT_NE(complaint(folder.path()).find("is a folder"), std::string::npos);
  EXPECT_NE(complaint(folder / "file/below").find("cannot be written"), std::string::npos);
  EXPECT_NE(complaint("/proc/no/such/place").find("cannot be written"), std::string::npos);
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(FileWriter, FailsInAFolderWithoutPermission) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  const TemporaryFolder folder;
  ASSERT_EQ(chmod(folder.path().c_str(), 0500), 0);
  EXPECT_NE(complaint_of([&] { write_file(folder / "file", ""); }).find("cannot be written"), std::string::npos);
}

TEST(FileWriter, AFullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "file", "old");
  FileWriter writer(folder / "file");
  // Everything written to /dev/full is refused as if the disk were full.
  std::filesystem::remove(writer.temporary_path());
  std::filesystem::create_symlink("/dev/full", writer.temporary_path());
  EXPECT_NE(complaint_of([&] { writer.commit(std::string(1 << 20, 'x')); }).find("could not be written"),
            std::string::npos);
  EXPECT_EQ(content_of(folder / "file"), "old");
}

TEST(ReadFile, SaysWhichFileIsMissing) {
  EXPECT_NE(complaint_of([] { read_file("/no/such/file"); }).find("/no/such/file: cannot be read"),
            std::string::npos);
}

TEST(ReadFile, ReadsEmptyFilesAndEveryByte) {
  const TemporaryFolder folder;
  write_file(folder / "empty", "");
  EXPECT_EQ(read_file(folder / "empty"), "");
  const std::string bytes("a\0\n\r\xff", 5);
  write_file(folder / "bytes", bytes);
  EXPECT_EQ(read_file(folder / "bytes"), bytes);
}

TEST(ReadJson, DemandsTheSchema) {
  const TemporaryFolder folder;
  const std::string path = folder / "file.json";
  const auto complaint = [&](const std::string& content) {
    write_file(path, content);
    return complaint_of([&] { read_json(path, "plumbline.check/1"); });
  };
  EXPECT_EQ(complaint(R"({"schema": "plumbline.check/1"})"), "");
  EXPECT_EQ(complaint(R"({"schema": "plumbline.check/2"})"),
            path + R"(: schema is "plumbline.check/2", expected "plumbline.check/1")");
  EXPECT_EQ(complaint(R"({"schema": 1})"), path + R"(: schema is 1, expected "plumbline.check/1")");
  EXPECT_EQ(complaint("[]"), path + R"(: schema is "none", expected "plumbline.check/1")");
  for (const char* damaged : {"", "{", R"({"schema": "plumbline.check/1")", "{\"schema\": \"\xff\"}", "{} {}"}) {
    EXPECT_EQ(complaint(damaged), path + ": is damaged: no valid JSON") << damaged;
  }
}

// Half a million brackets once ended the program: JSON is copied and written by recursion.
TEST(ReadJson, RefusesWhatIsNestedDeeperThanAnyDocument) {
  const TemporaryFolder folder;
  const std::string path = folder / "deep.json";
  const auto nested = [&](std::size_t depth) {
    write_file(path, "{\"schema\":" + std::string(depth, '[') + std::string(depth, ']') + "}");
    return complaint_of([&] { read_json(path, "plumbline.check/1"); });
  };
  EXPECT_EQ(nested(500'000), path + ": is damaged: nested deeper than 100 levels");
  EXPECT_NE(nested(50).find("expected \"plumbline.check/1\""), std::string::npos);
  write_file(path, "{\"schema\":\"" + std::string(200, '[') + "\\\"\"}");
  EXPECT_NE(complaint_of([&] { read_json(path, "x"); }).find("schema is"), std::string::npos);
}

TEST(UtcNow, IsAnIsoTime) {
  const std::string now = utc_now();
  ASSERT_EQ(now.size(), 20u);
  EXPECT_EQ(now.substr(0, 2), "20");
  EXPECT_EQ(now[10], 'T');
  EXPECT_EQ(now.back(), 'Z');
}

}  // namespace
}  // namespace plumb
