// The history on both databases: what is added is there once and whole, whatever happens meanwhile.
#include "harness/history/store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "harness/files.h"
#include "harness/history/backends.h"
#include "harness/history/report.h"
#include "harness/history/testing.h"

namespace plumb::history {
namespace {

using history_testing::bench_of;
using history_testing::check_of;
using history_testing::PostgresServer;
using history_testing::ratios_of;
using testing_support::complaint_of;
using testing_support::ProgramResult;
using testing_support::TemporaryFolder;

ProgramResult plumbline(std::vector<std::string> words) {
  words.insert(words.begin(), "history");
  return testing_support::run_program(PLUMBLINE_BINARY, words);
}

// Starts `plumbline history ...` and leaves it running.
pid_t start(std::vector<std::string> words) {
  words.insert(words.begin(), {PLUMBLINE_BINARY, "history"});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0);
  }
  pid_t child = -1;
  EXPECT_EQ(posix_spawn(&child, PLUMBLINE_BINARY, &actions, nullptr, argv.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

int exit_code_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Databases : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string("sqlite")) {
      location_ = folder_ / "history.sqlite";
      return;
    }
    std::string reason;
    PostgresServer* server = PostgresServer::get(reason);
    if (!server) GTEST_SKIP() << reason;
    location_ = server->database();
  }

  std::string written(const std::string& name, const nlohmann::json& document) {
    write_file(folder_ / name, document.dump(1));
    return folder_ / name;
  }
  Document bench(int night, int series = 20) {
    return read_document(written("bench.json", bench_of(night, ratios_of(night, series))));
  }
  Document check(int night) { return read_document(written("check.json", check_of(night))); }
  Added add(const Document& document) { return Store(location_, Store::Open::kCreate).add({document}).at(0); }
  Content content(const Selection& selection = {}) {
    return Store(location_, Store::Open::kExisting).read(selection);
  }

  // What someone else does to the database.
  void execute(const std::string& statement) {
    const bool file = GetParam() == std::string("sqlite");
    soci::session(*(file ? factory_sqlite3() : factory_postgresql()), location_) << statement;
  }

  TemporaryFolder folder_;
  std::string location_;
};

TEST_P(Databases, WhatIsAddedIsReadBackExactly) {
  const Document document = bench(3);
  const Added added = add(document);
  EXPECT_TRUE(added.is_new_run);
  EXPECT_EQ(added.new_series, 20);
  const Content read = content();
  ASSERT_EQ(read.runs.size(), 1u);
  const history::Run& run = read.runs[0];
  EXPECT_EQ(run.date, "2026-01-04T22:00:00Z");
  EXPECT_EQ(run.key.gpu, "NVIDIA H200");
  EXPECT_EQ(run.key.uuid, "GPU-1");
  EXPECT_EQ(run.key.driver, "580.1");
  EXPECT_EQ(run.key.commit, "c0003");
  EXPECT_EQ(run.key.library_digest, "d0003");
  EXPECT_EQ(run.key.host, "night-1");
  EXPECT_EQ(run.key.sm_clock_mhz, 1980);
  EXPECT_EQ(run.key.memory_clock_mhz, 3201);
  EXPECT_EQ(run.points, 20);
  ASSERT_EQ(read.series.size(), 20u);
  for (const NewPoint& point : document.points) {
    const auto found = std::find_if(read.series.begin(), read.series.end(),
                                    [&](const Series& series) { return series.name == point.name; });
    ASSERT_NE(found, read.series.end()) << point.name;
    ASSERT_EQ(found->points.size(), 1u);
    EXPECT_EQ(found->points[0].time_us, point.time_us);  // to the last bit
    EXPECT_EQ(found->points[0].limit_us, point.limit_us);
    EXPECT_EQ(found->operator_name, "rope");
  }
}

TEST_P(Databases, AddingTwiceChangesNothing) {
  add(bench(1));
  add(check(1));
  nlohmann::json same = bench_of(1, ratios_of(1, 20));
  write_file(folder_ / "spaced.json", same.dump(7));  // other white space is the same document
  const Added again = add(read_document(folder_ / "spaced.json"));
  EXPECT_TRUE(again.known);
  EXPECT_EQ(again.run, 1);
  EXPECT_TRUE(add(check(1)).known);
  EXPECT_EQ(content().runs.size(), 1u);
}

