// What the tests of the history share: documents of made-up nights, and a PostgreSQL server of their own.
#pragma once

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/testing.h"

namespace plumb::history_testing {

using testing_support::ProgramResult;
using testing_support::TemporaryFolder;

// The 22nd hour of the day that is `night` days after 2026-01-01.
inline std::string date_of(int night) {
  const std::time_t seconds = 1767225600 + night * 86400 + 22 * 3600;
  char text[32];
  std::tm time{};
  gmtime_r(&seconds, &time);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &time);
  return text;
}

inline std::string point_name(int series) {
  return fmt::format("rope/bf16/tokens={}/seed=7/variant=vec16/cold", series);
}

// What bench writes of one night: `ratios` are times over the limit, one for each series.
inline nlohmann::json bench_of(int night, const std::vector<double>& ratios) {
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    const double limit = 2.0 + static_cast<double>(i);
    const std::string name = point_name(static_cast<int>(i));
    rows.push_back({{"name", name},
                    {"run_name", name},
                    {"run_type", "iteration"},
                    {"real_time", 1.01 * limit * ratios[i]},
                    {"time_unit", "us"},
                    {"time_us", limit * ratios[i]},
                    {"limit_us", limit}});
  }
  return {{"context",
           {{"date", date_of(night) + "+00:00"},
            {"host_name", "night-1"},
            {"gpu", "NVIDIA H200"},
            {"uuid", "GPU-1"},
            {"driver", "580.1"},
            {"cuda", "13.0"},
            {"commit", fmt::format("c{:04}", night)},
            {"library", "plumbline_optimized 0.1.0"},
            {"library_digest", fmt::format("d{:04}", night)},
            {"sm_clock_mhz", "1980"},
            {"memory_clock_mhz", "3201"}}},
          {"benchmarks", rows}};
}

inline std::vector<double> ratios_of(int night, int series) {
  std::vector<double> ratios;
  for (int i = 0; i < series; ++i) ratios.push_back(1.2 + 0.001 * ((night * 31 + i * 17) % 7));
  return ratios;
}

inline nlohmann::json check_of(int night) {
  return {{"schema", "plumbline.check/1"},
          {"started", date_of(night) + "Z"},
          {"tier", "full"},
          {"commit", fmt::format("c{:04}", night)},
          {"device",
           {{"kind", "cuda"}, {"name", "NVIDIA H200"}, {"uuid", "GPU-1"}, {"driver", "580.1"}, {"cuda", "13.0"}}},
          {"library",
           {{"name", "plumbline_optimized"}, {"version", "0.1.0"}, {"digest", fmt::format("d{:04}", night)}}},
          {"summary", {{"passed", 2000}, {"failed", 0}, {"mistrusted", 3}}},
          {"cases", nlohmann::json::array()}};
}

// A server from the distribution's package, started once for all tests, in a folder of its own, reached through a
// socket alone. PostgreSQL refuses to be root: then it is another user.
class PostgresServer {
 public:
  // nullptr, with the reason, where it cannot be started.
  static PostgresServer* get(std::string& reason) {
    static PostgresServer server;
    reason = server.reason_;
    return reason.empty() ? &server : nullptr;
  }

  // The URL of a new and empty database.
  std::string database() {
    const std::string name = fmt::format("history_{}", ++databases_);
    const ProgramResult made = as_user({program("createdb"), "-h", folder_.path(), "-U", "plumb", name});
    if (made.exit_code != 0) throw HarnessError(made.err);
    return fmt::format("postgresql://plumb@/{}?host={}", name, folder_.path());
  }

  ~PostgresServer() {
    if (reason_.empty()) as_user({program("pg_ctl"), "-D", folder_ / "data", "-m", "immediate", "stop"});
  }

 private:
  PostgresServer() {
    std::error_code ignored;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
      if (std::filesystem::exists(version.path() / "bin/initdb")) programs_ = (version.path() / "bin").string();
    }
    if (programs_.empty()) {
      reason_ = "no PostgreSQL server is installed (Debian package postgresql)";
      return;
    }
    if (geteuid() == 0) {
      const passwd* user = getpwnam("postgres") ? getpwnam("postgres") : getpwnam("nobody");
      if (!user || chown(folder_.path().c_str(), user->pw_uid, user->pw_gid) != 0) {
        reason_ = "PostgreSQL does not run as root, and there is no other user";
        return;
      }
      user_ = user->pw_name;
    }
    const std::string data = folder_ / "data";
    ProgramResult made =
        as_user({program("initdb"), "-D", data, "-U", "plumb", "-A", "trust", "-E", "UTF8", "--no-sync"});
    if (made.exit_code == 0) {
      made = as_user({program("pg_ctl"), "-D", data, "-w", "-t", "60", "-l", folder_ / "log", "-o",
                      "-k " + folder_.path() + " -c listen_addresses= -c fsync=off", "start"});
    }
    if (made.exit_code != 0) reason_ = "PostgreSQL could not be started: " + made.err + made.out;
  }

  std::string program(const std::string& program) const { return programs_ + "/" + program; }

  ProgramResult as_user(const std::vector<std::string>& words) const {
    if (user_.empty()) return testing_support::run_program(words[0], {words.begin() + 1, words.end()});
    std::vector<std::string> arguments = {"-u", user_, "--"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    return testing_support::run_program("/usr/sbin/runuser", arguments);
  }

  TemporaryFolder folder_;
  std::string programs_, user_, reason_;
  int databases_ = 0;
};

}  // namespace plumb::history_testing
