// The parent's side of the worker: sends names, receives results, and survives whatever the worker dies of.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/check/result.h"
#include "harness/check/worker_process.h"

namespace plumb {

class Supervisor {
 public:
  // `arguments` start a worker: the program's own path is added in front, the reply descriptor behind.
  Supervisor(std::vector<std::string> arguments, int timeout_seconds);
  ~Supervisor() { finish(); }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Starts the first worker. Throws HarnessError with the worker's sentence when it cannot work at all.
  const nlohmann::json& start();

  // The cases that will be asked for, in order: the worker prepares them ahead.
  void plan(std::vector<std::string> names);

  // The result of one case. When the worker dies or hangs on it, the case is reported crashed, with how, and the
  // rest goes to a fresh worker.
  CaseResult run(const std::string& name);

  // Ends the worker; a later run() starts another.
  void finish() { worker_.stop(!sent_.empty()); }

 private:
  using Reply = WorkerProcess::Reply;

  std::string retire();  // stops; what was sent and not answered will be sent to the next worker
  void send_ahead();
  CaseResult crashed(const std::string& name, const std::string& reason);

  static constexpr std::size_t kWindow = 64;  // names under way in the worker

  WorkerProcess worker_;
  int timeout_seconds_;
  nlohmann::json ready_;
  std::deque<std::string> planned_;  // not yet sent
  std::deque<std::string> sent_;     // sent, not yet answered
};

}  // namespace plumb