TEST_P(Databases, ACheckJoinsTheRunOfItsNight) {
  add(bench(1));
  add(check(2));  // before its bench
  EXPECT_EQ(add(check(1)).run, 1);
  const Added joined = add(bench(2));
  EXPECT_EQ(joined.run, 2);
  EXPECT_FALSE(joined.is_new_run);
  add(check(9));  // another night and commit: a run of its own
  const Content read = content();
  ASSERT_EQ(read.runs.size(), 3u);
  for (const history::Run& run : read.runs) {
    ASSERT_TRUE(run.check.has_value()) << run.id;
    EXPECT_EQ(run.check->passed, 2000);
    EXPECT_EQ(run.check->mistrusted, 3);
  }
  EXPECT_EQ(read.runs[0].points, 20);
  EXPECT_EQ(read.runs[1].points, 20);
  EXPECT_EQ(read.runs[1].key.host, "night-1");
  EXPECT_EQ(read.runs[2].points, 0);
}

TEST_P(Databases, OneBadDocumentOfSeveralLeavesNothing) {
  add(bench(1));
  std::vector<Document> documents = {bench(2), bench(3)};
  documents[1].points[5].name = documents[1].points[4].name;  // the key forbids it in the middle of the second
  EXPECT_NE(complaint_of([&] { Store(location_, Store::Open::kExisting).add(documents); }), "");
  EXPECT_EQ(content().runs.size(), 1u);
  EXPECT_TRUE(add(bench(2)).is_new_run);
  EXPECT_EQ(content().series[0].points.size(), 2u);
}

TEST_P(Databases, NamesAreDataNotSql) {
  nlohmann::json document = bench_of(1, ratios_of(1, 1));
  const std::string name = "rope/'); drop table history_run; --/\"x\":y%";
  document["benchmarks"][0]["name"] = document["benchmarks"][0]["run_name"] = name;
  document["context"]["commit"] = "'; delete from history_point; --";
  add(read_document(written("evil.json", document)));
  Store(location_, Store::Open::kExisting).pin(1, "v1'; drop table history_pin; --");
  const Content read = content();
  ASSERT_EQ(read.series.size(), 1u);
  EXPECT_EQ(read.series[0].name, name);
  EXPECT_EQ(read.runs[0].pinned, "v1'; drop table history_pin; --");
}

TEST_P(Databases, PinsMoveAndGo) {
  add(bench(1));
  add(bench(2));
  Store store(location_, Store::Open::kExisting);
  store.pin(1, "v1.0");
  store.pin(2, "v1.0");
  EXPECT_EQ(content().runs[0].pinned, "");
  EXPECT_EQ(content().runs[1].pinned, "v1.0");
  EXPECT_NE(complaint_of([&] { store.pin(7, "v2.0"); }).find("has no run 7"), std::string::npos);
  store.unpin("v1.0");
  EXPECT_EQ(content().runs[1].pinned, "");
  EXPECT_NE(complaint_of([&] { store.unpin("v1.0"); }).find("no pinned label 'v1.0'"), std::string::npos);
}

TEST_P(Databases, SelectionsSelect) {
  for (int night = 0; night < 6; ++night) add(bench(night));
  add(check(20));
  Selection selection;
  selection.nights = 2;
  Content read = content(selection);
  ASSERT_EQ(read.series.size(), 20u);
  for (const Series& series : read.series) EXPECT_EQ(series.points.size(), 2u);
  EXPECT_EQ(read.runs[static_cast<std::size_t>(read.series[0].points[0].run)].key.commit, "c0004");
  selection = {};
  selection.glob = "rope/*tokens=7/*";
  read = content(selection);
  ASSERT_EQ(read.series.size(), 1u);
  EXPECT_EQ(read.series[0].points.size(), 6u);
  selection.glob = read.series[0].slug;
  EXPECT_EQ(content(selection).series.size(), 1u);
  selection = {};
  selection.uuid = "GPU-2";
  EXPECT_TRUE(content(selection).series.empty());
}

TEST_P(Databases, AnotherSchemaVersionIsRefusedAndLeftAlone) {
  add(bench(1));
  execute("update history_version set version = 2");
  const std::string words = "its schema has version 2, this plumbline knows version 1";
  EXPECT_NE(complaint_of([&] { add(bench(2)); }).find(words), std::string::npos);
  EXPECT_NE(complaint_of([&] { content(); }).find(words), std::string::npos);
}

TEST_P(Databases, WritersAtOnceAllLand) {
  constexpr int kWriters = 12;
  std::vector<pid_t> children;
  for (int i = 0; i < kWriters; ++i) {
    const std::string path = written(fmt::format("night{}.json", i), bench_of(i, ratios_of(i, 150)));
    children.push_back(start({"add", "--db", location_, path}));  // the first ones race for making the tables, too
    if (i % 3 == 0) children.push_back(start({"add", "--db", location_, path}));
  }
  for (const pid_t child : children) EXPECT_EQ(exit_code_of(child), 0);
  const Content read = content();
  EXPECT_EQ(read.runs.size(), static_cast<std::size_t>(kWriters));
  ASSERT_EQ(read.series.size(), 150u);
  for (const Series& series : read.series) EXPECT_EQ(series.points.size(), static_cast<std::size_t>(kWriters));
}

