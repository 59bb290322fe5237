// GoogleTest's main, and the scripted worker that the supervisor's tests start from this same program.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "harness/check/result.h"

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

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::string_view(argv[1]) == "fake-worker") return play_worker(argv[2]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
