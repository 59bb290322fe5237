// The loop of the gate's timing process.
#include "harness/gate/gate_worker.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/check/worker_process.h"
#include "harness/error.h"

namespace plumb {
namespace {

void reply(int fd, const nlohmann::json& message) {
  write_reply(fd, message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

int run_gate_worker(const std::function<std::unique_ptr<PairBench>()>& open, std::istream& orders, int reply_fd) {
  try {
    std::string line;
    std::getline(orders, line);
    const nlohmann::json order = nlohmann::json::parse(line);
    const auto points = order.at("points").get<std::vector<std::string>>();
    const int blocks = order.at("blocks").get<int>();
    const std::unique_ptr<PairBench> bench = open();
    bench->prepare(points);
    reply(reply_fd, {{"ready", bench->describe()}});
    if (!std::getline(orders, line) || line != "go") return kExitError;  // the parent has changed its mind
    for (const std::string& point : points) reply(reply_fd, {{"point", to_json(bench->measure(point, blocks))}});
    reply(reply_fd, {{"done", true}});
    return kExitPass;
  } catch (const std::exception& error) {
    reply(reply_fd, {{"fatal", error.what()}});
    return kExitError;
  }
}

}  // namespace plumb
