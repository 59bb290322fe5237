// A device for tests: it computes with the replay, then lets the test spoil what comes back.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "harness/cases/block.h"
#include "harness/cases/call.h"
#include "harness/device/cuda_device.h"
#include "harness/operators/suite.h"

namespace plumb {

// What a test can lay its hands on: one run of one variant, after the replay has computed the right answer.
struct DeviceRun {
  const Problem& problem;
  const BlockLayout& layout;
  const Block& pristine;
  std::span<std::byte> image;
  std::int32_t variant;
  int number;  // of this variant's runs, from 0
  RunResult& result;

  // Storage byte `offset` bytes from the tensor's first element.
  std::byte& byte(int tensor, std::int64_t offset) const {
    const auto at = static_cast<std::size_t>(tensor);
    return image[layout.offset[at] + problem.tensors[at].data_offset() + static_cast<std::size_t>(offset)];
  }
};

class ReplayingDevice final : public CudaDevice {
 public:
  using Spoil = std::function<void(const DeviceRun&)>;

  ReplayingDevice(std::string kind, Spoil spoil) : spoil_(std::move(spoil)) { info_.kind = std::move(kind); }

  const DeviceInfo& info() const override { return info_; }
  plumb_device describe(const Problem&) const override { return versioned<plumb_device>(); }
  void load(const Problem& problem, const BlockLayout& layout, const Block& pristine) override {
    problem_ = &problem;
    layout_ = &layout;
    pristine_ = &pristine;
    tensors_ = views_in(problem, layout, pristine.data());
  }
  plumb_call call() const override {
    static const auto nowhere = versioned<plumb_device>();
    return call_of(nowhere, problem_->params.data(), tensors_);
  }
  RunResult run(const plumb_operator& op, std::int32_t variant, std::span<std::byte> image) override {
    Problem replayed = clone(*problem_);
    find_suite(op.name)->replay(replayed);
    const Block block = pack(replayed, *layout_);
    std::copy(block.begin(), block.end(), image.begin());
    RunResult result;
    result.served = variant;
    spoil_({*problem_, *layout_, *pristine_, image, variant, runs_[variant]++, result});
    return result;
  }
  void load_repeated(const Problem& problem, const BlockLayout& layout, const Block& pristine,
                     const RowRepetition&) override {
    load(problem, layout, pristine);
  }
  RunResult run_repeated(const plumb_operator& op, std::int32_t variant, std::span<std::byte> image,
                         RowDifference& difference) override {
    if (const auto found = repeated.find(variant); found != repeated.end()) difference = found->second;
    return run(op, variant, image);
  }

  std::map<std::int32_t, RowDifference> repeated;  // what run_repeated finds, by variant
  int runs() const {
    int sum = 0;
    for (const auto& [variant, count] : runs_) sum += count;
    return sum;
  }

 private:
  Spoil spoil_;
  DeviceInfo info_;
  const Problem* problem_ = nullptr;
  const BlockLayout* layout_ = nullptr;
  const Block* pristine_ = nullptr;
  std::vector<plumb_tensor> tensors_;
  std::map<std::int32_t, int> runs_;
};

}  // namespace plumb
