// The driver's management library, opened at run time: clocks, throttling, temperature and processes of a GPU.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plumb {

// The layout of nvmlProcessInfo_v2_t, as nvmlDeviceGetComputeRunningProcesses_v3 fills it.
struct NvmlProcess {
  unsigned pid = 0;
  unsigned long long used_memory = 0;
  unsigned gpu_instance = 0, compute_instance = 0;
};

// The functions that are used, by their names in nvml.h without the prefix. Status 0 is success. A table of its own
// makes the rest testable without the library.
struct NvmlTable {
  int (*init)() = nullptr;                                            // nvmlInit_v2
  int (*shutdown)() = nullptr;                                        // nvmlShutdown
  int (*handle_by_uuid)(const char* uuid, void** device) = nullptr;   // nvmlDeviceGetHandleByUUID
  int (*clock)(void* device, int type, unsigned* mhz) = nullptr;      // nvmlDeviceGetClockInfo; 1: SM, 2: memory
  int (*reasons)(void* device, unsigned long long* bits) = nullptr;   // nvmlDeviceGetCurrentClocksThrottleReasons
  int (*temperature)(void* device, int sensor, unsigned*) = nullptr;  // nvmlDeviceGetTemperature; 0: the GPU
  int (*threshold)(void* device, int type, unsigned*) = nullptr;      // nvmlDeviceGetTemperatureThreshold
  int (*processes)(void* device, unsigned* count, NvmlProcess*) = nullptr;  // ...GetComputeRunningProcesses_v3
};

// Opens the library; the reason why it cannot be used otherwise.
struct NvmlLibrary {
  std::optional<NvmlTable> table;
  std::string missing;  // a sentence when there is no table
};
NvmlLibrary open_nvml(const char* file = "libnvidia-ml.so.1");

struct GpuSample {
  double at = 0;  // seconds of the steady clock
  unsigned sm_mhz = 0;
  unsigned long long reasons = 0;  // why the clocks are below the highest, as nvml.h numbers them
  unsigned temperature = 0;        // degrees Celsius
  std::vector<unsigned> processes = {};
  std::vector<unsigned> own = {};  // of this program, when the sample was taken
};

// One GPU seen through a table. Throws HarnessError when it cannot be found.
class Nvml {
 public:
  Nvml(const NvmlTable& table, const std::string& uuid);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  std::optional<GpuSample> sample() const;                     // nothing where the driver refuses
  unsigned memory_mhz() const;                                 // 0: unknown
  unsigned slowdown_temperature() const { return slowdown_; }  // at which the clocks go down; 0: unknown

 private:
  NvmlTable table_;
  void* device_ = nullptr;
  unsigned slowdown_ = 0;
};

}  // namespace plumb
