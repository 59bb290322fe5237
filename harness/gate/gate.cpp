// `plumbline gate` on a real GPU: worker processes, the watch over the GPU, and the flow that they feed.
#include "harness/gate/gate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>

#include "build_stamp.h"
#include "harness/cases/points.h"
#include "harness/check/check.h"
#include "harness/error.h"
#include "harness/files.h"
#include "harness/gate/calibration.h"
#include "harness/gate/code_hash.h"
#include "harness/gate/timing_process.h"
#include "harness/gate/watch.h"
#include "harness/library/library.h"

namespace plumb {
namespace {

constexpr int kSideBySide = 24;  // suspects: so few that all processes of stage 2 prepare at once

// One line on stderr that is written over, if that is a terminal.
class Progress {
 public:
  ~Progress() { clear(); }
  void show(const std::string& text) {
    if (!on_terminal_) return;
    const std::lock_guard lock(mutex_);
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
    shown_ = true;
  }
  void clear() {
    if (shown_) fmt::print(stderr, "\r\033[K");
    shown_ = false;
  }

 private:
  std::mutex mutex_;
  bool on_terminal_ = isatty(STDERR_FILENO) != 0, shown_ = false;
};

// Processes of this program that are on the GPU, as the watch needs to know them.
class OwnProcesses {
 public:
  void add(pid_t id) {
    const std::lock_guard lock(mutex_);
    ids_.push_back(static_cast<unsigned>(id));
  }
  std::vector<unsigned> ids() const {
    const std::lock_guard lock(mutex_);
    return ids_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<unsigned> ids_;
};

class ProcessStand final : public GateStand {
 public:
  ProcessStand(const GateOptions& options, const std::vector<std::string>& points, const GatePlan& plan)
      : options_(options), seed_(options.seed ? options.seed : std::random_device()()) {
    // The screening process starts its long preparation while correctness is being checked.
    screening_ = start(points, plan.screen_blocks, 1);
    const auto hashes = [](const std::string& library) { return kernel_hashes(library); };
    baseline_code_ = std::async(std::launch::async, hashes, options.baseline);
    candidate_code_ = std::async(std::launch::async, hashes, options.candidate);
  }

  Correctness check() override {
    CorrectnessOrder order{.baseline = options_.baseline,
                           .candidate = options_.candidate,
                           .device = options_.device,
                           .cases = cases(),
                           .timeout_seconds = options_.timeout_seconds};
    Correctness correctness = check_both(order, [&](int done, int all) {
      if (done % 16 == 0) progress_.show(fmt::format("correctness: {} of {} runs", done, all));
    });
    progress_.clear();
    return correctness;
  }

  std::vector<std::vector<PointTiming>> time(const std::vector<std::string>& points, int blocks,
                                             int processes) override {
    std::vector<std::vector<PointTiming>> timings;
    const bool side_by_side = points.size() <= kSideBySide;
    std::vector<std::unique_ptr<TimingProcess>> waiting;
    if (screening_) {
      waiting.push_back(std::move(screening_));
    } else if (side_by_side) {
      for (int k = 0; k < processes; ++k) waiting.push_back(start(points, blocks, processes));
    }
    for (const auto& process : waiting) await(*process);
    for (int k = 0; k < processes; ++k) {
      std::unique_ptr<TimingProcess> process;
      if (waiting.empty()) {
        process = start(points, blocks, 1);
        await(*process);
      } else {
        process = std::move(waiting.front());
        waiting.erase(waiting.begin());
      }
      const std::string stage =
          processes == 1 ? "timing" : fmt::format("confirming, process {} of {}", k + 1, processes);
      timings.push_back(process->run([&](std::size_t done) {
        progress_.show(fmt::format("{}: {} of {} points", stage, done, points.size()));
      }));
    }
    progress_.clear();
    return timings;
  }

  std::optional<std::string> disturbance(double begin, double end) override {
    if (!watch_ || !watch_->looks()) return std::nullopt;
    return plumb::disturbance(watch_->samples(), begin, end, watch_->slowdown_temperature());
  }

  std::optional<bool> same_code(const PointTiming& timing) override {
    if (!hashes_) hashes_ = {baseline_code_.get(), candidate_code_.get()};
    return plumb::same_code(hashes_->first, timing.kernels_baseline, hashes_->second, timing.kernels_candidate);
  }

  // Of the device, once a process has told of it.
  const nlohmann::json& described() {
    if (described_.is_null() && screening_) await(*screening_);
    return described_;
  }
  const GpuWatch* watch() const { return watch_.get(); }

 private:
  // Correctness of the operators that are timed: those that the points name.
  std::vector<std::string> cases() const {
    std::vector<std::string> names;
    std::map<std::string, bool> wanted;
    for (const std::string& point : gate_points(options_.points)) wanted[point.substr(0, point.find('/'))] = true;
    const Tier tier = options_.tier == "full" ? Tier::kFull : Tier::kQuick;
    for (const Case& point : cases_for(tier, 7, "")) {
      if (wanted.count(point.schema->operator_name)) names.push_back(name_of(point));
    }
    return names;
  }

