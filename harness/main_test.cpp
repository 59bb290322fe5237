// GoogleTest's main, and the scripted workers that tests start from this same program.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/check/result.h"
#include "harness/error.h"
#include "harness/gate/gate_worker.h"

namespace {

void say(const std::string& line) {
  if (write(3, (line + "\n").data(), line.size() + 1) < 0) _exit(9);
}

// A word inside a case's name says what befalls the worker there. Every other case passes; its reason is this
// process's id, so that a test sees which cases shared a process.
int play_worker(std::string_view start) {
  if (start == "fatal") {
    say(R"({"fatal": "no device here"})");
    return 2;
  }
  if (start == "mute") return 5;
  say(R"({"ready": {"device": {"kind": "fake"}}})");
  std::string name;
  while (std::getline(std::cin, name)) {
    const auto told = [&](std::string_view word) { return name.find(word) != std::string::npos; };
    if (told("abort")) std::abort();
    if (told("exit")) _exit(5);
    if (told("hang")) {
      while (true) pause();
    }
    plumb::CaseResult result;
    result.name = told("impostor") ? "another/case" : name;
    result.state = "passed";
    result.reason = std::to_string(getpid());
    nlohmann::json message = {{"result", plumb::to_json(result)}};
    if (told("last")) message["last"] = true;
    std::puts("noise on standard output");
    say(told("garbage") ? "no JSON" : message.dump());
    if (told("last")) _exit(1);
  }
  return 0;
}

// The gate's timing process with a bench that plays what the points' names say.
class ScriptedBench final : public plumb::PairBench {
 public:
  nlohmann::json describe() const override { return {{"device", {{"name", "fake"}}}}; }
  void prepare(const std::vector<std::string>&) override {}
  plumb::PointTiming measure(const std::string& point, int blocks) override {
    if (point == "abort") std::abort();
    if (point == "exit") _exit(5);
    if (point == "hang") {
      while (true) pause();
    }
    if (point == "fatal") throw plumb::HarnessError("the bench refuses");
    if (point == "garbage") say("no JSON");
    plumb::PointTiming timing;
    timing.name = point == "impostor" ? "another" : point;
    timing.blocks.assign(static_cast<std::size_t>(blocks), point == "nan" ? std::nan("") : 0.25);
    timing.kernels_baseline = {"kernel <<<1>>>"};
    return timing;
  }
};

int play_gate_worker(std::string_view start) {
  if (start == "mute") return 5;
  const auto open = [&]() -> std::unique_ptr<plumb::PairBench> {
    if (start == "fatal") throw plumb::HarnessError("no device here");
    return std::make_unique<ScriptedBench>();
  };
  return plumb::run_gate_worker(open, std::cin, 3);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::string_view(argv[1]) == "fake-worker") return play_worker(argv[2]);
  if (argc > 2 && std::string_view(argv[1]) == "fake-gate-worker") return play_gate_worker(argv[2]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
