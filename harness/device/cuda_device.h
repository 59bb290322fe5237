// A CUDA device that runs one variant of one problem at a time and gives back every byte that it could have
// touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "harness/cases/block.h"
#include "reference/operator.h"

namespace plumb {

struct DeviceInfo {
  std::string kind;  // "cuda" or "replay"
  std::string name;  // "NVIDIA H200"
  std::string uuid, driver, cuda;
  int ordinal = 0, sm = 0, sm_count = 0;
  int device_count = 1;  // CUDA devices of the machine
  std::int64_t l2_bytes = 0;
  int sm_clock_mhz = 0, memory_clock_mhz = 0;  // the model's highest; 0 where the driver does not say
};

struct RunResult {
  plumb_status status = PLUMB_OK;
  std::string error;         // what the library or the CUDA runtime said
  std::int32_t served = -1;  // the variant that the library says it ran
  bool device_lost = false;  // a sticky error: this process can use the device no more
};

// A case of very many rows as one of few: `rows` of them repeat a period of those that the problem has, along that
// dimension of every tensor but the constants.
struct RowRepetition {
  int dimension = 0;
  std::int64_t rows = 0;
};

// Where repeated rows did not come out equal; tensor is -1 when they all did.
struct RowDifference {
  int tensor = -1;
  std::int64_t row = 0;      // the first row that differs from its like in the first period; -1 before the rows
  std::uint64_t pieces = 0;  // of 16 bytes, of that tensor
};

class CudaDevice {
 public:
  virtual ~CudaDevice() = default;

  virtual const DeviceInfo& info() const = 0;
  // As selection is told of it; fla_use_tma points into the problem.
  virtual plumb_device describe(const Problem& problem) const = 0;

  // Takes a problem on board: its pristine block is uploaded once and restored on the device before every run.
  // Throws HarnessError when the device's memory does not suffice. The problem must outlive its runs.
  virtual void load(const Problem& problem, const BlockLayout& layout, const Block& pristine) = 0;

  // The call as the library gets it, on device tensors; valid until the next load.
  virtual plumb_call call() const = 0;

  // Restores the tensors, launches the variant in the problem's launch mode, and copies the whole block back.
  virtual RunResult run(const plumb_operator& op, std::int32_t variant, std::span<std::byte> image) = 0;

  // The same for a problem whose rows repeat: `image` gets what stands around and in the first period, and the rest
  // is compared with it on the device.
  virtual void load_repeated(const Problem& problem, const BlockLayout& layout, const Block& pristine,
                             const RowRepetition& repetition) = 0;
  virtual RunResult run_repeated(const plumb_operator& op, std::int32_t variant, std::span<std::byte> image,
                                 RowDifference& difference) = 0;

  // After an exception: whether an error stays, so that this process can use the device no more.
  virtual bool lost() { return false; }
};

// Throws HarnessError with one sentence when this build has no CUDA or the machine no such device.
// memory_limit: device bytes that may be used, 0 for all.
std::unique_ptr<CudaDevice> open_cuda_device(int ordinal, std::int64_t memory_limit);

}  // namespace plumb
