// Registering cases with GoogleTest, running them through the supervisor, and writing what came out.
#include "harness/check/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <tuple>

#include <nlohmann/json.hpp>

#include "build_stamp.h"
#include "harness/check/progress.h"
#include "harness/check/summary.h"
#include "harness/check/supervisor.h"
#include "harness/error.h"
#include "harness/files.h"
#include "harness/golden/golden.h"

namespace plumb {
namespace {

constexpr std::string_view kSchema = "plumbline.check/1";

struct Session {
  CheckOptions options;
  std::string gpu;  // name of the device, empty on the replay
  GoldenStore goldens;
  Supervisor supervisor;
  std::vector<CaseResult> results;
};

std::string repro_line(const CheckOptions& options, const std::string& name) {
  std::string line = fmt::format("plumbline check --device {} --filter '{}'", options.device, name);
  if (!options.library.empty()) line += fmt::format(" --library {}", options.library);
  if (!options.worker.check.variant.empty()) line += fmt::format(" --variant {}", options.worker.check.variant);
  return line;
}

// `verify_only`: nothing but the digest judges the case, so that without one there is no verdict.
void judge_golden(CaseResult& result, const GoldenStore& goldens, const std::string& gpu, bool verify_only) {
  if (result.digests.empty()) return;
  result.golden = goldens.compare(result, gpu);
  if (result.golden == "absent" && verify_only && result.state == "passed") {
    result.state = "skipped";
    result.reason =
        result.digests.empty() ? "only a GPU gives the bits of this case" : "no digest is recorded for this case";
  }
  if (result.golden != "differs") return;
  if (result.state == "passed" || result.state == "mistrusted") result.state = "failed";
  result.reason += "  the digest differs from the recorded one: these bits are not what a real GPU computed\n";
}

class CaseTest : public testing::Test {
 public:
  CaseTest(Session& session, std::string name) : session_(session), name_(std::move(name)) {}

  void TestBody() override {
    CaseResult result = session_.supervisor.run(name_);
    judge_golden(result, session_.goldens, session_.gpu, !session_.options.worker.check.with_oracle);
    result.repro = repro_line(session_.options, name_);
    const std::string words = fmt::format("{}\n{}\n  repeat: {}", name_, result.reason, result.repro);
    const std::string state = result.state;
    session_.results.push_back(std::move(result));
    if (state == "passed") return;
    if (state == "mistrusted" || state == "unsupported" || state == "skipped")
      GTEST_SKIP() << state << ": " << words;
    FAIL() << state << ": " << words;
  }

 private:
  Session& session_;
  std::string name_;
};

// Tells the supervisor, once GoogleTest has filtered, sharded and shuffled, what will run and in which order.
class Planner : public testing::Environment {
 public:
  explicit Planner(Session& session) : session_(session) {}
  void SetUp() override {
    std::vector<std::string> names;
    const testing::UnitTest& all = *testing::UnitTest::GetInstance();
    for (int s = 0; s < all.total_test_suite_count(); ++s) {
      const testing::TestSuite& suite = *all.GetTestSuite(s);
      for (int t = 0; t < suite.total_test_count(); ++t) {
        const testing::TestInfo& test = *suite.GetTestInfo(t);
        if (test.should_run()) names.push_back(fmt::format("{}/{}", suite.name(), test.name()));
      }
    }
    session_.supervisor.plan(std::move(names));
  }

