// A problem on the device: its inputs uploaded once, and the copies of them that launches rotate through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/cases/block.h"
#include "harness/device/cuda_device.h"
#include "harness/measure/moves.h"
#include "harness/measure/rotation.h"
#include "harness/operators/suite.h"

struct CUstream_st;

namespace plumb {

// Everything is enqueued on one stream. All functions throw HarnessError when the device refuses or its memory does
// not suffice.
class Workload {
 public:
  Workload(const CudaDevice& device, CUstream_st* stream);
  ~Workload();

  // Builds the case's problem and uploads it; the former one is gone. Then rotate() before anything else.
  void load(const OperatorSuite& suite, const Case& point);

  // Plans the copies and fills them with the problem's data. Calls in place change them run after run: a rotation
  // whose cosine and sine are rounded to bf16 grows a vector by less than 2^-9, so that even the few thousand runs
  // of a hot measurement keep values finite; each measurement begins by calling this.
  void rotate(CacheState state);

  const Problem& problem() const { return problem_; }
  const Rotation& rotation() const { return rotation_; }
  Traffic traffic() const { return traffic_; }

  // The call on one copy, without workspace, and what it moves.
  plumb_call call(int copy) const;
  std::vector<Move> moves(int copy) const;

  // Device memory that calls may share: they run one after another.
  void* workspace(std::size_t bytes);

  // Enqueues what must precede a sample: a sweep of the L2 cache where the copies alone do not evict each other.
  void enqueue_preparation() const;

 private:
  struct Memory;

  const CudaDevice& device_;
  CUstream_st* stream_;
  std::unique_ptr<Memory> memory_;
  const OperatorSuite* suite_ = nullptr;
  Problem problem_;
  BlockLayout layout_;
  Traffic traffic_;
  plumb_device description_{};
  Rotation rotation_;
  std::vector<std::vector<plumb_tensor>> tensors_;  // of each copy
};

}  // namespace plumb