TEST_P(Databases, AHundredKillsAtScaleLoseAndDuplicateNothing) {
  constexpr int kKills = 100, kSeries = 300;
  std::mt19937 random(7);
  const auto seconds_of_add = [&](const std::string& path) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(exit_code_of(start({"add", "--db", location_, path})), 0);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  // How long the last undisturbed add took sets the range of the moments: the first makes tables, too, and how busy
  // the machine is changes.
  double whole = seconds_of_add(written("first.json", bench_of(0, ratios_of(0, kSeries))));
  std::uniform_real_distribution<double> share(0, 1.2);
  int killed = 0, landed = 0;
  for (int night = 1; night <= kKills; ++night) {
    const std::string path = written("night.json", bench_of(night, ratios_of(night, kSeries)));
    const pid_t child = start({"add", "--db", location_, path});
    std::this_thread::sleep_for(std::chrono::duration<double>(whole * share(random)));
    kill(child, SIGKILL);
    killed += exit_code_of(child) == -1;
    const auto runs_now = [&] {
      Selection only_runs;
      only_runs.points = false;
      return content(only_runs).runs.size();
    };
    const std::size_t before = runs_now();
    ASSERT_TRUE(before == static_cast<std::size_t>(night) || before == static_cast<std::size_t>(night) + 1);
    const bool has_landed = before == static_cast<std::size_t>(night) + 1;
    landed += has_landed;
    const double again = seconds_of_add(path);
    if (!has_landed) whole = again;
    ASSERT_EQ(runs_now(), static_cast<std::size_t>(night) + 1);
  }
  const Content read = content();
  ASSERT_EQ(read.series.size(), static_cast<std::size_t>(kSeries));
  for (const Series& series : read.series) {
    ASSERT_EQ(series.points.size(), static_cast<std::size_t>(kKills) + 1) << series.name;
    for (std::size_t night = 0; night < series.points.size(); ++night) {
      const int index = std::atoi(series.name.substr(series.name.find('=') + 1).c_str());
      EXPECT_EQ(series.points[night].ratio(),
                (2.0 + index) * ratios_of(static_cast<int>(night), kSeries)[static_cast<std::size_t>(index)] /
                    (2.0 + index));
    }
  }
  EXPECT_GT(killed, kKills / 4);  // else the moments came too late, and nothing was tried
  std::printf("%d of %d were killed before their end, of %d the night had landed\n", killed, kKills, landed);
}

INSTANTIATE_TEST_SUITE_P(History, Databases, testing::Values("sqlite", "postgresql"),
                         [](const auto& param) { return std::string(param.param); });

// Two million points: what the machine must do in the night, with everything written as it is in use.
TEST(HistoryAtScale, TwoMillionPoints) {
  constexpr int kSeries = 500, kNights = 4000;
  const TemporaryFolder folder;
  const std::string location = folder / "history.sqlite";
  {
    Store store(location, Store::Open::kCreate);
    std::vector<Document> documents;
    for (int night = 0; night < kNights; ++night) {
      const std::vector<double> ratios = ratios_of(night, kSeries);
      Document document;
      document.digest = fmt::format("{}", night);
      document.date = history_testing::date_of(night - kNights) + "Z";
      document.key.gpu = "NVIDIA H200";
      document.key.commit = document.key.library_digest = fmt::format("c{}", night);
      for (int i = 0; i < kSeries; ++i) {
        document.points.push_back({history_testing::point_name(i), "rope", ratios[static_cast<std::size_t>(i)], 1});
      }
      documents.push_back(std::move(document));
    }
    store.add(documents);
  }
  const auto seconds_of_run = [&](const std::vector<std::string>& words) {
    const auto begin = std::chrono::steady_clock::now();
    const ProgramResult result = plumbline(words);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return seconds.count();
  };
  write_file(folder / "night.json", bench_of(1, ratios_of(1, 300)).dump());
  const double add = seconds_of_run({"add", "--db", location, folder / "night.json"});
  const double changes = seconds_of_run({"changes", "--db", location, "--nights", "365"});
  std::printf("2 million points, %.0f MB: add of 300 points %.2f s, changes over 500 series of 365 nights %.2f s\n",
              static_cast<double>(std::filesystem::file_size(location)) * 1e-6, add, changes);
  EXPECT_LT(add, 1);
  EXPECT_LT(changes, 5);
}

}  // namespace
}  // namespace plumb::history
