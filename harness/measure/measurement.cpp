// Measuring one variant, or the limit, on a workload.
#include "harness/measure/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "harness/device/cuda_memory.h"
#include "harness/error.h"
#include "harness/measure/limit.h"
#include "harness/measure/samples.h"

namespace plumb {
namespace {

constexpr int kWarmUps = 2;
constexpr int kTrialLaunches = 16;  // at least so many tell how long one takes
constexpr int kTrials = 3;          // samples of every launch shape of the limit, in the first round
constexpr int kFinalists = 3;       // shapes that are measured in full
constexpr int kHostCalls = 33;      // far below what a stream takes before a launch waits

double median_of(GraphTimer& timer, const Workload& workload, int replays) {
  std::vector<double> samples;
  for (int i = 0; i < replays; ++i) samples.push_back(sample(timer, workload));
  return median(std::move(samples));
}

}  // namespace

double sample(GraphTimer& timer, const Workload& workload) {
  return timer.replay([&workload] { workload.enqueue_preparation(); });
}

int plan_launches(GraphTimer& timer, const Workload& workload, const Launch& launch) {
  const Rotation& rotation = workload.rotation();
  const int trial = rotation.copies * std::max(kTrialLaunches / rotation.copies, 1);
  record(timer, workload, trial, launch);
  return launches_per_sample(rotation, sample(timer, workload));
}

void record(GraphTimer& timer, const Workload& workload, int launches, const Launch& launch) {
  timer.record(launches, [&, copies = workload.rotation().copies](int i) { launch(i % copies); });
  for (int i = 0; i < kWarmUps; ++i) sample(timer, workload);
}

Launch launcher(const Library& library, const plumb_operator& op, std::int32_t variant, Workload& workload) {
  const plumb_call first = workload.call(0);
  std::size_t bytes = 0;
  if (op.workspace_bytes(&first, variant, &bytes) != PLUMB_OK) {
    throw HarnessError(fmt::format("no size of the workspace: {}", library.last_error()));
  }
  void* workspace = bytes > 0 ? workload.workspace(bytes) : nullptr;
  return [&library, &op, variant, &workload, workspace, bytes](int copy) {
    plumb_call call = workload.call(copy);
    call.workspace = workspace;
    call.workspace_bytes = bytes;
    std::int32_t served = -1;
    if (const plumb_status status = op.launch(&call, variant, &served); status != PLUMB_OK) {
      throw HarnessError(
          fmt::format("launch failed with status {}: {}", static_cast<int>(status), library.last_error()));
    }
    if (served != variant) {
      throw HarnessError(fmt::format("variant {} was asked for, {} says it ran", variant, served));
    }
  };
}

double measure_host(const plumb_operator& op, const Workload& workload, const Launch& launch, CUstream_st* stream) {
  cuda_check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  std::vector<double> samples;
  for (int i = 0; i < kHostCalls; ++i) {
    const int copy = i % workload.rotation().copies;
    const plumb_call call = workload.call(copy);
    std::int32_t selected = -1;
    const auto begin = std::chrono::steady_clock::now();
    op.select(&call, &selected);  // the variant is given; what counts is the time that a caller spends here
    launch(copy);
    samples.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  cuda_check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  return median(std::move(samples));
}

double measure_limit(GraphTimer& timer, const Workload& workload) {
  std::vector<std::vector<Move>> moves;
  for (int copy = 0; copy < workload.rotation().copies; ++copy) moves.push_back(workload.moves(copy));
  const auto with = [&](const LimitShape& shape) -> Launch {
    return [&, shape](int copy) { launch_limit(moves[static_cast<std::size_t>(copy)], shape, timer.stream()); };
  };
  const int launches = plan_launches(timer, workload, with(limit_shapes().front()));
  const auto measured = [&](const LimitShape& shape, int replays) {
    record(timer, workload, launches, with(shape));
    return median_of(timer, workload, replays);
  };
  // Every shape is tried briefly and the best few are measured as a variant is, so that the limit is no luckier.
  std::vector<std::pair<double, const LimitShape*>> ranking;
  for (const LimitShape& shape : limit_shapes()) ranking.emplace_back(measured(shape, kTrials), &shape);
  std::sort(ranking.begin(), ranking.end());
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kFinalists; ++i) {
    best = std::min(best, measured(*ranking.at(static_cast<std::size_t>(i)).second, kReplays));
  }
  return best;
}

}  // namespace plumb
