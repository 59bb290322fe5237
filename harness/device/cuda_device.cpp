// Running variants on a CUDA device.
#include "harness/device/cuda_device.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "harness/device/cuda_memory.h"
#include "harness/device/delay.h"

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
    int runtime = 0;
    cudaRuntimeGetVersion(&runtime);
    info_ = {.kind = "cuda",
             .name = properties.name,
             .uuid = uuid_text(properties.uuid),
             .driver = driver_version(),
             .cuda = fmt::format("{}.{}", runtime / 1000, runtime % 1000 / 10),
             .ordinal = ordinal,
             .sm = properties.major * 10 + properties.minor,
             .sm_count = properties.multiProcessorCount,
             .l2_bytes = properties.l2CacheSize};
    smem_per_block_ = static_cast<std::int32_t>(properties.sharedMemPerBlockOptin);
    has_tensor_map_ = driver_encodes_tensor_maps();
    cuda_check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  ~Device() override { cudaStreamDestroy(stream_); }

  const DeviceInfo& info() const override { return info_; }

  plumb_device describe(const Problem& problem) const override {
    auto device = versioned<plumb_device>();
    device.ordinal = info_.ordinal;
    device.sm = info_.sm;
    device.sm_count = info_.sm_count;
    device.smem_per_block = smem_per_block_;
    device.has_tensor_map = has_tensor_map_;
    device.l2_bytes = info_.l2_bytes;
    device.fla_use_tma = problem.fla_use_tma ? problem.fla_use_tma->c_str() : nullptr;
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
  }

  plumb_call call() const override {
    auto call = versioned<plumb_call>();
    call.device = &description_;
    call.params = problem_->params.data();
    call.tensors = tensors_.data();
    call.tensor_count = static_cast<std::int32_t>(tensors_.size());
    return call;
  }

  RunResult run(const plumb_operator& op, std::int32_t variant, std::span<std::byte> image) override {
    plumb_call call = this->call();
    RunResult result;
    result.status = op.workspace_bytes(&call, variant, &call.workspace_bytes);
    if (result.status != PLUMB_OK) return result;
    if (call.workspace_bytes > 0) call.workspace = workspace_.reserve(call.workspace_bytes, "workspace");
    const bool on_default_stream = problem_->launch == LaunchMode::kDefaultStream;
    cudaStream_t stream = on_default_stream ? nullptr : stream_;
    call.stream = stream;

    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    if (problem_->launch == LaunchMode::kGraph) {
      cuda_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
      result.status = op.launch(&call, variant, &result.served);
      const cudaError_t captured = cudaStreamEndCapture(stream, &graph);
      if (result.status == PLUMB_OK && captured != cudaSuccess) {
        result.status = PLUMB_DEVICE_ERROR;
        result.error = fmt::format("capture into a graph failed: {}", cudaGetErrorString(captured));
      }
      if (result.status == PLUMB_OK)
        cuda_check(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
    }
    // What an earlier run left is wiped first, and the stream is kept busy before the inputs arrive: an operator
    // that runs on another stream than its own, or not at all, meets canary patterns instead of data.
    cudaMemsetAsync(working_.data(), 0xff, block_bytes_, stream);
    if (problem_->launch == LaunchMode::kStream) enqueue_delay(stream, 10);
    cudaMemcpyAsync(working_.data(), pristine_.data(), block_bytes_, cudaMemcpyDeviceToDevice, stream);
    if (executable) {
      cudaGraphLaunch(executable, stream);
    } else if (!graph && result.status == PLUMB_OK) {
      result.status = op.launch(&call, variant, &result.served);
    }
    cudaMemcpyAsync(staging_.data(), working_.data(), block_bytes_, cudaMemcpyDeviceToHost, stream);
    const cudaError_t finished = cudaStreamSynchronize(stream);
    if (executable) cudaGraphExecDestroy(executable);
    if (graph) cudaGraphDestroy(graph);
    const cudaError_t left_behind = cudaGetLastError();
    if (const cudaError_t error = finished != cudaSuccess ? finished : left_behind; error != cudaSuccess) {
      result.error =
          fmt::format("CUDA error after the run: {} ({})", cudaGetErrorString(error), cudaGetErrorName(error));
      if (result.status == PLUMB_OK) result.status = PLUMB_DEVICE_ERROR;
      result.device_lost = cudaDeviceSynchronize() != cudaSuccess;  // a sticky error stays
    }
    if (result.status == PLUMB_OK) std::memcpy(image.data(), staging_.data(), block_bytes_);
    return result;
  }

 private:
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
  cudaStream_t stream_ = nullptr;
  DeviceBuffer pristine_, working_, workspace_;
  PinnedBuffer staging_;
  const Problem* problem_ = nullptr;
  std::size_t block_bytes_ = 0;
  std::vector<plumb_tensor> tensors_;
  plumb_device description_{};
};

}  // namespace

std::unique_ptr<CudaDevice> open_cuda_device(int ordinal, std::int64_t memory_limit) {
  return std::make_unique<Device>(ordinal, memory_limit);
}

}  // namespace plumb
