// Timing two builds against each other on a CUDA device.
#include "harness/gate/pair_bench.h"

#include <cuda.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "harness/cases/call.h"
#include "harness/cases/fill.h"
#include "harness/device/cuda_device.h"
#include "harness/device/cuda_memory.h"
#include "harness/device/disturb.h"
#include "harness/error.h"
#include "harness/files.h"
#include "harness/gate/blocks.h"
#include "harness/library/library.h"
#include "harness/measure/graph_timer.h"
#include "harness/measure/limit.h"
#include "harness/measure/rotation.h"
#include "harness/measure/samples.h"
#include "harness/operators/suite.h"

namespace plumb {
namespace {

constexpr std::int64_t kMostCopyBytes = std::int64_t{24} << 30;
constexpr std::size_t kPlacementSpan = std::size_t{2} << 20;  // a page of device memory: base offsets within it
constexpr int kWarmUps = 3;                                   // replays of each graph
constexpr int kRestoreEvery = 8;                              // blocks: calls in place must not grow without end

struct LoadedPoint {
  const OperatorSuite* suite = nullptr;
  Problem problem;  // without its tensors' memory
  Traffic traffic;
  std::size_t bytes = 0;
  std::vector<plumb_tensor> offsets;  // the tensors as they lie in a block at address 0
  DeviceBuffer pristine;
};

struct HostPoint {
  const OperatorSuite* suite = nullptr;
  Problem problem;
  BlockLayout layout;
};

HostPoint build(const std::string& name) {
  const Case point = parse_case(name);
  HostPoint host;
  host.suite = find_suite(point.schema->operator_name);
  host.problem = host.suite->build(point);
  host.layout = layout_of(host.problem);
  return host;
}

// Kernels' mangled names and launch shapes, asked of the driver: the runtime that captured them is the library's
// own copy.
class KernelNames {
 public:
  KernelNames() {
    lookup("cuGraphKernelNodeGetParams", 12000, &node_params_);
    lookup("cuFuncGetName", 12030, &function_name_);
    lookup("cuKernelGetName", 12030, &kernel_name_);
  }

  // Sorted, each once; empty where the driver cannot tell.
  std::vector<std::string> of(cudaGraph_t graph) const {
    if (!node_params_ || !function_name_ || !kernel_name_) return {};
    std::size_t count = 0;
    if (cudaGraphGetNodes(graph, nullptr, &count) != cudaSuccess) return {};
    std::vector<cudaGraphNode_t> nodes(count);
    if (cudaGraphGetNodes(graph, nodes.data(), &count) != cudaSuccess) return {};
    std::set<std::string> names;
    for (const cudaGraphNode_t node : nodes) {
      cudaGraphNodeType type{};
      if (cudaGraphNodeGetType(node, &type) != cudaSuccess) return {};
      if (type != cudaGraphNodeTypeKernel) continue;
      CUDA_KERNEL_NODE_PARAMS params{};
      const char* name = nullptr;
      if (node_params_(node, &params) != CUDA_SUCCESS) return {};
      const CUresult named = params.func ? function_name_(&name, params.func) : kernel_name_(&name, params.kern);
      if (named != CUDA_SUCCESS || !name) return {};
      names.insert(fmt::format("{} <<<{},{},{},{},{},{},{}>>>", name, params.gridDimX, params.gridDimY,
                               params.gridDimZ, params.blockDimX, params.blockDimY, params.blockDimZ,
                               params.sharedMemBytes));
    }
    return {names.begin(), names.end()};
  }

 private:
  template <class Function>
  static void lookup(const char* symbol, unsigned version, Function* function) {
    void* entry = nullptr;
    cudaDriverEntryPointQueryResult found{};
    if (cudaGetDriverEntryPointByVersion(symbol, &entry, version, cudaEnableDefault, &found) == cudaSuccess &&
        found == cudaDriverEntryPointSuccess) {
      *function = reinterpret_cast<Function>(entry);
    }
    cudaGetLastError();
  }

