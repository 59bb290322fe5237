// Starting, reading and ending a timing process.
#include "harness/gate/timing_process.h"

#include <fmt/format.h>

#include <utility>

#include "harness/error.h"

namespace plumb {

TimingProcess::TimingProcess(std::vector<std::string> arguments, std::vector<std::string> points, int blocks,
                             int timeout_seconds)
    : process_(std::move(arguments)), points_(std::move(points)), timeout_seconds_(timeout_seconds) {
  process_.launch();
  process_.write(nlohmann::json{{"points", points_}, {"blocks", blocks}}.dump() + "\n");
}

nlohmann::json TimingProcess::next(const std::string& during) {
  std::string line;
  switch (process_.read_line(line, timeout_seconds_)) {
    case WorkerProcess::Reply::kLine:
      break;
    case WorkerProcess::Reply::kEnded:
      throw HarnessError(fmt::format("the timing process {} {}", process_.stop(false), during));
    case WorkerProcess::Reply::kTimeout:
      process_.kill();
      process_.stop(false);
      throw HarnessError(fmt::format("the timing process gave no answer within {} s and was stopped {}",
                                     timeout_seconds_, during));
  }
  nlohmann::json message = nlohmann::json::parse(line, nullptr, false);
  if (!message.is_object())
    throw HarnessError(fmt::format("the timing process gave an answer that is no JSON {}", during));
  if (message.contains("fatal")) {
    throw HarnessError(fmt::format("timing {}: {}", during, message["fatal"].get<std::string>()));
  }
  return message;
}

const nlohmann::json& TimingProcess::await_ready() {
  if (!ready_.is_null()) return ready_;
  nlohmann::json message = next("while it prepared");
  if (!message.contains("ready")) throw HarnessError("the timing process did not say that it is ready");
  return ready_ = message["ready"];
}

std::vector<PointTiming> TimingProcess::run(const std::function<void(std::size_t)>& progress) {
  await_ready();
  process_.write("go\n");
  std::vector<PointTiming> timings;
  for (const std::string& point : points_) {
    const std::string during = fmt::format("at {}", point);
    progress(timings.size());
    const nlohmann::json message = next(during);
    try {
      timings.push_back(point_timing_from(message.at("point")));
    } catch (const nlohmann::json::exception& error) {
      throw HarnessError(
          fmt::format("the timing process gave an answer that cannot be read {}: {}", during, error.what()));
    }
    if (timings.back().name != point) {
      throw HarnessError(fmt::format("the timing process answered for {} {}", timings.back().name, during));
    }
  }
  process_.stop(true);
  return timings;
}

}  // namespace plumb
