// On a real GPU: a sticky CUDA error, a crash and an unwritten output each cost their own case and no other.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "harness/error.h"
#include "harness/files.h"
#include "harness/testing.h"

namespace plumb {
namespace {

TEST(Survival, OneCaseIsLostAtATime) {
  const testing_support::TemporaryFolder folder;
  const auto result =
      testing_support::run_program(PLUMBLINE_BINARY, {"check", "--device", "cuda:0", "--library",
                                                      std::string(PLUMBLINE_TEST_LIBRARIES) + "/libmoody.so",
                                                      "--filter", "rms_norm/bf16/rows=3,hidden=12?/seed=7",
                                                      "--golden", folder.path(), "--json", folder / "out.json"});
  if (result.exit_code == kExitError && result.err.find("not available") != std::string::npos) {
    GTEST_SKIP() << "no GPU: " << result.err;
  }
  EXPECT_EQ(result.exit_code, kExitMismatch) << result.out << result.err;
  std::map<std::string, nlohmann::json> cases;
  const nlohmann::json document = read_json(folder / "out.json", "plumbline.check/1");
  for (const auto& entry : document["cases"]) cases[entry["name"]] = entry;
  ASSERT_EQ(cases.size(), 3u);
  const auto& aborted = cases["rms_norm/bf16/rows=3,hidden=127/seed=7"];
  EXPECT_EQ(aborted["state"], "crashed");
  EXPECT_NE(aborted["reason"].get<std::string>().find("signal 6"), std::string::npos) << aborted;
  const auto& sticky = cases["rms_norm/bf16/rows=3,hidden=128/seed=7"];
  EXPECT_EQ(sticky["state"], "failed");
  EXPECT_EQ(sticky["variants"][0]["failed_checks"], nlohmann::json({"device"})) << sticky;
  const auto& unwritten = cases["rms_norm/bf16/rows=3,hidden=129/seed=7"];
  EXPECT_EQ(unwritten["state"], "failed");
  EXPECT_EQ(unwritten["variants"][0]["failed_checks"], nlohmann::json({"poison", "bits"})) << unwritten;
}

}  // namespace
}  // namespace plumb