  CUresult (*node_params_)(CUgraphNode, CUDA_KERNEL_NODE_PARAMS*) = nullptr;
  CUresult (*function_name_)(const char**, CUfunction) = nullptr;
  CUresult (*kernel_name_)(const char**, CUkernel) = nullptr;
};

// One library's launches of a point as a graph.
struct Side {
  const Library* library = nullptr;
  const plumb_operator* op = nullptr;
  std::int32_t variant = -1;
  std::string refusal;  // of select
  DeviceBuffer workspace;
  std::size_t workspace_bytes = 0;
  cudaGraphExec_t graph = nullptr;
  std::vector<std::string> kernels;
  std::vector<double> medians;  // microseconds per launch

  Side() = default;
  Side(const Side&) = delete;
  ~Side() {
    if (graph) cudaGraphExecDestroy(graph);
  }
};

// Copies as bench plans them; one alone where a launch moves more than evicts itself.
Rotation pair_rotation(std::int64_t touched, std::int64_t copy_bytes, std::int64_t l2_bytes, std::int64_t memory) {
  if (touched > 3 * l2_bytes) return {};
  return plan_rotation(CacheState::kCold, touched, copy_bytes, l2_bytes, memory);
}

// The same file opened twice would be one library with one set of kernels: a copy in memory is another.
std::string instance_path(const std::string& path, const std::string& other) {
  std::error_code error;
  if (!std::filesystem::equivalent(path, other, error) || error) return path;
  const int file = memfd_create("plumbline candidate", 0);  // open until the process ends
  const std::string content = read_file(path), copy = fmt::format("/proc/self/fd/{}", file);
  std::ofstream(copy, std::ios::binary) << content;
  return copy;
}

class CudaPairBench final : public PairBench {
 public:
  explicit CudaPairBench(const PairSettings& settings)
      : settings_(settings), random_(settings.seed), device_(open_cuda_device(settings.ordinal, 0)) {
    const std::string paths[2] = {settings.baseline, instance_path(settings.candidate, settings.baseline)};
    const int first = coin() ? 0 : 1;
    for (const int i : {first, 1 - first}) libraries_[i] = std::make_unique<Library>(paths[i]);
    cuda_check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
    events_.resize(static_cast<std::size_t>(2 * 4 * settings.samples));
    for (cudaEvent_t& event : events_) cuda_check(cudaEventCreate(&event), "cudaEventCreate");
    sweep_bytes_ = static_cast<std::size_t>(3 * device_->info().l2_bytes);
    cuda_check(cudaMemsetAsync(evictor_.reserve(sweep_bytes_, "cache sweep"), 0, sweep_bytes_, stream_), "memset");
    std::size_t free = 0, total = 0;
    cuda_check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    const double half = 0.45 * static_cast<double>(free) * settings.memory_share;
    pristine_budget_ = static_cast<std::size_t>(half);
    copy_budget_ = std::min<std::int64_t>(kMostCopyBytes, static_cast<std::int64_t>(half));
  }

  ~CudaPairBench() override {
    for (cudaEvent_t event : events_) cudaEventDestroy(event);
    if (stream_) cudaStreamDestroy(stream_);
  }

  nlohmann::json describe() const override {
    const DeviceInfo& info = device_->info();
    const auto library = [](const Library& of) {
      return nlohmann::json{{"name", of.table().name}, {"version", of.table().version}};
    };
    return {{"device", {{"name", info.name}, {"uuid", info.uuid}, {"driver", info.driver}, {"cuda", info.cuda}}},
            {"baseline", library(*libraries_[0])},
            {"candidate", library(*libraries_[1])}};
  }

  void prepare(const std::vector<std::string>& points) override {
    contents_period() = kPeriod;
    const std::size_t ahead = std::max(2u, std::thread::hardware_concurrency());
    std::deque<std::pair<std::string, std::future<HostPoint>>> pending;
    std::size_t next = 0;
    while (next < points.size() || !pending.empty()) {
      for (; next < points.size() && pending.size() < ahead; ++next) {
        pending.emplace_back(points[next], std::async(std::launch::async, build, points[next]));
      }
      HostPoint host = pending.front().second.get();
      if (host.layout.bytes > pristine_budget_) {  // the rest is built when it is measured
        for (auto& [name, future] : pending) {
          if (future.valid()) future.wait();
        }
        return;
      }
      pristine_budget_ -= host.layout.bytes;
      upload(loaded_[pending.front().first], std::move(host));
      pending.pop_front();
    }
  }

