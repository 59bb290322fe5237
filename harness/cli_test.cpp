// The command line as people and CI meet it: exit codes, one clear sentence, no file left half-written.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include <nlohmann/json.hpp>

#include "harness/error.h"
#include "harness/files.h"
#include "harness/testing.h"

namespace plumb {
namespace {

using testing_support::ProgramResult;
using testing_support::TemporaryFolder;
using Words = std::vector<std::string>;

ProgramResult plumbline(const Words& arguments) {
  return testing_support::run_program(PLUMBLINE_BINARY, arguments);
}

// A check that never meets recorded digests.
ProgramResult check(Words arguments) {
  const TemporaryFolder empty;
  arguments.insert(arguments.begin(), {"check", "--golden", empty.path()});
  return plumbline(arguments);
}

std::string library_path(const std::string& name) {
  return std::string(PLUMBLINE_TEST_LIBRARIES) + "/lib" + name + ".so";
}

// Wrong usage or a broken surrounding: exit code 2 and one sentence that holds `words`.
void expect_error(const ProgramResult& result, const std::string& words) {
  EXPECT_EQ(result.exit_code, kExitError) << result.out << result.err;
  EXPECT_EQ(result.err.rfind("plumbline: ", 0), 0u) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
  EXPECT_EQ(result.out, "");
}

constexpr const char* kCase = "rms_norm/bf16/rows=3,hidden=64/seed=7";

TEST(CommandLine, HelpAndVersionExplainThemselves) {
  const std::vector<Words> commands = {{},
                                       {"list"},
                                       {"check"},
                                       {"golden"},
                                       {"bench"},
                                       {"golden", "record"},
                                       {"golden", "verify"},
                                       {"golden", "sample"},
                                       {"history"},
                                       {"history", "add"}};
  for (Words words : commands) {
    words.emplace_back("--help");
    const ProgramResult result = plumbline(words);
    EXPECT_EQ(result.exit_code, kExitPass);
    EXPECT_NE(result.out.find("Usage:"), std::string::npos);
    EXPECT_EQ(result.err, "");
  }
  const ProgramResult version = plumbline({"--version"});
  EXPECT_EQ(version.exit_code, kExitPass);
  EXPECT_EQ(version.out.rfind("plumbline ", 0), 0u);
}

TEST(CommandLine, WrongUsageIsAnErrorWithASentence) {
  const std::pair<Words, const char*> rows[] = {
      {{}, "subcommand is required"},
      {{"chek"}, "subcommand is required"},
      {{"list", "--libary", "x"}, "--libary"},
      {{"check", "--tier", "slow"}, "slow"},
      {{"check", "--seed", "many"}, "many"},
      {{"check", "--timeout", "0"}, "0"},
      {{"check", "--repeats", "0"}, "0"},
      {{"check", "--filter"}, "--filter"},
      {{"check", "--fliter", "x"}, "unknown argument '--fliter'"},
      {{"check", "extra"}, "unknown argument 'extra'"},
      {{"check", "--golden", "/no/goldens"}, "--golden '/no/goldens': no such folder"},
      {{"golden"}, "subcommand is required"},
      {{"golden", "record"}, "golden record needs a GPU"},
      {{"golden", "record", "--device", "replay"}, "golden record needs a GPU"},
      {{"bench", "--cache", "warm"}, "warm"},
  };
  for (const auto& [words, sentence] : rows) expect_error(plumbline(words), sentence);
}

TEST(CommandLine, DevicesThatDoNotExist) {
  for (const char* device : {"gpu", "cuda", "cuda:", "cuda:x", "cuda:-1", "cuda:0x", ""}) {
    expect_error(check({"--device", device, "--filter", kCase}), std::string("--device '") + device + "'");
  }
  expect_error(check({"--device", "cuda:4096", "--filter", kCase}), "device cuda:4096 is not available");
  if (std::filesystem::exists("/dev/nvidia0")) GTEST_SKIP() << "this machine has a GPU";
  expect_error(check({"--device", "cuda:0", "--filter", kCase}), "device cuda:0 is not available");
  expect_error(plumbline({"bench"}), "device cuda:0 is not available");
}

TEST(CommandLine, FiltersThatMeanNothing) {
  expect_error(check({"--filter", "rmsnorm/*"}), "there is no operator 'rmsnorm'");
  expect_error(check({"--filter", "rope/bf16/*:rmsnorm/*"}), "there is no operator 'rmsnorm'");
  expect_error(check({"--filter", "rms_norm/bf16/rows=12345,*"}), "no case was run");
  expect_error(check({"--filter", "rms_norm/bf16/row=1/seed=7"}), "has no axis 'row'");
  expect_error(check({"--filter", "rms_norm/fp8/rows=1/seed=7"}), "the type is 'fp8'");
}

TEST(CommandLine, ShardsThatMeanNothing) {
  for (const char* shard : {"0/3", "4/3", "1", "1/", "/3", "-1/3", "1/3x", "a/b", "1/0"}) {
    expect_error(check({"--filter", kCase, "--shard", shard}), std::string("--shard '") + shard + "'");
  }
  expect_error(check({"--filter", kCase, "--shard", "2/2"}), "no case was run");
}

TEST(CommandLine, LibrariesThatCannotBeUsed) {
  const TemporaryFolder folder;
  write_file(folder / "text.so", "no library");
  const std::pair<std::string, const char*> rows[] = {
      {folder / "missing.so", "no such file"},
      {folder / "text.so", "cannot be opened"},
      {library_path("no_symbol"), "exports no symbol plumb_library_v1"},
      {library_path("other_abi"), "abi_version is 2"},
      {library_path("null_entry"), "NULL entry"},
  };
  for (const auto& [path, words] : rows) {
    ProgramResult result = plumbline({"list", "--library", path});
    result.out.clear();  // the operators were listed before
    expect_error(result, words);
  }
  const ProgramResult result = plumbline({"list", "--library", library_path("tiny")});
  EXPECT_EQ(result.exit_code, kExitPass) << result.err;
  EXPECT_NE(result.out.find("[tensor_core]"), std::string::npos);
  EXPECT_NE(result.out.find("rms_norm: "), std::string::npos);
}

TEST(CommandLine, FilesThatCannotBeWritten) {
  const TemporaryFolder folder;
  for (const char* flag : {"--json", "--junit"}) {
    expect_error(check({"--filter", kCase, flag, "/proc/no/such/file"}), "/proc/no/such/file: cannot be written");
    expect_error(check({"--filter", kCase, flag, folder.path()}), "is a folder");
  }
  ProgramResult result = plumbline({"golden", "sample", "--output", "/proc/no/such"});
  expect_error(result, "cannot be written");
}

TEST(CommandLine, AnErrorLeavesNoFileBehindAndTheOldOneWhole) {
  const TemporaryFolder folder, golden;
  write_file(folder / "old.json", "old");
  write_file(golden / "rms_norm/h200.json", "damaged");
  const std::vector<Words> commands = {{"check", "--filter", "rms_norm/bf16/rows=12345,*"},
                                       {"check", "--filter", kCase, "--golden", golden.path()},
                                       {"check", "--filter", kCase, "--device", "cuda:4096"},
                                       {"check", "--filter", kCase, "--fliter", "x"}};
  for (Words words : commands) {
    words.insert(words.end(), {"--json", folder / "old.json", "--junit", folder / "new.xml"});
    EXPECT_EQ(plumbline(words).exit_code, kExitError);
    EXPECT_EQ(read_file(folder / "old.json"), "old");
    EXPECT_EQ(folder.entries(), 1u);
  }
}

TEST(CommandLine, ADamagedGoldenIsNamed) {
  const TemporaryFolder folder;
  const std::string path = folder / "rms_norm/h200.json";
  write_file(path, "{\"schema\": \"plumbline.golden/1\", ");
  expect_error(plumbline({"check", "--filter", kCase, "--golden", folder.path()}), path + ": is damaged");
  expect_error(plumbline({"golden", "verify", "--golden", folder.path()}), path + ": is damaged");
}

TEST(CommandLine, VerifyingAgainstNothingDoesNotPass) {
  const TemporaryFolder folder;
  const ProgramResult result = plumbline({"golden", "verify", "--filter", kCase, "--golden", folder.path()});
  EXPECT_EQ(result.exit_code, kExitMistrusted) << result.out << result.err;
}

// Cases that nobody can run: each ends as an error of its own, said on standard output with the line that repeats
// it.
TEST(CommandLine, ImpossibleCasesAreErrorsNotCrashes) {
  const std::pair<const char*, const char*> rows[] = {
      {"rms_norm/fp32/rows=100000,hidden=1000000/seed=7", "would take more than 24 GiB"},
      {"rms_norm/fp32/rows=3,hidden=0/seed=7", "hidden is 0"},
      {"rms_norm/fp32/rows=3,hidden=8/offset.x=2/seed=7", "offset.x is 2, expected a multiple"},
      {"rope/bf16/tokens=4,hq=1,hk=1,D=64,rotary=7/seed=7", "rotary is 7, expected an even number"},
      {"rope/bf16/tokens=4,hq=1,hk=1,D=64,rotary=66/seed=7", "rotary is 66"},
      {"qk_norm_rope/bf16/tokens=4,hq=1,hk=1,hv=1,D=64,rotary=0/seed=7", "rotary is 0"},
      {"solve_tril/fp32/B=1,T=64,H=1,BT=48/seed=7", "BT is 48, expected 16, 32 or 64"},
      {"solve_tril/fp32/B=1,T=200000,H=4000,BT=64/seed=7", "would take more than 24 GiB"},
  };
  for (const auto& [name, words] : rows) {
    const ProgramResult result = check({"--filter", name});
    EXPECT_EQ(result.exit_code, kExitError) << name << "\n" << result.out << result.err;
    EXPECT_NE(result.out.find(words), std::string::npos) << result.out;
    EXPECT_NE(result.out.find(std::string("--filter '") + name + "'"), std::string::npos) << result.out;
  }
  expect_error(check({"--filter", "rms_norm/fp32/rows=3,hidden=8/pad.x=-64/seed=7"}),
               "pad.x is -64, expected at least 0");
  for (const char* name : {"solve_tril/fp32/B=2,T=4000000000,H=4000000000,BT=64/seed=7",
                           "rms_norm/fp32/rows=4611686018427387904,hidden=4/seed=7",
                           "rms_norm/fp32/rows=3,hidden=8/pad.x=9223372036854775807/seed=7"}) {
    expect_error(check({"--filter", name}), "its numbers multiply to more than 2^60");
  }
}

nlohmann::json results_of(const std::string& path) { return read_json(path, "plumbline.check/1"); }

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  const nlohmann::json document = results_of(path);
  for (const auto& result : document["cases"]) names.push_back(result["name"]);
  return names;
}

TEST(CommandLine, AWholeNameRunsThatCaseInWhateverWayItIsSpelt) {
  const TemporaryFolder folder;
  for (const char* name :
       {kCase, "rms_norm/bf16/hidden=64,rows=3/seed=7", "rms_norm/bf16/rows=3,hidden=64,pad.x=0/seed=7",
        "rms_norm/bf16/rows=3/hidden=64/seed=07"}) {
    const ProgramResult result = check({"--filter", name, "--json", folder / "out.json"});
    EXPECT_EQ(result.exit_code, kExitPass) << name << result.out << result.err;
    EXPECT_EQ(names_in(folder / "out.json"), std::vector<std::string>{kCase}) << name;
  }
}

TEST(CommandLine, ResultsAreWrittenWhole) {
  const TemporaryFolder folder;
  const ProgramResult result =
      check({"--filter", kCase, "--json", folder / "out.json", "--junit", folder / "out.xml"});
  EXPECT_EQ(result.exit_code, kExitPass) << result.err;
  EXPECT_EQ(folder.entries(), 2u);
  const nlohmann::json document = results_of(folder / "out.json");
  EXPECT_EQ(document["summary"]["passed"], 1);
  EXPECT_EQ(document["cases"][0]["name"], kCase);
  EXPECT_EQ(document["cases"][0]["axes"]["hidden"], "64");
  EXPECT_EQ(document["golden"]["absent"], 1);
  const std::string xml = read_file(folder / "out.xml");
  EXPECT_NE(xml.find("<testsuites tests=\"1\" failures=\"0\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("bf16/rows=3,hidden=64/seed=7"), std::string::npos) << xml;
}

TEST(CommandLine, MistrustedCasesAloneAreNoPass) {
  const ProgramResult result = check({"--filter", "rms_norm/bf16/rows=4,hidden=128/eps=0,magnitude=tiny/seed=7"});
  EXPECT_EQ(result.exit_code, kExitMistrusted) << result.out << result.err;
  EXPECT_NE(result.out.find("1 mistrusted"), std::string::npos) << result.out;
}

TEST(CommandLine, ADigestThatDiffersIsAMismatch) {
  const TemporaryFolder folder;
  const auto verify = [&](const std::string& digest) {
    const nlohmann::json golden = {{"schema", "plumbline.golden/1"},
                                   {"operator_name", "rms_norm"},
                                   {"gpu", "NVIDIA H200"},
                                   {"driver", ""},
                                   {"cuda", ""},
                                   {"commit", ""},
                                   {"date", ""},
                                   {"library", ""},
                                   {"tier", "quick"},
                                   {"digests", {{kCase, {{"canonical", digest}}}}}};
    write_file(folder / "rms_norm/h200.json", golden.dump());
    return plumbline({"check", "--filter", kCase, "--golden", folder.path(), "--json", folder / "out.json"});
  };
  const ProgramResult wrong = verify(std::string(32, '0'));
  EXPECT_EQ(wrong.exit_code, kExitMismatch) << wrong.out << wrong.err;
  EXPECT_NE(wrong.out.find("the digest differs from the recorded one"), std::string::npos) << wrong.out;
  EXPECT_NE(wrong.out.find("repeat: plumbline check"), std::string::npos) << wrong.out;
  const std::string digest = results_of(folder / "out.json")["cases"][0]["digests"]["canonical"];
  EXPECT_EQ(results_of(folder / "out.json")["cases"][0]["golden"], "differs");
  const ProgramResult right = verify(digest);
  EXPECT_EQ(right.exit_code, kExitPass) << right.out << right.err;
  EXPECT_EQ(plumbline({"golden", "verify", "--filter", kCase, "--golden", folder.path()}).exit_code, kExitPass);
}

constexpr const char* kFilter = "rms_norm/fp16/rows=5,*:rope/fp32/tokens=5,*";

TEST(CommandLine, ShardsPartitionTheMatrix) {
  const TemporaryFolder folder;
  const auto run = [&](const Words& more) {
    Words words = {"--filter", kFilter, "--json", folder / "out.json"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = check(words);
    EXPECT_EQ(result.exit_code, kExitPass) << result.out << result.err;
    return names_in(folder / "out.json");
  };
  const std::vector<std::string> whole = run({});
  ASSERT_GT(whole.size(), 20u);
  std::multiset<std::string> parts;
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    const auto names = run({"--shard", shard});
    EXPECT_LT(names.size(), whole.size());
    EXPECT_GT(names.size(), whole.size() / 4);
    parts.insert(names.begin(), names.end());
  }
  EXPECT_EQ(parts, std::multiset<std::string>(whole.begin(), whole.end()));

  auto shuffled = run({"--gtest_shuffle", "--gtest_random_seed=3"});
  EXPECT_NE(shuffled, whole);
  std::sort(shuffled.begin(), shuffled.end());
  auto sorted = whole;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(shuffled, sorted);

  const auto twice = run({"--gtest_repeat=2", "--gtest_shuffle"});
  EXPECT_EQ(twice.size(), 2 * whole.size());
  const std::multiset<std::string> counted(twice.begin(), twice.end());
  for (const std::string& name : whole) EXPECT_EQ(counted.count(name), 2u) << name;
}

// All of it before a device is asked for.
TEST(CommandLine, TheGateRefusesWhatItCannotCompare) {
  const TemporaryFolder folder;
  const std::string tiny = library_path("tiny"), missing = folder / "missing.so";
  const auto gate = [&](const std::string& baseline, const std::string& candidate, Words more) {
    more.insert(more.begin(), {"gate", "--baseline", baseline, "--candidate", candidate});
    return plumbline(more);
  };
  write_file(folder / "truncated.json", R"({"schema": "plumbline.calibration/1", "runs": [)");
  write_file(folder / "other.json", R"({"schema": "plumbline.calibration/7"})");
  write_file(folder / "damaged.so", "no library");
  const std::size_t entries = folder.entries();
  expect_error(gate(missing, tiny, {}), "missing.so: no such file");
  expect_error(gate(tiny, missing, {}), "missing.so: no such file");
  expect_error(gate(tiny, folder / "damaged.so", {}), "damaged.so: cannot be opened");
  expect_error(gate(tiny, library_path("other_abi"), {}), "abi_version is 2");
  expect_error(gate(tiny, tiny, {"--points", "solve_tril"}), "has no operator solve_tril");
  expect_error(gate(tiny, tiny, {"--points", "rope/*/nothing"}), "no point has such a name");
  expect_error(gate(tiny, tiny, {"--points", "rope", "--device", "gpu"}), "expected replay, host or cuda:N");
  expect_error(gate(tiny, tiny, {"--points", "rope", "--device", "replay"}), "expected cuda:N");
  expect_error(gate(tiny, tiny, {"--points", "rope", "--calibration", folder / "truncated.json"}), "is damaged");
  expect_error(gate(tiny, tiny, {"--points", "rope", "--calibration", folder / "other.json"}),
               "expected \"plumbline.calibration/1\"");
  expect_error(gate(tiny, tiny, {"--points", "rope", "--calibration", folder / "absent.json"}), "absent.json");
  expect_error(gate(tiny, tiny, {"--points", "solve_tril", "--json", folder / "out.json"}), "has no operator");
  expect_error(plumbline({"calibrate", "--library", missing, "--calibration", folder / "c.json"}), "no such file");
  expect_error(plumbline({"calibrate", "--calibration", folder / "truncated.json"}), "is damaged");
  expect_error(plumbline({"calibrate", "--calibration", folder / "c.json", "--from", folder / "other.json"}),
               "expected \"plumbline.gate/1\"");
  EXPECT_EQ(folder.entries(), entries);  // nothing was written, nothing is left
}

TEST(CommandLine, WorksWithItsStandardDescriptorsClosed) {
  const TemporaryFolder golden;
  for (const char* closed : {"<&-", ">&-", "2>&-", "<&- >&- 2>&-"}) {
    const std::string line =
        std::string(PLUMBLINE_BINARY) + " check --golden " + golden.path() + " --filter " + kCase;
    EXPECT_EQ(testing_support::run_program("/bin/sh", {"-c", line + " " + closed}).exit_code, kExitPass) << closed;
  }
}

TEST(CommandLine, GoogleTestListsTheCases) {
  const ProgramResult result = check({"--filter", kCase, "--gtest_list_tests"});
  EXPECT_EQ(result.exit_code, kExitPass) << result.err;
  EXPECT_NE(result.out.find("rms_norm.\n  bf16/rows=3,hidden=64/seed=7"), std::string::npos) << result.out;
}

}  // namespace
}  // namespace plumb