 private:
  Session& session_;
};

std::vector<std::string> worker_arguments(const CheckOptions& options) {
  const WorkerSettings& worker = options.worker;
  std::vector<std::string> words = {"worker",
                                    "--device",
                                    options.device,
                                    "--library",
                                    worker.library_path,
                                    "--repeats",
                                    fmt::to_string(worker.check.repeats)};
  if (!worker.check.variant.empty()) words.insert(words.end(), {"--variant", worker.check.variant});
  if (worker.device_memory_limit > 0) {
    words.insert(words.end(), {"--device-memory", fmt::to_string(worker.device_memory_limit)});
  }
  if (!worker.check.with_oracle) words.emplace_back("--no-oracle");
  return words;
}

// A case name or globs over case names (separated by ':'), as GoogleTest's filter over "suite.test".
std::string gtest_filter(const std::string& filter) {
  std::vector<std::string> patterns;
  for (std::size_t begin = 0; begin <= filter.size();) {
    const std::size_t end = std::min(filter.find(':', begin), filter.size());
    std::string pattern = filter.substr(begin, end - begin);
    begin = end + 1;
    // A leading name without wildcards must be an operator's: a misspelt one would silently match nothing.
    const std::size_t head_end = std::min(pattern.find_first_of("/*?"), pattern.size());
    const bool whole_head = head_end == pattern.size() || pattern[head_end] == '/';
    if (const std::string head = pattern.substr(0, head_end); whole_head && !find_suite(head)) {
      throw HarnessError(fmt::format("--filter '{}': there is no operator '{}'; operators are {}", filter, head,
                                     fmt::join(suite_names(), ", ")));
    }
    // In GoogleTest's language '-' starts the negative patterns; names hold it in numbers alone.
    std::replace(pattern.begin(), pattern.end(), '-', '?');
    if (head_end == pattern.size()) {
      pattern += ".*";
    } else if (pattern[head_end] == '/') {
      pattern[head_end] = '.';
    }
    patterns.push_back(std::move(pattern));
  }
  return fmt::format("{}", fmt::join(patterns, ":"));
}

void apply_shard(const std::string& shard) {
  if (shard.empty()) return;
  int index = 0, count = 0;
  char extra = 0;
  if (std::sscanf(shard.c_str(), "%d/%d%c", &index, &count, &extra) != 2 || index < 1 || index > count) {
    throw HarnessError(fmt::format("--shard '{}': expected I/N with 1 <= I <= N", shard));
  }
  setenv("GTEST_SHARD_INDEX", fmt::to_string(index - 1).c_str(), 1);
  setenv("GTEST_TOTAL_SHARDS", fmt::to_string(count).c_str(), 1);
}

GoldenStore open_goldens(const CheckOptions& options) {
  if (!options.compare_goldens) return GoldenStore();
  if (!options.golden.empty() && !std::filesystem::is_directory(options.golden)) {
    throw HarnessError(fmt::format("--golden '{}': no such folder", options.golden));
  }
  return GoldenStore(options.golden.empty() ? default_golden_folder() : options.golden);
}

// GoogleTest's flags, a test for each case, and our own printing.
void set_up_gtest(Session& session, const std::vector<Case>& cases) {
  std::vector<std::string> words = {"plumbline"};
  words.insert(words.end(), session.options.gtest_flags.begin(), session.options.gtest_flags.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);  // as main's argv ends, and GoogleTest relies on it
  testing::InitGoogleTest(&argc, argv.data());
  if (argc > 1) throw HarnessError(fmt::format("unknown argument '{}'; see plumbline check --help", argv[1]));
  for (const Case& point : cases) {
    const std::string name = name_of(point);
    const std::size_t slash = name.find('/');
    testing::RegisterTest(name.substr(0, slash).c_str(), name.substr(slash + 1).c_str(), nullptr, nullptr, __FILE__,
                          __LINE__, [&session, name]() -> testing::Test* { return new CaseTest(session, name); });
  }
  testing::AddGlobalTestEnvironment(new Planner(session));
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (!session.options.verbose && !GTEST_FLAG_GET(list_tests)) {
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new ProgressListener(isatty(STDERR_FILENO) != 0));
  }
}

// The document of schema plumbline.check/1.
nlohmann::json document_of(const Session& session, const nlohmann::json& ready, const std::string& started,
                           double seconds) {
  nlohmann::json cases = nlohmann::json::array();
  for (const CaseResult& result : session.results) cases.push_back(to_json(result));
  return {{"schema", kSchema},
          {"started", started},
          {"seconds", seconds},
          {"tier", name_of(session.options.tier)},
          {"seed", session.options.seed},
          {"commit", PLUMBLINE_COMMIT},
          {"device", ready["device"]},
          {"library", ready["library"]},
          {"golden", golden_summary(session.results, session.goldens.gpus())},
          {"summary", summary_of(session.results)},
          {"cases", std::move(cases)}};
}

// One case by its whole name, in the matrix or not.
bool is_whole_name(const std::string& filter) {
  return filter.find("/seed=") != std::string::npos && filter.find_first_of("*?:") == std::string::npos;
}

}  // namespace

