// Measuring the grids on a device.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "build_stamp.h"
#include "harness/device/cuda_device.h"
#include "harness/error.h"
#include "harness/files.h"
#include "harness/library/library.h"
#include "harness/measure/measurement.h"
#include "harness/measure/samples.h"
#include "harness/operators/suite.h"
#include "harness/tune/document.h"
#include "harness/tune/tune.h"

namespace plumb {
namespace {

constexpr int kTrialSamples = 3;
constexpr double kHopeless = 1.25;  // a trial slower than the best by this factor is all that a variant gets
// Each variant's samples are taken in rounds among the others', so that a drift of the clock meets all of them.
constexpr int kRounds = 2, kSamplesPerRound = 7;

struct Candidate {
  std::int32_t index;
  Launch launch;
  int launches = 1;
  std::vector<double> samples;
};

class Tuner {
 public:
  Tuner(const Library& library, const CudaDevice& device) : library_(library), workload_(device, timer_.stream()) {}

  // A point without variants where none can serve.
  TunePoint measure(const plumb_operator& op, const TuneGrid& grid, const std::string& form, const Case& point) {
    TunePoint measured{name_of(point), form, grid.key(point), {}, 0};
    workload_.load(*find_suite(op.name), point);
    workload_.rotate(CacheState::kCold);
    std::vector<Candidate> candidates = candidates_for(op);
    if (candidates.empty()) return measured;
    double best = std::numeric_limits<double>::infinity();
    for (Candidate& candidate : candidates) {
      candidate.launches = plan_launches(timer_, workload_, candidate.launch);
      take(candidate, kTrialSamples);
      best = std::min(best, median(candidate.samples));
    }
    std::vector<Candidate*> hopeful;
    for (Candidate& candidate : candidates) {
      if (median(candidate.samples) > kHopeless * best) continue;
      candidate.samples.clear();
      hopeful.push_back(&candidate);
    }
    for (int round = 0; round < kRounds; ++round) {
      for (Candidate* candidate : hopeful) take(*candidate, kSamplesPerRound);
      std::reverse(hopeful.begin(), hopeful.end());
    }
    for (const Candidate& candidate : candidates) {
      measured.variants.push_back({op.variant(candidate.index)->name, median(candidate.samples),
                                   quantile(candidate.samples, 0.9) / quantile(candidate.samples, 0.1)});
    }
    double& limit = limits_[moved_bytes(point)];
    if (limit == 0) limit = measure_limit(timer_, workload_);
    measured.limit_us = limit;
    return measured;
  }

 private:
  // Cases of one name here move the same bytes: how a tensor is aligned or a result computed does not change them.
  static std::string moved_bytes(Case point) {
    for (const Axis& axis : point.schema->axes) {
      if (axis.name.starts_with("offset.") || axis.name == "tma" || axis.name == "precision" ||
          axis.name == "style") {
        point[axis.name] = axis.fallback;
      }
    }
    return name_of(point);
  }

  // Variants that can serve the loaded case with the bits of the first of them: a table never changes results.
  std::vector<Candidate> candidates_for(const plumb_operator& op) {
    const plumb_call call = workload_.call(0);
    std::vector<Candidate> candidates;
    for (std::int32_t i = 0; i < op.variant_count; ++i) {
      if (op.supports(&call, i) != PLUMB_OK) continue;
      if (!candidates.empty()) {
        const char* bits = op.variant(candidates.front().index)->bit_class;
        if (*bits == '\0' || std::strcmp(bits, op.variant(i)->bit_class) != 0) continue;
      }
      candidates.push_back({i, launcher(library_, op, i, workload_), 1, {}});
    }
    return candidates;
  }

  void take(Candidate& candidate, int samples) {
    workload_.rotate(CacheState::kCold);  // in-place calls start from the same data
    record(timer_, workload_, candidate.launches, candidate.launch);
    for (int i = 0; i < samples; ++i) candidate.samples.push_back(sample(timer_, workload_));
  }

  const Library& library_;
  GraphTimer timer_;
  Workload workload_;
  std::map<std::string, double> limits_;  // microseconds by moved_bytes()
};

}  // namespace

TuneDocument measure_tuning(const TuneOptions& options) {
  if (options.ordinal < 0) throw HarnessError(fmt::format("tune --device '{}': expected cuda:N", options.device));
  if (!options.operator_name.empty() && !find_tune_grid(options.operator_name)) {
    throw HarnessError(
        fmt::format("--operator '{}': no grid of that name in harness/tune/grid.cpp", options.operator_name));
  }
  const Library library(options.library.empty() ? default_library_path() : options.library);
  const std::unique_ptr<CudaDevice> device = open_cuda_device(options.ordinal, 0);
  const DeviceInfo& info = device->info();
  TuneDocument document;
  document.machine = {info.name,        info.uuid,
                      info.driver,      info.cuda,
                      PLUMBLINE_COMMIT, fmt::format("{} {}", library.table().name, library.table().version),
                      library.digest(), utc_now(),
                      info.sm,          info.sm_count};
  document.margin = options.margin;
  Tuner tuner(library, *device);
  for (const TuneGrid& grid : tune_grids()) {
    const plumb_operator* op = library.find(grid.operator_name);
    if (!op || (!options.operator_name.empty() && options.operator_name != grid.operator_name)) continue;
    const auto start = std::chrono::steady_clock::now();
    TuneOperator measured{grid.operator_name, grid.axes, {}};
    int unserved = 0;
    for (const TuneForm& form : grid.forms) {
      for (const Case& point : form.cases) {
        try {
          TunePoint one = tuner.measure(*op, grid, form.name, point);
          if (one.variants.empty()) {
            ++unserved;
          } else {
            measured.points.push_back(std::move(one));
          }
        } catch (const HarnessError& error) {
          throw HarnessError(fmt::format("tune {}: {}", name_of(point), error.what()));
        }
      }
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fmt::print("{}: {} points in {:.1f} s{}\n", op->name, measured.points.size(), seconds.count(),
               unserved ? fmt::format("; no variant serves {} more", unserved) : "");
    std::fflush(stdout);
    document.operators.push_back(std::move(measured));
  }
  return document;
}

}  // namespace plumb
