// Golden files: what is written is read again, what differs is seen, and what is damaged is named.
#include "harness/golden/golden.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/files.h"
#include "harness/testing.h"

namespace plumb {
namespace {

using testing_support::complaint_of;
using testing_support::TemporaryFolder;

constexpr const char* kName = "rms_norm/bf16/rows=1,hidden=8/seed=7";
const std::string kA(32, 'a'), kB(32, 'b');

CaseResult result_of(const std::map<std::string, std::string>& digests, const std::string& name = kName) {
  CaseResult result;
  result.name = name;
  result.operator_name = name.substr(0, name.find('/'));
  result.state = "passed";
  result.digests = digests;
  return result;
}

class Golden : public testing::Test {
 protected:
  void record(const char* gpu, const std::vector<CaseResult>& results) {
    record_goldens(folder_.path(), results,
                   {.gpu = gpu,
                    .driver = "580.1",
                    .cuda = "13.0",
                    .commit = "c0ffee",
                    .date = "2026-11-22T00:00:00Z",
                    .library = "tiny 1",
                    .tier = "quick"});
  }
  std::string compare(const std::map<std::string, std::string>& digests, const char* gpu = "") {
    return GoldenStore(folder_.path()).compare(result_of(digests), gpu);
  }

  TemporaryFolder folder_;
};

TEST_F(Golden, RoundTrips) {
  const std::string rope = "rope/bf16/tokens=1,hq=1,hk=0,D=8,rotary=8/seed=7";
  record("NVIDIA H200", {result_of({{"canonical", kA}, {"tf32", kB}}), result_of({{"canonical", kB}}, rope)});
  EXPECT_EQ(folder_.entries(), 4u);  // two folders with one file each
  const GoldenStore store(folder_.path());
  ASSERT_EQ(store.files().size(), 2u);
  const GoldenFile& file = store.files()[0];
  EXPECT_EQ(file.operator_name, "rms_norm");
  EXPECT_EQ(file.gpu, "NVIDIA H200");
  EXPECT_EQ(file.driver, "580.1");
  EXPECT_EQ(file.cuda, "13.0");
  EXPECT_EQ(file.commit, "c0ffee");
  EXPECT_EQ(file.library, "tiny 1");
  EXPECT_EQ(file.tier, "quick");
  EXPECT_EQ(file.date.size(), 20u);
  EXPECT_EQ(file.digests.at(kName), (std::map<std::string, std::string>{{"canonical", kA}, {"tf32", kB}}));
  EXPECT_EQ(store.files()[1].digests.count(rope), 1u);
  EXPECT_EQ(store.gpus(), std::vector<std::string>{"NVIDIA H200"});
  EXPECT_FALSE(read_file(folder_ / "rms_norm/h200.json").empty());
}

TEST_F(Golden, CanonicalBitsAreHeldAgainstEveryGpu) {
  record("NVIDIA H200", {result_of({{"canonical", kA}})});
  EXPECT_EQ(compare({{"canonical", kA}}), "match");
  EXPECT_EQ(compare({{"canonical", kA}}, "NVIDIA B200"), "match");
  EXPECT_EQ(compare({{"canonical", kB}}), "differs");
  EXPECT_EQ(compare({{"canonical", kB}}, "NVIDIA B200"), "differs");
  record("NVIDIA B200", {result_of({{"canonical", kB}})});
  EXPECT_EQ(compare({{"canonical", kA}}), "differs");  // one of two is enough
}

TEST_F(Golden, OtherClassesAreHeldAgainstTheirOwnGpuAlone) {
  record("NVIDIA H200", {result_of({{"tf32", kA}})});
  EXPECT_EQ(compare({{"tf32", kA}}, "NVIDIA H200"), "match");
  EXPECT_EQ(compare({{"tf32", kB}}, "NVIDIA H200"), "differs");
  EXPECT_EQ(compare({{"tf32", kB}}, "NVIDIA B200"), "absent");
  EXPECT_EQ(compare({{"tf32", kB}}, ""), "absent");
}

TEST_F(Golden, AWrongClassBesideARightOneDiffers) {
  record("NVIDIA H200", {result_of({{"canonical", kA}, {"tf32", kA}})});
  EXPECT_EQ(compare({{"canonical", kA}, {"tf32", kB}}, "NVIDIA H200"), "differs");
  EXPECT_EQ(compare({{"canonical", kA}, {"tf32", kB}}, "NVIDIA B200"), "match");
}

TEST_F(Golden, WhatWasNotRecordedIsAbsent) {
  EXPECT_EQ(compare({{"canonical", kA}}), "absent");
  EXPECT_TRUE(GoldenStore("/no/such/folder").files().empty());
  record("NVIDIA H200", {result_of({{"canonical", kA}}, "rms_norm/bf16/rows=2,hidden=8/seed=7")});
  EXPECT_EQ(compare({{"canonical", kA}}), "absent");
  EXPECT_EQ(compare({}), "absent");
}

TEST_F(Golden, CasesWithoutDigestsLeaveNoFile) {
  record("NVIDIA H200", {result_of({})});
  EXPECT_EQ(folder_.entries(), 0u);
}

TEST_F(Golden, AreMadeOfAChecksOwnDocument) {
  nlohmann::json check = {
      {"schema", "plumbline.check/1"},
      {"device", {{"kind", "cuda"}, {"name", "NVIDIA H200"}, {"driver", "580.1"}, {"cuda", "13.0"}}},
      {"library", {{"version", "tiny 1"}}},
      {"summary", {{"failed", 0}, {"crashed", 0}, {"error", 0}}},
      {"commit", "c0ffee"},
      {"started", "2026-11-22T00:00:00Z"},
      {"tier", "quick"},
      {"cases", {to_json(result_of({{"canonical", kA}}))}}};
  const TemporaryFolder checks;
  const std::string path = checks.path() + "/check.json";
  const auto record_of = [&](const nlohmann::json& document) {
    write_file(path, document.dump());
    return record_goldens_of(path, folder_.path());
  };
  EXPECT_EQ(record_of(check), 1);
  EXPECT_EQ(compare({{"canonical", kA}}), "match");
  EXPECT_EQ(compare({{"canonical", kB}}), "differs");
  EXPECT_EQ(GoldenStore(folder_.path()).files().at(0).date, "2026-11-22T00:00:00Z");

  nlohmann::json failed = check, replayed = check, partial = check;
  failed["summary"]["failed"] = 2;
  replayed["device"]["kind"] = "replay";
  partial["cases"][0].erase("digests");
  EXPECT_NE(complaint_of([&] { record_of(failed); }).find("2 cases failed; expected none"), std::string::npos);
  EXPECT_NE(complaint_of([&] { record_of(replayed); }).find("a check on replay"), std::string::npos);
  EXPECT_NE(complaint_of([&] { record_of(partial); }).find("not a whole document"), std::string::npos);
}

TEST_F(Golden, ADamagedFileIsNamed) {
  record("NVIDIA H200", {result_of({{"canonical", kA}})});
  const std::string path = folder_ / "rms_norm/h200.json";
  const std::string whole = read_file(path);
  const auto complaint = [&](const std::string& content) {
    write_file(path, content);
    return complaint_of([&] { const GoldenStore store(folder_.path()); });
  };
  const auto changed = [&](const auto& change) {
    nlohmann::json document = nlohmann::json::parse(whole);
    change(document);
    return document.dump();
  };
  ASSERT_EQ(complaint(whole), "");
  const std::pair<std::string, const char*> rows[] = {
      {"", "is damaged: no valid JSON"},
      {whole.substr(0, whole.size() / 2), "is damaged: no valid JSON"},
      {changed([](auto& file) { file["schema"] = "plumbline.golden/2"; }), "schema is"},
      {changed([](auto& file) { file.erase("schema"); }), "schema is"},
      {changed([](auto& file) { file.erase("gpu"); }), "is damaged: "},
      {changed([](auto& file) { file["gpu"] = 200; }), "is damaged: "},
      {changed([](auto& file) { file["digests"] = "none"; }), "is damaged: "},
      {changed([](auto& file) {
         file["digests"] = nlohmann::json::array({1, 2});
       }),
       "is damaged: "},
      {changed([](auto& file) { file["digests"][kName]["canonical"] = 17; }), "is damaged: "},
      {changed([](auto& file) { file["digests"][kName]["canonical"] = nullptr; }), "is damaged: "},
      {changed([](auto& file) { file["digests"][kName]["canonical"] = "aaaa"; }), "expected 32 hex digits"},
      {changed([](auto& file) { file["digests"][kName]["canonical"] = std::string(32, 'G'); }),
       "expected 32 hex digits"},
  };
  for (const auto& [content, words] : rows) {
    const std::string found = complaint(content);
    EXPECT_EQ(found.find(path), 0u) << found;
    EXPECT_NE(found.find(words), std::string::npos) << found;
    EXPECT_EQ(found.find('\n'), std::string::npos) << found;
  }
}

TEST(Slug, IsTheModelInLowerCase) {
  EXPECT_EQ(slug_of("NVIDIA H200"), "h200");
  EXPECT_EQ(slug_of("NVIDIA H100 80GB HBM3/x"), "hbm3_x");
  EXPECT_EQ(slug_of("B200"), "b200");
  EXPECT_EQ(slug_of(""), "unknown");
}

}  // namespace
}  // namespace plumb
