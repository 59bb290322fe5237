// Running variants on a CUDA device.
#include "harness/device/cuda_device.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <fstream>
#include <utility>
#include <vector>

#include "harness/cases/call.h"
#include "harness/device/cuda_memory.h"
#include "harness/device/disturb.h"
#include "harness/device/repeat.h"

namespace plumb {
namespace {

// "580.159.04", from the kernel module's own words; the runtime only knows the CUDA version it supports.
std::string driver_version() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string word;
  while (file >> word) {
    if (word.size() >= 6 && word.find('.') != std::string::npos &&
        word.find_first_not_of("0123456789.") == std::string::npos) {
      return word;
    }
  }
  int version = 0;
  cudaDriverGetVersion(&version);
  return fmt::format("for CUDA {}.{}", version / 1000, version % 1000 / 10);
}

bool driver_encodes_tensor_maps() {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found{};
  const auto status =
      cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000, cudaEnableDefault, &found);
  cudaGetLastError();
  return status == cudaSuccess && found == cudaDriverEntryPointSuccess && entry;
}

class Device final : public CudaDevice {
 public:
  Device(int ordinal, std::int64_t memory_limit) : memory_limit_(memory_limit) {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status == cudaErrorInsufficientDriver) {
      throw HarnessError(
          fmt::format("device cuda:{} is not available: this machine has no NVIDIA driver, or one older "
                      "than this build's CUDA {}.{}",
                      ordinal, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10));
    }
    if (status != cudaSuccess) {
      throw HarnessError(fmt::format("device cuda:{} is not available: {}", ordinal, cudaGetErrorString(status)));
    }
    if (ordinal >= count) {
      throw HarnessError(fmt::format("device cuda:{} is not available: this machine has {} CUDA device{}", ordinal,
                                     count, count == 1 ? "" : "s"));
    }
    cuda_check(cudaSetDevice(ordinal), "cudaSetDevice");
    cudaDeviceProp properties{};
    cuda_check(cudaGetDeviceProperties(&properties, ordinal), "cudaGetDeviceProperties");
    int runtime = 0, sm_khz = 0, memory_khz = 0;
    cudaDeviceGetAttribute(&sm_khz, cudaDevAttrClockRate, ordinal);
    cudaDeviceGetAttribute(&memory_khz, cudaDevAttrMemoryClockRate, ordinal);
    cudaRuntimeGetVersion(&runtime);
    info_ = {.kind = "cuda",
             .name = properties.name,
             .uuid = uuid_text(properties.uuid),
             .driver = driver_version(),
             .cuda = fmt::format("{}.{}", runtime / 1000, runtime % 1000 / 10),
             .ordinal = ordinal,
             .sm = properties.major * 10 + properties.minor,
             .sm_count = properties.multiProcessorCount,
             .device_count = count,
             .l2_bytes = properties.l2CacheSize,
             .sm_clock_mhz = sm_khz / 1000,
             .memory_clock_mhz = memory_khz / 1000};
    smem_per_block_ = static_cast<std::int32_t>(properties.sharedMemPerBlockOptin);
    has_tensor_map_ = driver_encodes_tensor_maps();
    cuda_check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
    cuda_check(cudaStreamCreateWithFlags(&crowd_, cudaStreamNonBlocking), "cudaStreamCreate");
    cuda_check(cudaEventCreateWithFlags(&inputs_there_, cudaEventDisableTiming), "cudaEventCreate");
  }
  ~Device() override {
    cudaEventDestroy(inputs_there_);
    cudaStreamDestroy(crowd_);
    cudaStreamDestroy(stream_);
  }

  const DeviceInfo& info() const override { return info_; }
  bool lost() override { return cudaDeviceSynchronize() != cudaSuccess; }

  plumb_device describe(const Problem& problem) const override {
    auto device = versioned<plumb_device>();
    device.ordinal = info_.ordinal;
    device.sm = info_.sm;
    device.sm_count = info_.sm_count;
    device.smem_per_block = smem_per_block_;
    device.has_tensor_map = has_tensor_map_;
    device.l2_bytes = info_.l2_bytes;
    describe_for(device, problem);
    return device;
  }

  void load(const Problem& problem, const BlockLayout& layout, const Block& pristine) override {
    if (memory_limit_ > 0 && static_cast<std::int64_t>(2 * layout.bytes) > memory_limit_) {
      throw HarnessError(fmt::format("the problem needs {} bytes of device memory, the limit is {}",
                                     2 * layout.bytes, memory_limit_));
    }
    problem_ = &problem;
    block_bytes_ = layout.bytes;
    pristine_.reserve(layout.bytes, "pristine tensors");
    working_.reserve(layout.bytes, "working tensors");
    std::byte* staging = staging_.reserve(layout.bytes, "staging");
    std::memcpy(staging, pristine.data(), layout.bytes);
    cuda_check(cudaMemcpyAsync(pristine_.data(), staging, layout.bytes, cudaMemcpyHostToDevice, stream_), "upload");
    cuda_check(cudaStreamSynchronize(stream_), "upload");
    tensors_ = views_in(problem, layout, working_.data());
    description_ = describe(problem);
    runs_ = 0;
    constants_.clear();
    for (std::size_t i = 0; i < problem.tensors.size(); ++i) {
      if (problem.tensors[i].is_constant)
        constants_.emplace_back(layout.offset[i], problem.tensors[i].storage.size());
    }
  }

  plumb_call call() const override { return call_of(description_, problem_->params.data(), tensors_); }

  RunResult run(const plumb_operator& op, std::int32_t variant, std::span<std::byte> image) override {
    plumb_call call = this->call();
    RunResult result;
    if (!add_workspace(op, variant, call, result)) return result;
    const LaunchMode mode = problem_->launch;
    cudaStream_t stream = mode == LaunchMode::kDefaultStream ? nullptr : stream_;
    call.stream = stream;
    if (mode == LaunchMode::kDependent) call.flags |= PLUMB_DEPENDENT_LAUNCH;

    Graph graph;
    if (mode == LaunchMode::kGraph)
      graph.capture(
          stream, [&] { launch(op, call, variant, result); }, result);
    enqueue_inputs(stream, mode);
    if (mode == LaunchMode::kCrowded) enqueue_crowd_beside(stream);
    if (graph.executable) {
      cudaGraphLaunch(graph.executable, stream);
    } else if (mode != LaunchMode::kGraph) {
      launch(op, call, variant, result);
    }
    cudaMemcpyAsync(staging_.data(), working_.data(), block_bytes_, cudaMemcpyDeviceToHost, stream);
    finish(stream, result);
    if (result.status == PLUMB_OK) std::memcpy(image.data(), staging_.data(), block_bytes_);
    return result;
  }

  void load_repeated(const Problem& problem, const BlockLayout& layout, const Block& pristine,
                     const RowRepetition& repetition) override {
    load(problem, layout, pristine);
    observed_.reserve(layout.bytes, "observed tensors");
    difference_.reserve(problem.tensors.size() * sizeof(RepeatDifference), "differences");
    repeats_.clear();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < problem.tensors.size(); ++i) {
      const int alias = problem.tensors[i].alias_of;
      const std::size_t at = alias >= 0 ? repeats_[static_cast<std::size_t>(alias)].at : bytes;
      repeats_.push_back(repeat_of(problem.tensors[i], repetition, layout.offset[i], at));
      bytes += (repeats_[i].map.long_bytes() + 255) / 256 * 256;
    }
    if (memory_limit_ > 0 && static_cast<std::int64_t>(bytes) > memory_limit_) {
      throw HarnessError(
          fmt::format("the problem needs {} bytes of device memory, the limit is {}", bytes, memory_limit_));
    }
    std::byte* base = working_.reserve(bytes, "repeated tensors");
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (!is_present(tensors_[i])) continue;
      const int alias = problem.tensors[i].alias_of;
      const HostTensor& owner = problem.tensors[alias >= 0 ? static_cast<std::size_t>(alias) : i];
      tensors_[i].data = base + repeats_[i].at + owner.data_offset();
      if (!owner.is_constant) extend(tensors_[i], repetition);
    }
  }

  RunResult run_repeated(const plumb_operator& op, std::int32_t variant, std::span<std::byte> image,
                         RowDifference& difference) override {
    plumb_call call = this->call();
    RunResult result;
    if (!add_workspace(op, variant, call, result)) return result;
    call.stream = stream_;
    auto* differences = reinterpret_cast<RepeatDifference*>(difference_.data());
    std::vector<RepeatDifference> found(repeats_.size());
    cudaMemcpyAsync(differences, found.data(), found.size() * sizeof found[0], cudaMemcpyHostToDevice, stream_);
    for_each_repeat([&](const Repeat& repeat, std::size_t) {
      enqueue_repeat(stream_, repeat.map, pristine_.data() + repeat.of, working_.data() + repeat.at);
    });
    launch(op, call, variant, result);
    for_each_repeat([&](const Repeat& repeat, std::size_t i) {
      enqueue_first_period(stream_, repeat.map, working_.data() + repeat.at, observed_.data() + repeat.of);
      enqueue_compare(stream_, repeat.map, observed_.data() + repeat.of, working_.data() + repeat.at,
                      differences + i);
    });
    cudaMemcpyAsync(staging_.data(), observed_.data(), block_bytes_, cudaMemcpyDeviceToHost, stream_);
    cudaMemcpyAsync(found.data(), differences, found.size() * sizeof found[0], cudaMemcpyDeviceToHost, stream_);
    finish(stream_, result);
    if (result.status != PLUMB_OK) return result;
    std::memcpy(image.data(), staging_.data(), block_bytes_);
    for (std::size_t i = found.size(); i-- > 0;) {
      if (found[i].pieces == 0) continue;
      const RepeatMap& map = repeats_[i].map;
      const auto row_bytes = static_cast<std::int64_t>(map.repeated) / repeats_[i].rows;
      const auto past_head = static_cast<std::int64_t>(found[i].first_byte) - static_cast<std::int64_t>(map.head);
      difference = {static_cast<int>(i), past_head < 0 ? -1 : past_head / row_bytes, found[i].pieces};
    }
    return result;
  }

 private:
  // A tensor of a problem whose rows repeat.
  struct Repeat {
    RepeatMap map;
    std::size_t of = 0, at = 0;  // bytes into the short and the long block
    std::int64_t rows = 1;       // that `map.repeated` holds
  };

  struct Graph {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;

    Graph() = default;
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;
    ~Graph() {
      if (executable) cudaGraphExecDestroy(executable);
      if (graph) cudaGraphDestroy(graph);
    }
    template <class Body>
    void capture(cudaStream_t stream, const Body& body, RunResult& result) {
      cuda_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
      body();
      const cudaError_t captured = cudaStreamEndCapture(stream, &graph);
      if (result.status == PLUMB_OK && captured != cudaSuccess) {
        result.status = PLUMB_DEVICE_ERROR;
        result.error = fmt::format("capture into a graph failed: {}", cudaGetErrorString(captured));
      }
      if (result.status == PLUMB_OK)
        cuda_check(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
    }
  };

  static bool is_stored(const HostTensor& tensor) { return is_present(tensor.view) && tensor.alias_of < 0; }

  static void extend(plumb_tensor& tensor, const RowRepetition& repetition) {
    const std::int64_t period = tensor.shape[repetition.dimension];
    tensor.shape[repetition.dimension] = repetition.rows;
    for (int axis = 0; axis < repetition.dimension; ++axis)
      tensor.stride[axis] = tensor.stride[axis] / period * repetition.rows;
  }

  static Repeat repeat_of(const HostTensor& tensor, const RowRepetition& repetition, std::size_t of,
                          std::size_t at) {
    if (!is_stored(tensor)) return {.map = {}, .of = of, .at = at};
    if (tensor.is_constant) return {.map = {.head = tensor.storage.size()}, .of = of, .at = at};
    const std::size_t row = static_cast<std::size_t>(tensor.view.stride[repetition.dimension]) *
                            static_cast<std::size_t>(size_of(dtype_of(tensor.view)));
    const RepeatMap map = {.head = tensor.data_offset(),
                           .period = row * static_cast<std::size_t>(tensor.view.shape[repetition.dimension]),
                           .repeated = row * static_cast<std::size_t>(repetition.rows),
                           .tail = tensor.storage.size() - tensor.data_offset() -
                                   row * static_cast<std::size_t>(tensor.view.shape[repetition.dimension])};
    if ((map.head | map.period | map.repeated | map.tail) % 16 != 0 || map.tail > tensor.storage.size()) {
      throw HarnessError(fmt::format(
          "tensor {}: {} rows of {} bytes cannot be repeated; expected rows without gaps, 16-byte pieces in all",
          tensor.name, repetition.rows, row));
    }
    return {.map = map, .of = of, .at = at, .rows = repetition.rows};
  }

  template <class Body>
  void for_each_repeat(const Body& body) {
    for (std::size_t i = 0; i < repeats_.size(); ++i) {
      if (repeats_[i].map.long_bytes() > 0) body(repeats_[i], i);
    }
  }

  bool add_workspace(const plumb_operator& op, std::int32_t variant, plumb_call& call, RunResult& result) {
    result.status = op.workspace_bytes(&call, variant, &call.workspace_bytes);
    if (result.status != PLUMB_OK) return false;
    if (call.workspace_bytes > 0) call.workspace = workspace_.reserve(call.workspace_bytes, "workspace");
    return true;
  }

  // Launches, and sees to it that the device which was current stays so.
  void launch(const plumb_operator& op, const plumb_call& call, std::int32_t variant, RunResult& result) {
    const bool foreign = problem_->launch == LaunchMode::kForeign;
    const int current = foreign ? (info_.ordinal + 1) % info_.device_count : info_.ordinal;
    if (foreign) cuda_check(cudaSetDevice(current), "cudaSetDevice");
    result.status = op.launch(&call, variant, &result.served);
    int left = -1;
    cudaGetDevice(&left);
    if (result.status == PLUMB_OK && left != current) {
      result.status = PLUMB_DEVICE_ERROR;
      result.error = fmt::format("device {} was current before the launch, {} is after it", current, left);
    }
    if (foreign || left != current) cuda_check(cudaSetDevice(info_.ordinal), "cudaSetDevice");
  }

  // What an earlier run left is wiped first, and the stream is kept busy before the inputs arrive: an operator that
  // runs on another stream than its own, or not at all, meets canary patterns instead of data.
  void enqueue_inputs(cudaStream_t stream, LaunchMode mode) {
    cudaMemsetAsync(working_.data(), 0xff, block_bytes_, stream);
    if (mode == LaunchMode::kDependent) {
      for (const auto& [offset, bytes] : constants_) {
        cudaMemcpyAsync(working_.data() + offset, pristine_.data() + offset, bytes, cudaMemcpyDeviceToDevice,
                        stream);
      }
      enqueue_late_copy(stream, working_.data(), pristine_.data(), block_bytes_, 20);
      return;
    }
    if (mode == LaunchMode::kStream || mode == LaunchMode::kForeign) enqueue_delay(stream, 10);
    cudaMemcpyAsync(working_.data(), pristine_.data(), block_bytes_, cudaMemcpyDeviceToDevice, stream);
  }

  // Each run finds another share of the multiprocessors taken when its inputs are there.
  void enqueue_crowd_beside(cudaStream_t stream) {
    cudaEventRecord(inputs_there_, stream);
    cudaStreamWaitEvent(crowd_, inputs_there_);
    enqueue_crowd(crowd_, info_.sm_count * (1 + runs_++ % 4) / 2, 40);
  }

  void finish(cudaStream_t stream, RunResult& result) {
    const cudaError_t finished = cudaStreamSynchronize(stream);
    cudaStreamSynchronize(crowd_);
    const cudaError_t left_behind = cudaGetLastError();
    const cudaError_t error = finished != cudaSuccess ? finished : left_behind;
    if (error == cudaSuccess) return;
    result.error =
        fmt::format("CUDA error after the run: {} ({})", cudaGetErrorString(error), cudaGetErrorName(error));
    if (result.status == PLUMB_OK) result.status = PLUMB_DEVICE_ERROR;
    result.device_lost = cudaDeviceSynchronize() != cudaSuccess;  // a sticky error stays
  }

  static std::string uuid_text(const cudaUUID_t& uuid) {
    std::string text = "GPU-";
    for (int i = 0; i < 16; ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
      text += fmt::format("{:02x}", static_cast<unsigned char>(uuid.bytes[i]));
    }
    return text;
  }

  DeviceInfo info_;
  std::int32_t smem_per_block_ = 0;
  bool has_tensor_map_ = false;
  std::int64_t memory_limit_;
  cudaStream_t stream_ = nullptr, crowd_ = nullptr;
  cudaEvent_t inputs_there_ = nullptr;
  DeviceBuffer pristine_, working_, workspace_, observed_, difference_;
  PinnedBuffer staging_;
  const Problem* problem_ = nullptr;
  std::size_t block_bytes_ = 0;
  std::vector<plumb_tensor> tensors_;
  plumb_device description_{};
  std::vector<std::pair<std::size_t, std::size_t>> constants_;  // offset and bytes, of the tensors no kernel writes
  std::vector<Repeat> repeats_;                                 // one per tensor, of load_repeated
  int runs_ = 0;                                                // since the problem was loaded
};

}  // namespace

std::unique_ptr<CudaDevice> open_cuda_device(int ordinal, std::int64_t memory_limit) {
  return std::make_unique<Device>(ordinal, memory_limit);
}

}  // namespace plumb
