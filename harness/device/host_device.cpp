// A device for libraries that compute on the CPU: launches run at once, in the caller's memory.
#include "harness/device/host_device.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vector>

#include "harness/cases/call.h"
#include "harness/error.h"

namespace plumb {
namespace {

// Memory aligned like the device's: 256 bytes, which the offsets of cases count from. Megabytes before and behind
// let a library that runs past a tensor be judged instead of crash.
class AlignedBytes {
 public:
  std::byte* reserve(std::size_t bytes) {
    if (bytes_.size() < bytes + kAlignment + 2 * kMargin) bytes_.resize(bytes + kAlignment + 2 * kMargin);
    const auto start = reinterpret_cast<std::uintptr_t>(bytes_.data());
    return bytes_.data() + kMargin + (kAlignment - start % kAlignment) % kAlignment;
  }

 private:
  static constexpr std::size_t kAlignment = 256, kMargin = std::size_t{4} << 20;
  std::vector<std::byte> bytes_;
};

class HostDevice final : public CudaDevice {
 public:
  HostDevice() {
    info_.kind = "host";
    info_.name = "host";
    info_.ordinal = -1;
  }

  const DeviceInfo& info() const override { return info_; }

  plumb_device describe(const Problem& problem) const override {
    auto device = versioned<plumb_device>();
    device.ordinal = info_.ordinal;
    describe_for(device, problem);
    return device;
  }

  void load(const Problem& problem, const BlockLayout& layout, const Block& pristine) override {
    problem_ = &problem;
    pristine_ = &pristine;
    working_ = memory_.reserve(layout.bytes);
    tensors_ = views_in(problem, layout, working_);
    description_ = describe(problem);
  }

  plumb_call call() const override { return call_of(description_, problem_->params.data(), tensors_); }

  RunResult run(const plumb_operator& op, std::int32_t variant, std::span<std::byte> image) override {
    plumb_call call = this->call();
    RunResult result;
    result.status = op.workspace_bytes(&call, variant, &call.workspace_bytes);
    if (result.status != PLUMB_OK) return result;
    if (call.workspace_bytes > 0) call.workspace = workspace_.reserve(call.workspace_bytes);
    std::copy(pristine_->begin(), pristine_->end(), working_);
    result.status = op.launch(&call, variant, &result.served);
    std::copy(working_, working_ + image.size(), image.begin());
    return result;
  }

  // Rows that repeat would need all their memory here; check skips such cases (run_case.h).
  void load_repeated(const Problem&, const BlockLayout&, const Block&, const RowRepetition& repetition) override {
    throw HarnessError("the host device does not repeat rows, asked for " + std::to_string(repetition.rows));
  }
  RunResult run_repeated(const plumb_operator&, std::int32_t, std::span<std::byte>, RowDifference&) override {
    throw HarnessError("the host device does not repeat rows");
  }

 private:
  DeviceInfo info_;
  AlignedBytes memory_, workspace_;
  std::byte* working_ = nullptr;
  const Problem* problem_ = nullptr;
  const Block* pristine_ = nullptr;
  std::vector<plumb_tensor> tensors_;
  plumb_device description_{};
};

}  // namespace

std::unique_ptr<CudaDevice> open_host_device() { return std::make_unique<HostDevice>(); }

}  // namespace plumb
