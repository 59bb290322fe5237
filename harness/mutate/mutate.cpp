// Running each mutant through a tier of its operator in a worker process of its own.
#include "harness/mutate/mutate.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include "build_stamp.h"
#include "harness/check/supervisor.h"
#include "harness/error.h"
#include "harness/files.h"
#include "harness/library/library.h"
#include "harness/mutate/matrix.h"
#include "harness/mutate/sanitizer.h"

namespace plumb {
namespace {

constexpr std::string_view kSchema = "plumbline.mutation/1";
constexpr int kLossesAreEnough = 3;  // each costs a fresh process

std::string beside_this_library(const char* name) {
  return (std::filesystem::path(default_library_path()).parent_path() / name).string();
}

// What a mutant is tried with: the words that start a worker, and why it cannot be tried here if it cannot.
struct Trial {
  std::vector<std::string> worker;
  std::string obstacle;
};

Trial trial_of(const Mutant& mutant, const std::string& device) {
  const std::string faulty = beside_this_library("libplumbline_faulty.so");
  const std::string fault = fmt::to_string(static_cast<int>(mutant.fault));
  if (!mutant.needs.empty()) return {{}, mutant.needs};
  if (mutant.fault == Fault::kDeviceZero && device == "cuda:0") return {{}, "device 0 is the right one here"};
  if (device != "replay") {
    if (!(mutant.on & kOnCuda)) return {{}, "its place is not in a kernel"};
    Trial trial{{"worker", "--device", device, "--library", faulty, "--repeats", "2", "--fault", fault}, ""};
    if (mutant.fault != Fault::kDeviceZero) trial.worker.push_back("--alone");
    return trial;
  }
  if (mutant.on & kOnHost) {
    return {{"worker", "--device", "host", "--library", beside_this_library("libplumbline_faulty_replay.so"),
             "--repeats", "2", "--fault", fault},
            ""};
  }
  if (!(mutant.on & kOnPolicy)) return {{}, "needs a GPU"};
  if (!std::filesystem::exists(faulty)) return {{}, "needs a build with nvcc"};
  return {{"worker", "--device", "replay", "--selection-only", "--library", faulty, "--fault", fault}, ""};
}

std::vector<std::string> names_of(const std::string& operator_name, Tier tier, std::uint64_t seed) {
  std::vector<std::string> names;
  for (const Case& point : find_suite(operator_name)->cases(tier, seed)) names.push_back(name_of(point));
  return names;
}

// Puts cases before a worker until all are answered or enough of them have cost a process.
void try_cases(MutantOutcome& outcome, const Trial& trial, const std::vector<std::string>& names, bool quick,
               int timeout_seconds) {
  Supervisor supervisor(trial.worker, timeout_seconds);
  supervisor.plan(names);
  int losses = 0;
  for (const std::string& name : names) {
    const CaseResult result = supervisor.run(name);
    if (result.state == "error") {
      throw HarnessError(fmt::format("mutant {}, case {}: {}", outcome.mutant.id, name, result.reason));
    }
    count_case(outcome, result, quick);
    if (lost_the_device(result) && ++losses == kLossesAreEnough) break;
  }
  supervisor.finish();
}

MutantOutcome try_mutant(const Mutant& mutant, const MutateOptions& options) {
  MutantOutcome outcome;
  outcome.mutant = mutant;
  const Trial trial = trial_of(mutant, options.device);
  if (!trial.obstacle.empty()) {
    outcome.reason = trial.obstacle;
    return outcome;
  }
  const auto started = std::chrono::steady_clock::now();
  const std::vector<std::string> quick = names_of(mutant.operator_name, Tier::kQuick, options.seed);
  try_cases(outcome, trial, quick, true, options.timeout_seconds);
  settle(outcome);
  if (outcome.status == "survived" && options.device != "replay") {
    if (const int findings = sanitizer_findings(trial.worker, quick); findings > 0) {
      outcome.killed_by["sanitizer"] = findings;
      outcome.first_check = "sanitizer";
      outcome.killed_in_quick = true;
      settle(outcome);
    }
  }
  // What only the bits saw may show elsewhere in the full tier to be more than the blind spot. Of arithmetic that
  // the CPU replay shares the replay tells that, without a GPU's time.
  const bool told_by_replay = options.device != "replay" && (mutant.on & kOnHost);
  const auto undecided = [&] {
    return outcome.status == "survived" || (outcome.bounds_only == "exempt" && !told_by_replay);
  };
  if (options.tier == Tier::kFull && undecided()) {
    std::vector<std::string> rest = names_of(mutant.operator_name, Tier::kFull, options.seed);
    const std::set<std::string> done(quick.begin(), quick.end());
    std::erase_if(rest, [&](const std::string& name) { return done.contains(name); });
    try_cases(outcome, trial, rest, false, options.timeout_seconds);
    settle(outcome);
  }
  if (outcome.status == "survived" && !mutant.equivalent.empty()) {
    outcome.status = "equivalent";
    outcome.reason = mutant.equivalent;
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return outcome;
}

bool is_meant(const Mutant& mutant, const std::string& asked) {
  return asked.empty() || asked == mutant.id || asked == mutant.name || asked == mutant.operator_name ||
         asked == fmt::to_string(mutant.catalogue);
}

Mutant without_fault(const std::string& operator_name, unsigned on) {
  return {"honest", "honest", operator_name, 0, Fault::kNone, on, "no fault", "", ""};
}

// The GPU, its driver and CUDA, as a worker sees them.
nlohmann::json machine_of(const std::string& device, int timeout_seconds) {
  Supervisor supervisor(trial_of(without_fault("", kOnCuda), device).worker, timeout_seconds);
  const nlohmann::json& seen = supervisor.start()["device"];
  return {{"gpu", seen["name"]}, {"driver", seen["driver"]}, {"cuda", seen["cuda"]}};
}

// The faulty library with no fault chosen must pass everything, or the matrix would prove nothing.
void try_honest(const std::set<std::string>& operators, const MutateOptions& options) {
  for (const std::string& name : operators) {
    for (const unsigned on : {unsigned{kOnHost}, unsigned{kOnPolicy}, unsigned{kOnCuda}}) {
      if ((on == kOnCuda) != (options.device != "replay")) continue;
      const Mutant honest = without_fault(name, on);
      const Trial trial = trial_of(honest, options.device);
      if (!trial.obstacle.empty()) continue;
      MutantOutcome outcome;
      outcome.mutant = honest;
      try_cases(outcome, trial, names_of(name, Tier::kQuick, options.seed), true, options.timeout_seconds);
      if (outcome.killed_by.empty()) continue;
      throw HarnessError(fmt::format("the library without a fault fails {} in {}: nothing can be said of mutants",
                                     outcome.first_check, outcome.first_case));
    }
  }
}

}  // namespace

int run_mutate(const MutateOptions& options) {
  std::vector<Mutant> mutants;
  std::set<std::string> operators;
  for (const Mutant& mutant : all_mutants()) {
    if (!is_meant(mutant, options.mutant)) continue;
    mutants.push_back(mutant);
    operators.insert(mutant.operator_name);
  }
  if (mutants.empty()) {
    throw HarnessError(
        fmt::format("--mutant '{}': no such mutant; expected an id such as rope.truncate, a fault's name, "
                    "an operator's name or a number of the catalogue",
                    options.mutant));
  }
  std::optional<FileWriter> file;
  if (!options.json.empty()) file.emplace(options.json);
  const std::string date = utc_now();
  const auto started = std::chrono::steady_clock::now();
  try_honest(operators, options);

  std::vector<MutantOutcome> outcomes(mutants.size());
  for (std::size_t i = 0; i < mutants.size(); ++i) {
    outcomes[i].mutant = mutants[i];
    outcomes[i].reason = "not tried yet";
  }
  const nlohmann::json machine =
      options.device != "replay" ? machine_of(options.device, options.timeout_seconds) : nlohmann::json();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  };
  const auto document = [&] {
    nlohmann::json all = to_json(outcomes);
    all["schema"] = kSchema;
    all["device"] = options.device;
    if (!machine.is_null()) all["machine"] = machine;
    all["tier"] = name_of(options.tier);
    all["date"] = date;
    all["commit"] = PLUMBLINE_COMMIT;
    all["seconds"] = seconds();
    return all.dump(1);
  };
  // What a run that is cut short has found, for people; only the whole document gets the name asked for.
  const std::string partial = options.json + ".partial";
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  // First those that touch a second GPU, which is quiet afterwards.
  std::vector<std::size_t> order(mutants.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_partition(order.begin(), order.end(),
                        [&](std::size_t i) { return mutants[i].fault == Fault::kDeviceZero; });
  const auto work = [&] {
    for (std::size_t turn = next++; turn < mutants.size(); turn = next++) {
      const std::size_t i = order[turn];
      try {
        MutantOutcome outcome = try_mutant(mutants[i], options);
        const std::lock_guard lock(mutex);
        outcomes[i] = std::move(outcome);
        if (file) write_file(partial, document());
        fmt::print(stderr, "{}: {} ({}) in {:.1f} s\n", mutants[i].id, outcomes[i].status,
                   outcomes[i].status == "killed" ? outcomes[i].first_check : outcomes[i].reason,
                   outcomes[i].seconds);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        next = mutants.size();
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int i = 1; i < options.jobs; ++i) workers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);

  print_matrix(outcomes);
  const Scores scores = scores_of(outcomes);
  fmt::print(
      "device {}, tier {}: all checks kill {} of {} mutants (the quick tier {}), bounds only {} of {}, {:.0f} s\n",
      options.device, name_of(options.tier), scores.all.killed, scores.all.of, scores.quick.killed,
      scores.bounds_only.killed, scores.bounds_only.of, seconds());
  if (file) {
    file->commit(document());
    std::filesystem::remove(partial);
  }
  if (scores.all.of == 0) throw HarnessError("no mutant could be tried on this machine");
  return all_died(outcomes, options.bounds_only) ? kExitPass : kExitMismatch;
}

}  // namespace plumb
