// Keeping a worker process alive, fed and watched.
#include "harness/check/supervisor.h"

#include <fmt/format.h>

#include <utility>

#include "harness/error.h"

namespace plumb {
namespace {

constexpr int kStartSeconds = 120;  // CUDA initialisation on a large host can take long

}  // namespace

Supervisor::Supervisor(std::vector<std::string> arguments, int timeout_seconds)
    : worker_(std::move(arguments)), timeout_seconds_(timeout_seconds) {}

const nlohmann::json& Supervisor::start() {
  worker_.launch();
  std::string line;
  switch (worker_.read_line(line, kStartSeconds)) {
    case Reply::kLine:
      break;
    case Reply::kEnded:
      throw HarnessError(fmt::format("the worker process {} before it was ready", worker_.stop(false)));
    case Reply::kTimeout:
      throw HarnessError(fmt::format("the worker process was not ready within {} s", kStartSeconds));
  }
  const nlohmann::json message = nlohmann::json::parse(line);
  if (message.contains("fatal")) throw HarnessError(message["fatal"].get<std::string>());
  ready_ = message.at("ready");
  return ready_;
}

void Supervisor::plan(std::vector<std::string> names) { planned_.assign(names.begin(), names.end()); }

void Supervisor::send_ahead() {
  std::string batch;
  while (sent_.size() < kWindow && !planned_.empty()) {
    batch += planned_.front() + "\n";
    sent_.push_back(std::move(planned_.front()));
    planned_.pop_front();
  }
  worker_.write(batch);
}

std::string Supervisor::retire() {
  const std::string ended = worker_.stop(!sent_.empty());
  planned_.insert(planned_.begin(), sent_.begin(), sent_.end());
  sent_.clear();
  return ended;
}

CaseResult Supervisor::crashed(const std::string& name, const std::string& reason) {
  CaseResult result;
  result.name = name;
  result.operator_name = name.substr(0, name.find('/'));
  result.state = "crashed";
  result.reason = reason;
  return result;
}

CaseResult Supervisor::run(const std::string& name) {
  // Asked for out of the planned order (a repeated test, say): make it the next one.
  if (sent_.empty() ? planned_.empty() || planned_.front() != name : sent_.front() != name) {
    if (!sent_.empty()) retire();  // answers under way would be for other cases
    planned_.push_front(name);
  }
  try {
    if (!worker_.runs()) start();
  } catch (const HarnessError& error) {
    planned_.pop_front();
    return crashed(name, fmt::format("no fresh worker could be started: {}", error.what()));
  }
  send_ahead();
  std::string line;
  const Reply reply = worker_.read_line(line, timeout_seconds_);
  sent_.pop_front();
  std::string how;
  if (reply == Reply::kLine) {
    try {
      const nlohmann::json message = nlohmann::json::parse(line);
      CaseResult result = case_result_from(message.at("result"));
      if (result.name == name) {
        if (message.contains("last")) retire();
        return result;
      }
      how = fmt::format("answered for {}", result.name);
    } catch (const nlohmann::json::exception& error) {
      how = fmt::format("gave an answer that cannot be read ({})", error.what());
    }
  } else if (reply == Reply::kTimeout) {
    how = fmt::format("gave no answer within {} s and was stopped", timeout_seconds_);
  }
  if (reply != Reply::kEnded) worker_.kill();  // whatever it still says is of no use
  const std::string ended = retire();
  return crashed(name, fmt::format("the worker process {} during this case", how.empty() ? ended : how));
}

}  // namespace plumb