  std::unique_ptr<TimingProcess> start(const std::vector<std::string>& points, int blocks, int sharing) {
    auto process = std::make_unique<TimingProcess>(
        std::vector<std::string>{"gate-worker", "--baseline", options_.baseline, "--candidate", options_.candidate,
                                 "--ordinal", fmt::to_string(options_.ordinal), "--seed",
                                 fmt::to_string(seed_ + ++started_), "--memory-share",
                                 fmt::to_string(1.0 / sharing)},
        points, blocks, options_.timeout_seconds);
    own_.add(process->id());
    return process;
  }

  void await(TimingProcess& process) {
    described_ = process.await_ready();
    if (!watch_) {
      watch_ = std::make_unique<GpuWatch>(open_nvml(), described_["device"]["uuid"].get<std::string>(),
                                          [this] { return own_.ids(); });
    }
  }

  const GateOptions& options_;
  std::uint64_t seed_;
  std::uint64_t started_ = 0;
  Progress progress_;
  OwnProcesses own_;
  std::unique_ptr<TimingProcess> screening_;
  std::future<std::optional<KernelHashes>> baseline_code_, candidate_code_;
  std::optional<std::pair<std::optional<KernelHashes>, std::optional<KernelHashes>>> hashes_;
  nlohmann::json described_;
  std::unique_ptr<GpuWatch> watch_;
};

BuildIdentity identity_of(const Library& library) {
  return {library.path(), fmt::format("{} {}", library.table().name, library.table().version), library.digest()};
}

void require_operators(const Library& library, const std::vector<std::string>& points, const std::string& spec) {
  for (const std::string& point : points) {
    const std::string name = point.substr(0, point.find('/'));
    if (!library.find(name)) {
      throw HarnessError(
          fmt::format("library {} has no operator {}, which --points '{}' asks for", library.path(), name, spec));
    }
  }
}

std::string machine_host() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

nlohmann::json machine_of(const nlohmann::json& device, const GpuWatch* watch, const BuildIdentity& library) {
  nlohmann::json machine = {
      {"gpu", device["name"]},      {"uuid", device["uuid"]},           {"driver", device["driver"]},
      {"cuda", device["cuda"]},     {"host", machine_host()},           {"commit", PLUMBLINE_COMMIT},
      {"library", library.library}, {"library_digest", library.digest}, {"date", utc_now()}};
  if (!watch) return machine;
  unsigned highest = 0;
  for (const GpuSample& sample : watch->samples()) highest = std::max(highest, sample.sm_mhz);
  if (highest > 0) machine["sm_clock_mhz"] = highest;
  if (const unsigned mhz = watch->memory_mhz()) machine["memory_clock_mhz"] = mhz;
  return machine;
}

}  // namespace

std::vector<std::string> gate_points(const std::string& spec) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= spec.size();) {
    const std::size_t end = std::min(spec.find(':', begin), spec.size());
    const PointSelection selection = select_points(spec.substr(begin, end - begin));
    begin = end + 1;
    for (const Case& point : selection.cases) {
      std::string name = name_of(point);
      const bool wanted = selection.glob.empty() || matches_glob(selection.glob, name);
      if (wanted && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
    }
  }
  if (names.empty()) throw HarnessError(fmt::format("--points '{}': no point has such a name", spec));
  return names;
}

GateReport measure_gate(const GateOptions& options) {
  const double started = steady_seconds();
  if (options.ordinal < 0) throw HarnessError(fmt::format("gate --device '{}': expected cuda:N", options.device));
  const std::vector<std::string> points = gate_points(options.points);
  GateReport report;
  {  // both must be whole before anything runs
    const Library baseline(options.baseline), candidate(options.candidate);
    require_operators(baseline, points, options.points);
    require_operators(candidate, points, options.points);
    report.baseline = identity_of(baseline);
    report.candidate = identity_of(candidate);
  }
  std::optional<Calibration> calibration;
  if (!options.calibration.empty()) calibration = load_calibration(options.calibration, "");
  GatePlan plan{.points = points,
                .margins = calibration ? margins_for(*calibration, points) : std::vector<Margin>(points.size())};
  ProcessStand stand(options, points, plan);
  if (calibration) {  // the machine is known once the first process is ready
    const std::string gpu = stand.described()["device"]["name"];
    if (gpu != calibration->machine_class) load_calibration(options.calibration, gpu);  // throws
  }
  report.rules = plan.rules;
  report.calibrated = calibration.has_value();
  report.result = run_gate_flow(stand, plan);
  report.machine = machine_of(stand.described()["device"], stand.watch(), report.candidate);
  report.looked = stand.watch() && stand.watch()->looks();
  if (!report.looked) report.blind = stand.watch() ? stand.watch()->blind() : "nothing was timed";
  report.seconds = steady_seconds() - started;
  return report;
}

int run_gate(const GateOptions& options) {
  std::optional<FileWriter> json, junit, summary;
  if (!options.json.empty()) json.emplace(options.json);
  if (!options.junit.empty()) junit.emplace(options.junit);
  if (!options.markdown.empty()) summary.emplace(options.markdown);
  const GateReport report = measure_gate(options);
  fmt::print("{}", table_text(report));
  if (json) json->commit(to_json(report).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  if (junit) junit->commit(junit_xml(report));
  if (summary) summary->commit(markdown(report));
  return report.result.exit_code;
}

}  // namespace plumb
