// A problem on the device, in rotating copies.
#include "harness/measure/workload.h"

#include <algorithm>

#include "harness/cases/call.h"
#include "harness/device/cuda_memory.h"
#include "harness/measure/limit.h"

namespace plumb {
namespace {

constexpr std::int64_t kMostCopyBytes = std::int64_t{24} << 30;

std::int64_t memory_for_copies(std::size_t already_held) {
  std::size_t free = 0, total = 0;
  cuda_check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return std::min(kMostCopyBytes, static_cast<std::int64_t>((free + already_held) / 10 * 9));
}

}  // namespace

struct Workload::Memory {
  DeviceBuffer pristine, copies, workspace, evictor;
};

Workload::Workload(const CudaDevice& device, CUstream_st* stream)
    : device_(device), stream_(stream), memory_(std::make_unique<Memory>()) {
  const auto bytes = static_cast<std::size_t>(3 * device.info().l2_bytes);
  cuda_check(cudaMemsetAsync(memory_->evictor.reserve(bytes, "cache sweep"), 0, bytes, stream_), "cudaMemsetAsync");
}

Workload::~Workload() = default;

void Workload::load(const OperatorSuite& suite, const Case& point) {
  tensors_.clear();
  suite_ = &suite;
  problem_ = suite.build(point);
  layout_ = layout_of(problem_);
  traffic_ = suite.traffic(problem_);
  description_ = device_.describe(problem_);
  if (traffic_.read_bytes + traffic_.written_bytes <= 0) throw HarnessError("an empty tensor: nothing to measure");
  std::byte* pristine = memory_->pristine.reserve(layout_.bytes, "pristine tensors");
  // What an output holds beforehand does not matter here, only that it is the same in every copy.
  cuda_check(cudaMemsetAsync(pristine, 0, layout_.bytes, stream_), "cudaMemsetAsync");
  for (std::size_t i = 0; i < problem_.tensors.size(); ++i) {
    const HostTensor& tensor = problem_.tensors[i];
    if (tensor.role == Role::kOutput || tensor.storage.empty()) continue;
    cuda_check(cudaMemcpyAsync(pristine + layout_.offset[i], tensor.storage.data(), tensor.storage.size(),
                               cudaMemcpyHostToDevice, stream_),
               "upload");
  }
  cuda_check(cudaStreamSynchronize(stream_), "upload");
}

void Workload::rotate(CacheState state) {
  const auto block = static_cast<std::int64_t>(layout_.bytes);
  // What is read and written in place counts once.
  rotation_ = plan_rotation(state, std::max(traffic_.read_bytes, traffic_.written_bytes), block,
                            device_.info().l2_bytes, memory_for_copies(memory_->copies.size()));
  const auto copies = static_cast<std::size_t>(rotation_.copies);
  std::byte* first = memory_->copies.reserve(copies * layout_.bytes, "rotating copies");
  tensors_.clear();
  for (std::size_t copy = 0; copy < copies; ++copy) {
    std::byte* base = first + copy * layout_.bytes;
    cuda_check(cudaMemcpyAsync(base, memory_->pristine.data(), layout_.bytes, cudaMemcpyDeviceToDevice, stream_),
               "copy of the tensors");
    tensors_.push_back(views_in(problem_, layout_, base));
  }
  cuda_check(cudaStreamSynchronize(stream_), "copies of the tensors");
}

plumb_call Workload::call(int copy) const {
  const auto& tensors = tensors_.at(static_cast<std::size_t>(copy));
  plumb_call call = call_of(description_, problem_.params.data(), tensors);
  call.stream = stream_;
  return call;
}

std::vector<Move> Workload::moves(int copy) const {
  return moves_of(suite_->name, problem_, tensors_.at(static_cast<std::size_t>(copy)));
}

void* Workload::workspace(std::size_t bytes) { return memory_->workspace.reserve(bytes, "workspace"); }

void Workload::enqueue_preparation() const {
  if (rotation_.swept) launch_sweep(memory_->evictor.data(), memory_->evictor.size(), stream_);
}

}  // namespace plumb