  PointTiming measure(const std::string& point, int blocks) override {
    LoadedPoint& loaded = loaded_[point];
    if (!loaded.suite) upload(loaded, build(point));
    PointTiming timing;
    timing.name = point;
    place(loaded);
    Side sides[2];
    for (int i = 0; i < 2; ++i) choose(sides[i], *libraries_[i], loaded);
    timing.variant_baseline = sides[0].refusal.empty() ? sides[0].op->variant(sides[0].variant)->name : "";
    timing.variant_candidate = sides[1].refusal.empty() ? sides[1].op->variant(sides[1].variant)->name : "";
    for (int i = 0; i < 2; ++i) {
      if (!sides[i].refusal.empty()) {
        timing.refusal += fmt::format("{}the {} does not serve this point: {}", timing.refusal.empty() ? "" : "; ",
                                      i == 0 ? "baseline" : "candidate", sides[i].refusal);
      }
    }
    timing.begin = timing.end = steady_seconds();
    if (!timing.refusal.empty()) return timing;

    wake();
    plan(sides[0]);
    const int first = coin() ? 0 : 1;  // whose graph is made first is part of the placement, too
    for (const int i : {first, 1 - first}) record(sides[i], launches_);
    for (int warm_up = 0; warm_up < kWarmUps; ++warm_up) {
      for (Side& side : sides) enqueue_sample(side, 0);
    }
    cuda_check(cudaStreamSynchronize(stream_), "warm-up");
    timing.begin = steady_seconds();
    int wanted = blocks;
    for (int block = 0; block < wanted; ++block) {
      timing.blocks.push_back(measure_block(sides, loaded, block));
      if (block + 1 == blocks) wanted = blocks_needed(timing.blocks);
    }
    timing.end = steady_seconds();
    timing.baseline_us = median(sides[0].medians);
    timing.candidate_us = median(sides[1].medians);
    timing.kernels_baseline = sides[0].kernels;
    timing.kernels_candidate = sides[1].kernels;
    loaded_.erase(point);
    return timing;
  }

 private:
  static constexpr std::int64_t kPeriod = 1 << 20;  // elements

  bool coin() { return (random_() >> 32 & 1) != 0; }

  void upload(LoadedPoint& loaded, HostPoint host) {
    loaded.suite = host.suite;
    loaded.traffic = host.suite->traffic(host.problem);
    loaded.bytes = host.layout.bytes;
    loaded.offsets = views_in(host.problem, host.layout, nullptr);
    if (loaded.traffic.read_bytes + loaded.traffic.written_bytes <= 0) {
      throw HarnessError("an empty tensor: nothing to measure");
    }
    std::byte* pristine = loaded.pristine.reserve(loaded.bytes, "pristine tensors");
    cuda_check(cudaMemsetAsync(pristine, 0, loaded.bytes, stream_), "cudaMemsetAsync");
    for (std::size_t i = 0; i < host.problem.tensors.size(); ++i) {
      HostTensor& tensor = host.problem.tensors[i];
      if (tensor.role != Role::kOutput && !tensor.storage.empty()) {
        upload(pristine + host.layout.offset[i], tensor);
      }
    }
    cuda_check(cudaStreamSynchronize(stream_), "upload");
    for (HostTensor& tensor : host.problem.tensors) tensor.storage = {};
    loaded.problem = std::move(host.problem);
  }

  // A large tensor repeats its first rows (contents_period()): those cross the bus once and double on the device.
  void upload(std::byte* to, const HostTensor& tensor) {
    const std::size_t repeated = tensor.repeated_bytes, whole = tensor.storage.size();
    const std::size_t begin = repeated > 0 ? tensor.data_offset() : 0;
    const std::size_t sent = repeated > 0 ? begin + repeated : whole;
    cuda_check(cudaMemcpyAsync(to, tensor.storage.data(), sent, cudaMemcpyHostToDevice, stream_), "upload");
    for (std::size_t there = repeated; repeated > 0 && begin + there < whole;) {
      const std::size_t more = std::min(there, whole - begin - there);
      cuda_check(cudaMemcpyAsync(to + begin + there, to + begin, more, cudaMemcpyDeviceToDevice, stream_),
                 "upload");
      there += more;
    }
  }

