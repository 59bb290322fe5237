// Documents that the history takes, those that it refuses, and locations without their passwords.
#include "harness/history/document.h"

#include <gtest/gtest.h>

#include "harness/files.h"
#include "harness/history/location.h"
#include "harness/history/testing.h"

namespace plumb::history {
namespace {

using history_testing::bench_of;
using history_testing::check_of;
using history_testing::ratios_of;
using nlohmann::json;
using testing_support::complaint_of;
using testing_support::TemporaryFolder;

class Documents : public testing::Test {
 protected:
  Document read(const json& document) {
    write_file(folder_ / "d.json", document.dump());
    return read_document(folder_ / "d.json");
  }
  std::string complaint(const json& document) {
    return complaint_of([&] { read(document); });
  }
  TemporaryFolder folder_;
};

TEST_F(Documents, TheRecordedRunIsRead) {
  const Document document = read_document(std::string(PLUMBLINE_GOLDEN_FOLDER) + "/performance/h200.json");
  EXPECT_EQ(document.key.gpu, "NVIDIA H200");
  EXPECT_GT(document.points.size(), 100u);
  EXPECT_FALSE(document.check.has_value());
}

TEST_F(Documents, RepetitionsBecomeTheirMedianAndFailuresAreLeftOut) {
  json document = bench_of(1, {1.1, 1.2});
  json again = document["benchmarks"][0];
  again["time_us"] = 2.0 * 1.3;
  document["benchmarks"].push_back(again);
  again["time_us"] = 2.0 * 1.2;
  document["benchmarks"].push_back(again);
  document["benchmarks"].push_back({{"name", "x_mean"}, {"run_type", "aggregate"}});
  document["benchmarks"].push_back({{"name", "broken"}, {"run_type", "iteration"}, {"error_occurred", true}});
  const Document result = read(document);
  ASSERT_EQ(result.points.size(), 2u);
  EXPECT_DOUBLE_EQ(result.points[0].time_us, 2.4);
  EXPECT_EQ(result.skipped, 1);
}

TEST_F(Documents, BadOnesAreRefusedWithASentence) {
  const json good = bench_of(1, {1.1});
  const auto with = [&](const char* pointer, const json& value) {
    json changed = good;
    changed[json::json_pointer(pointer)] = value;
    return complaint(changed);
  };
  EXPECT_NE(with("/context/date", "yesterday").find("its date is 'yesterday'"), std::string::npos);
  EXPECT_NE(with("/context/date", "2026-02-31T05:00:00Z").find("its date is"), std::string::npos);
  EXPECT_NE(with("/context/gpu", nullptr).find("context.gpu is missing"), std::string::npos);
  EXPECT_NE(with("/context/sm_clock_mhz", "fast").find("expected a clock in MHz"), std::string::npos);
  EXPECT_NE(with("/benchmarks/0/limit_us", 0).find("limit_us 0, expected"), std::string::npos);
  EXPECT_NE(with("/benchmarks/0/time_us", -1).find("time_us -1"), std::string::npos);
  EXPECT_NE(with("/benchmarks", json::array()).find("no benchmark with a time"), std::string::npos);
  EXPECT_NE(with("/benchmarks", 7).find("not those of a benchmark run"), std::string::npos);
  EXPECT_NE(with("/schema", "plumbline.bench/9").find("schema is \"plumbline.bench/9\""), std::string::npos);
  json check = check_of(1);
  check["schema"] = "plumbline.check/2";
  EXPECT_NE(complaint(check).find("schema is \"plumbline.check/2\", expected \"plumbline.check/1\""),
            std::string::npos);
  check = check_of(1);
  check["summary"]["passed"] = -3;
  EXPECT_NE(complaint(check).find("summary.passed is -3"), std::string::npos);
  for (const json& odd : {json(), json(3), json("text"), json::array(), json::object()})
    EXPECT_NE(complaint(odd), "");
  // Cut anywhere, a document is no JSON.
  const std::string text = good.dump();
  for (std::size_t length = 0; length < text.size(); length += 37) {
    write_file(folder_ / "cut.json", text.substr(0, length));
    EXPECT_NE(complaint_of([&] { read_document(folder_ / "cut.json"); }).find("is damaged"), std::string::npos);
  }
}

TEST(Dates, BecomeUtc) {
  EXPECT_EQ(utc_of("2026-11-22T06:48:00+00:00"), "2026-11-22T06:48:00Z");
  EXPECT_EQ(utc_of("2026-01-01T00:30:00+01:00"), "2025-12-31T23:30:00Z");
  EXPECT_EQ(utc_of("2026-01-01T00:30:00.123-02:30"), "2026-01-01T03:00:00Z");
  EXPECT_EQ(utc_of("2026-01-01"), std::nullopt);
  EXPECT_EQ(seconds_of("1970-01-02T00:00:01Z"), 86401);
}

TEST(Locations, KeepTheirPasswords) {
  EXPECT_EQ(printable("build/h.sqlite"), "build/h.sqlite");
  EXPECT_EQ(printable("postgresql://user@host/db"), "postgresql://user@host/db");
  EXPECT_EQ(printable("postgresql://user:secret@host:5432/db?a=b"), "postgresql://user:***@host:5432/db?a=b");
  EXPECT_EQ(printable("postgres://u:p@ss/w:rd@host/db"), "postgres://u:***@host/db");
  EXPECT_EQ(printable("postgresql://host/db?user=u&password=secret&x=1"),
            "postgresql://host/db?user=u&password=***&x=1");
  const std::string url = "postgresql://u:first%40second@host/db";
  for (const char* message : {"cannot reach postgresql://u:first%40second@host/db", "no host \"second@host\"",
                              "password first@second is wrong", "bad token first%40second"}) {
    const std::string said = without_secrets(message, url);
    EXPECT_EQ(said.find("first%40second"), std::string::npos) << said;
    EXPECT_EQ(said.find("first@second"), std::string::npos) << said;
  }
}

testing_support::ProgramResult history(std::vector<std::string> words) {
  words.insert(words.begin(), "history");
  return testing_support::run_program(PLUMBLINE_BINARY, words);
}

void expect_sentence(const testing_support::ProgramResult& result, const std::string& words) {
  EXPECT_EQ(result.exit_code, 2) << result.out << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST(HistoryCommand, BadInputIsOneSentenceAndChangesNothing) {
  const TemporaryFolder folder;
  const std::string db = folder / "h.sqlite", good = folder / "good.json", bad = folder / "bad.json";
  const std::string text = bench_of(1, ratios_of(1, 3)).dump();
  write_file(good, text);
  write_file(bad, text.substr(0, text.size() / 2));
  expect_sentence(history({"add", "--db", db, good, bad}), "bad.json: is damaged");
  EXPECT_FALSE(std::filesystem::exists(db));
  expect_sentence(history({"list", "--db", db}), "there is no such file");
  EXPECT_FALSE(std::filesystem::exists(db));
  EXPECT_EQ(history({"add", "--db", db, good}).exit_code, 0);
  const std::string before = read_file(db);
  expect_sentence(history({"add", "--db", db, bad}), "is damaged");
  expect_sentence(history({"baseline", "9", "--label", "v1", "--db", db}), "has no run 9");
  expect_sentence(history({"baseline", "1", "--db", db}), "--label is missing");
  expect_sentence(history({"show", "nothing*", "--db", db}), "no series is named 'nothing*'");
  expect_sentence(history({"changes", "--min-effect", "-1", "--db", db}), "min-effect");
  expect_sentence(history({"changes", "--db", good}), "file is not a database");
  expect_sentence(history({"changes", "--db", "oracle://x"}), "expected a file or postgresql://");
  expect_sentence(history({"add", good, "--db", "/proc/no/such/h.sqlite"}), "/proc/no/such/h.sqlite");
  EXPECT_EQ(read_file(db), before);
  EXPECT_EQ(read_file(good), text);
  const auto unreachable = history({"changes", "--db", "postgresql://u:hidden@/db?host=" + folder.path()});
  expect_sentence(unreachable, "Cannot establish connection");
  EXPECT_EQ(unreachable.err.find("hidden"), std::string::npos) << unreachable.err;
}

TEST(HistoryCommand, AStepIsFoundBetweenItsCommitsAndExported) {
  const TemporaryFolder folder;
  const std::string db = folder / "h.sqlite";
  std::vector<std::string> words = {"add", "--db", db};
  for (int night = 0; night < 40; ++night) {
    if (night == 5) {
      EXPECT_EQ(history(words).exit_code, 0);
      EXPECT_NE(history({"changes", "--db", db}).out.find("3 of them have fewer than 8 nights"), std::string::npos);
    }
    std::vector<double> ratios = ratios_of(night, 3);
    if (night >= 25) ratios[1] *= 1.05;
    if (night == 10) ratios[2] *= 1.5;
    const std::string path = folder / fmt::format("{}.json", night);
    write_file(path, bench_of(night, ratios).dump());
    words.push_back(path);
  }
  EXPECT_EQ(history(words).exit_code, 0);
  EXPECT_EQ(history({"baseline", "5", "--label", "v1.0", "--db", db}).exit_code, 0);
  const auto changes = history({"changes", "--db", db});
  EXPECT_NE(changes.out.find("c0024..c0025"), std::string::npos) << changes.out;
  EXPECT_NE(changes.out.find("1 changes of at least 0.50%"), std::string::npos) << changes.out;
  EXPECT_EQ(changes.out.find("too few"), std::string::npos) << changes.out;
  EXPECT_NE(changes.out.find("1 single nights in 1 series are outliers"), std::string::npos) << changes.out;
  EXPECT_NE(history({"show", "rope/*tokens=1/*", "--db", db}).out.find("  change +"), std::string::npos);
  EXPECT_EQ(history({"export", "--db", db, "--json", folder / "out.json"}).exit_code, 0);
  const json document = read_json(folder / "out.json", "plumbline.history/1");
  ASSERT_EQ(document["runs"].size(), 40u);
  EXPECT_EQ(document["runs"][4]["pinned"], "v1.0");
  EXPECT_EQ(document["runs"][4]["machine"]["sm_clock_mhz"], 1980);
  ASSERT_EQ(document["series"].size(), 3u);
  const json& series = document["series"][1];
  EXPECT_EQ(series["name"], history_testing::point_name(1));
  ASSERT_EQ(series["changes"].size(), 1u);
  EXPECT_EQ(series["changes"][0]["commits"], json({"c0024", "c0025"}));
  EXPECT_EQ(series["changes"][0]["before"], 25);
  EXPECT_EQ(series["changes"][0]["after"], 26);
  EXPECT_NEAR(series["changes"][0]["effect"].get<double>(), 0.05, 0.004);
  EXPECT_EQ(series["points"][4]["to_pinned"], 1.0);
  EXPECT_NEAR(series["points"][30]["to_pinned"].get<double>(), 1.05, 0.01);
  EXPECT_EQ(document["series"][2]["outliers"], json({11}));
  EXPECT_TRUE(document["series"][2]["drift"].is_null());
}

}  // namespace
}  // namespace plumb::history
