// The worker: a process of its own that runs cases, so that a crash or a lost device costs one case.
#pragma once

#include <cstdint>
#include <string>

#include "harness/check/run_case.h"

namespace plumb {

// Who computes: the CPU replay, a library in host memory, a library on a GPU.
enum class Place { kReplay, kHost, kCuda };

struct WorkerSettings {
  Place place = Place::kReplay;
  int fault = 0;       // of a library built with PLUMBLINE_FAULTS (reference/fault.h); 0: none
  int ordinal = 0;     // of the GPU
  bool alone = false;  // no other GPU is touched, nor can cases be run that need a second
  std::string library_path;
  std::int64_t device_memory_limit = 0;  // bytes, 0: no limit
  CheckSettings check;
};

// Reads case names, a line each, from standard input and answers in the same order, a JSON line each, on
// `reply_fd`: first {"ready": device and library} or {"fatal": sentence}; then {"result": case} per name.
// {"result": ..., "last": true} says that the device is lost and this process ends. Returns the process's exit
// code.
int run_worker(const WorkerSettings& settings, int reply_fd);

}  // namespace plumb