  // An idle device has low clocks; they need some time to rise.
  void wake() {
    if (is_awake_) return;
    for (const double end = steady_seconds() + 0.25; steady_seconds() < end;) {
      for (int i = 0; i < 20; ++i) launch_sweep(evictor_.data(), sweep_bytes_, stream_);
      cuda_check(cudaStreamSynchronize(stream_), "waking the device");
    }
    is_awake_ = true;
  }

  // Where this process puts the copies.
  void place(const LoadedPoint& loaded) {
    const auto block = static_cast<std::int64_t>(loaded.bytes);
    rotation_ = pair_rotation(std::max(loaded.traffic.read_bytes, loaded.traffic.written_bytes), block,
                              device_->info().l2_bytes, copy_budget_);
    const auto copies = static_cast<std::size_t>(rotation_.copies);
    std::byte* arena = copies_.reserve(copies * loaded.bytes + kPlacementSpan, "rotating copies");
    base_ = arena + random_() % (kPlacementSpan / 256) * 256;
    description_ = device_->describe(loaded.problem);
    params_ = loaded.problem.params.data();
    tensors_.clear();
    for (std::size_t copy = 0; copy < copies; ++copy) {
      std::vector<plumb_tensor>& views = tensors_.emplace_back(loaded.offsets);
      for (plumb_tensor& view : views) {
        if (is_present(view)) {
          view.data = base_ + copy * loaded.bytes + reinterpret_cast<std::uintptr_t>(view.data);
        }
      }
    }
    restore(loaded);
  }

  void restore(const LoadedPoint& loaded) {
    for (std::size_t copy = 0; copy < tensors_.size(); ++copy) {
      cuda_check(cudaMemcpyAsync(base_ + copy * loaded.bytes, loaded.pristine.data(), loaded.bytes,
                                 cudaMemcpyDeviceToDevice, stream_),
                 "copy of the tensors");
    }
  }

  plumb_call call(int copy) const {
    const auto& tensors = tensors_.at(static_cast<std::size_t>(copy));
    plumb_call call = call_of(description_, params_, tensors);
    call.stream = stream_;
    return call;
  }

  void choose(Side& side, const Library& library, const LoadedPoint& loaded) {
    side.library = &library;
    side.op = library.find(loaded.suite->name);
    if (!side.op)
      throw HarnessError(fmt::format("library {} has no operator {}", library.path(), loaded.suite->name));
    const plumb_call first = call(0);
    if (side.op->select(&first, &side.variant) != PLUMB_OK) {
      side.refusal = library.last_error();
      return;
    }
    if (!side.op->variant(side.variant)) {
      throw HarnessError(fmt::format("library {}: select returned variant {}", library.path(), side.variant));
    }
    if (side.op->workspace_bytes(&first, side.variant, &side.workspace_bytes) != PLUMB_OK) {
      throw HarnessError(
          fmt::format("library {}: no size of the workspace: {}", library.path(), library.last_error()));
    }
    if (side.workspace_bytes > 0) side.workspace.reserve(side.workspace_bytes, "workspace");
  }

  void launch(const Side& side, int copy) const {
    plumb_call call = this->call(copy);
    call.workspace = side.workspace.data();
    call.workspace_bytes = side.workspace_bytes;
    std::int32_t served = -1;
    if (const plumb_status status = side.op->launch(&call, side.variant, &served); status != PLUMB_OK) {
      throw HarnessError(fmt::format("library {}: launch failed with status {}: {}", side.library->path(),
                                     static_cast<int>(status), side.library->last_error()));
    }
    if (served != side.variant) {
      throw HarnessError(fmt::format("library {}: variant {} was asked for, {} says it ran", side.library->path(),
                                     side.variant, served));
    }
  }

