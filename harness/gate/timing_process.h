// The parent's side of one timing process: it lives for one measurement, and whatever it dies of is a sentence.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/check/worker_process.h"
#include "harness/gate/timing.h"

namespace plumb {

class TimingProcess {
 public:
  // Starts it; it prepares the points. `arguments` as WorkerProcess takes them.
  TimingProcess(std::vector<std::string> arguments, std::vector<std::string> points, int blocks,
                int timeout_seconds);

  // What it says of device and libraries once it is prepared. May be called again.
  const nlohmann::json& await_ready();

  // Measures all points; `progress` gets how many are done. Throws HarnessError when the process crashes, hangs or
  // says why it cannot.
  std::vector<PointTiming> run(const std::function<void(std::size_t done)>& progress);

  pid_t id() const { return process_.id(); }

 private:
  nlohmann::json next(const std::string& during);

  WorkerProcess process_;
  std::vector<std::string> points_;
  int timeout_seconds_;
  nlohmann::json ready_;
};

}  // namespace plumb
