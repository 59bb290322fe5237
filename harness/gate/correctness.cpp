// Correctness of two builds on the same cases and inputs.
#include "harness/gate/correctness.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>

#include <nlohmann/json.hpp>

#include "harness/check/supervisor.h"
#include "harness/error.h"
#include "harness/gate/timing.h"

namespace plumb {
namespace {

void count(const CaseResult& result, BuildCorrectness& build) {
  if (result.state == "passed") {
    ++build.passed;
  } else if (result.state == "mistrusted") {
    ++build.mistrusted;
  } else if (result.state == "unsupported" || result.state == "skipped") {
    ++build.unsupported;
  } else {
    ++build.failed;
    build.failures.push_back({result.name, result.state, result.reason, result.repro});
  }
}

bool bits_differ(const CaseResult& baseline, const CaseResult& candidate) {
  return std::any_of(baseline.digests.begin(), baseline.digests.end(), [&](const auto& of_class) {
    const auto other = candidate.digests.find(of_class.first);
    return other != candidate.digests.end() && other->second != of_class.second;
  });
}

nlohmann::json to_json(const BuildCorrectness& build) {
  nlohmann::json failures = nlohmann::json::array();
  for (const CaseFailure& failure : build.failures) {
    failures.push_back(
        {{"name", failure.name}, {"state", failure.state}, {"reason", failure.reason}, {"repro", failure.repro}});
  }
  return {{"passed", build.passed},
          {"mistrusted", build.mistrusted},
          {"unsupported", build.unsupported},
          {"failed", build.failed},
          {"failures", std::move(failures)}};
}

}  // namespace

Correctness compare_results(const std::vector<CaseResult>& baseline, const std::vector<CaseResult>& candidate) {
  Correctness both;
  both.cases = static_cast<int>(candidate.size());
  for (std::size_t i = 0; i < candidate.size(); ++i) {
    count(baseline[i], both.baseline);
    count(candidate[i], both.candidate);
    if (baseline[i].state == "passed" && candidate[i].state == "passed" && bits_differ(baseline[i], candidate[i])) {
      both.differing.push_back(candidate[i].name);
    }
  }
  return both;
}

nlohmann::json to_json(const Correctness& correctness) {
  return {{"cases", correctness.cases},
          {"failed", correctness.candidate.failed},
          {"differing", correctness.differing.size()},
          {"differing_cases", correctness.differing},
          {"seconds", correctness.seconds},
          {"baseline", to_json(correctness.baseline)},
          {"candidate", to_json(correctness.candidate)}};
}

Correctness check_both(const CorrectnessOrder& order, const std::function<void(int, int)>& progress) {
  const double started = steady_seconds();
  const int all = static_cast<int>(2 * order.cases.size());
  std::atomic<int> done = 0;
  std::vector<CaseResult> results[2];
  const std::string libraries[2] = {order.baseline, order.candidate};
  std::vector<std::future<void>> parts;
  for (int build = 0; build < 2; ++build) {
    results[build].resize(order.cases.size());
    for (int part = 0; part < order.parts; ++part) {
      parts.push_back(std::async(std::launch::async, [&, build, part] {
        std::vector<std::size_t> places;
        std::vector<std::string> names;
        for (auto i = static_cast<std::size_t>(part); i < order.cases.size();
             i += static_cast<std::size_t>(order.parts)) {
          places.push_back(i);
          names.push_back(order.cases[i]);
        }
        Supervisor supervisor({"worker", "--device", order.device, "--library", libraries[build], "--repeats", "1"},
                              order.timeout_seconds);
        supervisor.start();
        supervisor.plan(names);
        for (const std::size_t i : places) {
          CaseResult& result = results[build][i] = supervisor.run(order.cases[i]);
          result.repro = fmt::format("plumbline check --device {} --filter '{}' --library {}", order.device,
                                     order.cases[i], libraries[build]);
          progress(++done, all);
        }
      }));
    }
  }
  std::exception_ptr failure;
  for (auto& part : parts) {
    try {
      part.get();
    } catch (...) {
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  Correctness both = compare_results(results[0], results[1]);
  both.seconds = steady_seconds() - started;
  return both;
}

}  // namespace plumb
