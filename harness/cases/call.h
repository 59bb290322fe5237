// Calls as a library gets them, and devices that they may describe on a machine that has none.
#pragma once

#include <span>

#include "harness/cases/problem.h"

namespace plumb {

// Without flags, workspace or stream. It points to the device, the parameters and the tensors.
inline plumb_call call_of(const plumb_device& device, const void* params, std::span<const plumb_tensor> tensors) {
  auto call = versioned<plumb_call>();
  call.device = &device;
  call.params = params;
  call.tensors = tensors.data();
  call.tensor_count = static_cast<std::int32_t>(tensors.size());
  return call;
}

// The device as the problem's caller describes it: FLA_USE_TMA, which points into the problem, and how many
// multiprocessors there are to be filled.
inline void describe_for(plumb_device& device, const Problem& problem) {
  device.fla_use_tma = problem.fla_use_tma ? problem.fla_use_tma->c_str() : nullptr;
  if (problem.sm_count > 0) device.sm_count = problem.sm_count;
}

// A100, H100 or H200, and B200, as their data sheets have them: sm is 80, 90 or 100. Throws HarnessError for
// others.
plumb_device described_device(int sm);

}  // namespace plumb