  void record(Side& side, int launches) {
    if (side.graph) cudaGraphExecDestroy(side.graph);
    side.graph = nullptr;
    const cudaGraph_t graph = capture_graph(stream_, [&] {
      for (int i = 0; i < launches; ++i) launch(side, i % rotation_.copies);
    });
    side.kernels = names_.of(graph);
    const cudaError_t made = cudaGraphInstantiate(&side.graph, graph, 0);
    cudaGraphDestroy(graph);
    cuda_check(made, "cudaGraphInstantiate");
    cuda_check(cudaGraphUpload(side.graph, stream_), "cudaGraphUpload");
  }

  // Launches per sample, from a trial of the baseline; where copies do not evict each other, each is visited once.
  void plan(Side& side) {
    const int trial = std::min(rotation_.copies, 32);
    record(side, trial);
    double fastest = 1e9;
    for (int i = 0; i < kWarmUps; ++i) {
      enqueue_delay(stream_, 50 + trial / 2);
      enqueue_sample(side, 0);
      cuda_check(cudaStreamSynchronize(stream_), "trial");
      fastest = std::min(fastest, elapsed(0) / trial);
    }
    const double wanted = std::min(settings_.sample_us / std::max(fastest, 0.1), double{kMostLaunches});
    if (rotation_.swept) {
      launches_ = std::clamp(static_cast<int>(wanted), 1, rotation_.copies);
      rotation_.copies = launches_;
    } else {
      launches_ = std::max(static_cast<int>(wanted) / rotation_.copies, 1) * rotation_.copies;
    }
  }

  void enqueue_sample(const Side& side, std::size_t number) {
    if (rotation_.swept) launch_sweep(evictor_.data(), sweep_bytes_, stream_);
    cuda_check(cudaEventRecord(events_[2 * number], stream_), "cudaEventRecord");
    cuda_check(cudaGraphLaunch(side.graph, stream_), "cudaGraphLaunch");
    cuda_check(cudaEventRecord(events_[2 * number + 1], stream_), "cudaEventRecord");
  }

  double elapsed(std::size_t number) const {  // microseconds
    float milliseconds = 0;
    cuda_check(cudaEventElapsedTime(&milliseconds, events_[2 * number], events_[2 * number + 1]),
               "cudaEventElapsedTime");
    return 1e3 * static_cast<double>(milliseconds);
  }

  // The whole block is enqueued behind a delay, so that the device never waits for the host.
  double measure_block(Side (&sides)[2], const LoadedPoint& loaded, int block) {
    if (block % kRestoreEvery == 0) restore(loaded);
    const int outer = coin() ? 0 : 1;
    const int order[4] = {outer, 1 - outer, 1 - outer, outer};
    enqueue_delay(stream_, 60 + launches_ / 2);
    std::size_t number = 0;
    for (const int side : order) {
      for (int i = 0; i < settings_.samples; ++i) enqueue_sample(sides[side], number++);
    }
    cuda_check(cudaStreamSynchronize(stream_), "a block of samples");
    double logs[2] = {0, 0};
    number = 0;
    for (const int side : order) {
      std::vector<double> samples;
      for (int i = 0; i < settings_.samples; ++i) samples.push_back(elapsed(number++) / launches_);
      sides[side].medians.push_back(median(samples));
      logs[side] += 0.5 * std::log(sides[side].medians.back());
    }
    return logs[1] - logs[0];
  }

  PairSettings settings_;
  std::mt19937_64 random_;
  std::unique_ptr<CudaDevice> device_;
  std::unique_ptr<Library> libraries_[2];  // baseline, candidate
  KernelNames names_;
  cudaStream_t stream_ = nullptr;
  std::vector<cudaEvent_t> events_;
  DeviceBuffer evictor_, copies_;
  std::size_t sweep_bytes_ = 0, pristine_budget_ = 0;
  std::int64_t copy_budget_ = 0;
  std::map<std::string, LoadedPoint> loaded_;

  // Of the point being measured.
  Rotation rotation_;
  std::byte* base_ = nullptr;
  plumb_device description_{};
  const void* params_ = nullptr;
  std::vector<std::vector<plumb_tensor>> tensors_;
  int launches_ = 1;
  bool is_awake_ = false;
};

}  // namespace

std::unique_ptr<PairBench> open_pair_bench(const PairSettings& settings) {
  return std::make_unique<CudaPairBench>(settings);
}

}  // namespace plumb