std::vector<Case> cases_for(Tier tier, std::uint64_t seed, const std::string& filter) {
  std::vector<Case> cases;
  if (is_whole_name(filter)) return {parse_case(filter)};
  for (const OperatorSuite* suite : all_suites()) {
    auto points = suite->cases(tier, seed);
    cases.insert(cases.end(), points.begin(), points.end());
  }
  return cases;
}

int run_check(CheckOptions options) {
  // Its axes may stand in any order and be left out; GoogleTest knows it by the one full spelling.
  if (is_whole_name(options.filter)) options.filter = name_of(parse_case(options.filter));
  GTEST_FLAG_SET(filter, options.filter.empty() ? "*" : gtest_filter(options.filter));
  apply_shard(options.shard);
  const std::vector<Case> cases = cases_for(options.tier, options.seed, options.filter);
  std::optional<FileWriter> json_file, junit_file;
  if (!options.json.empty()) json_file.emplace(options.json);
  if (!options.junit.empty()) junit_file.emplace(options.junit);
  options.worker.library_path = options.library.empty() ? default_library_path() : options.library;

  Session session{.options = options,
                  .gpu = "",
                  .goldens = open_goldens(options),
                  .supervisor = Supervisor(worker_arguments(options), options.timeout_seconds),
                  .results = {}};

  if (junit_file) GTEST_FLAG_SET(output, "xml:" + std::filesystem::absolute(junit_file->temporary_path()).string());
  set_up_gtest(session, cases);
  if (GTEST_FLAG_GET(list_tests)) return RUN_ALL_TESTS();

  const nlohmann::json ready = session.supervisor.start();
  if (ready["device"]["kind"] == "cuda") session.gpu = ready["device"]["name"];
  const auto started = std::chrono::steady_clock::now();
  const std::string start_time = utc_now();
  std::ignore = RUN_ALL_TESTS();  // the exit code comes from the results
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  session.supervisor.finish();
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);  // of the largest worker
  const double peak_gib = static_cast<double>(usage.ru_maxrss) / (1 << 20);
  if (session.results.empty()) {
    throw HarnessError(fmt::format("no case was run: --filter '{}' and the shard leave none of {} cases",
                                   options.filter, cases.size()));
  }

  const nlohmann::json summary = summary_of(session.results),
                       golden = golden_summary(session.results, session.goldens.gpus());
  const std::string tier = name_of(options.tier);
  if (json_file) {
    const nlohmann::json document = document_of(session, ready, start_time, seconds);
    json_file->commit(document.dump(0, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  if (junit_file) junit_file->commit_written();
  print_table(session.results);
  fmt::print("device {}, tier {}: {} cases in {:.1f} s, {:.1f} GiB of host memory:",
             session.gpu.empty() ? ready["device"]["kind"].get<std::string>() : session.gpu, tier,
             session.results.size(), seconds, peak_gib);
  for (const auto& [state, count] : summary.items()) {
    if (count.get<int>() > 0) fmt::print(" {} {}", count.get<int>(), state);
  }
  fmt::print(
      "\ngolden digests ({}): {} matched, {} differ, {} not recorded\n",
      session.goldens.gpus().empty() ? "none recorded" : fmt::format("{}", fmt::join(session.goldens.gpus(), ", ")),
      golden["matched"].get<int>(), golden["differing"].get<int>(), golden["absent"].get<int>());

  const int code = exit_code_of(summary);
  if (!options.record.empty()) {
    if (code != kExitPass) {
      fmt::print(stderr, "plumbline: nothing was recorded: only results that passed become goldens\n");
      return code;
    }
    record_goldens(options.record, session.results,
                   {.gpu = session.gpu,
                    .driver = ready["device"]["driver"],
                    .cuda = ready["device"]["cuda"],
                    .commit = PLUMBLINE_COMMIT,
                    .date = utc_now(),
                    .library = ready["library"]["version"],
                    .tier = tier});
    fmt::print("recorded digests of {} cases under {}\n", session.results.size(), options.record);
  }
  return code;
}

}  // namespace plumb
