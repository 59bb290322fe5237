// The driver's management library, opened at run time.
#include "harness/gate/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "harness/error.h"
#include "harness/gate/timing.h"

namespace plumb {
namespace {

constexpr int kSmClock = 1, kMemoryClock = 2, kGpuSensor = 0, kSlowdownThreshold = 1;
constexpr int kInsufficientSize = 7;

}  // namespace

NvmlLibrary open_nvml(const char* file) {
  void* handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);  // stays open as long as the process
  if (!handle) return {.table = std::nullopt, .missing = fmt::format("{} could not be opened", file)};
  NvmlTable table;
  std::string absent;
  const auto find = [&](const char* symbol, auto* function) {
    *function = reinterpret_cast<std::remove_reference_t<decltype(*function)>>(dlsym(handle, symbol));
    if (!*function && absent.empty()) absent = symbol;
  };
  find("nvmlInit_v2", &table.init);
  find("nvmlShutdown", &table.shutdown);
  find("nvmlDeviceGetHandleByUUID", &table.handle_by_uuid);
  find("nvmlDeviceGetClockInfo", &table.clock);
  find("nvmlDeviceGetCurrentClocksThrottleReasons", &table.reasons);
  find("nvmlDeviceGetTemperature", &table.temperature);
  find("nvmlDeviceGetTemperatureThreshold", &table.threshold);
  find("nvmlDeviceGetComputeRunningProcesses_v3", &table.processes);
  if (!absent.empty()) return {.table = std::nullopt, .missing = fmt::format("{} has no {}", file, absent)};
  return {.table = table, .missing = ""};
}

Nvml::Nvml(const NvmlTable& table, const std::string& uuid) : table_(table) {
  if (const int status = table_.init()) throw HarnessError(fmt::format("nvmlInit_v2 gave status {}", status));
  if (const int status = table_.handle_by_uuid(uuid.c_str(), &device_)) {
    table_.shutdown();
    throw HarnessError(fmt::format("the management library does not know {} (status {})", uuid, status));
  }
  if (table_.threshold(device_, kSlowdownThreshold, &slowdown_) != 0) slowdown_ = 0;
}

Nvml::~Nvml() { table_.shutdown(); }

unsigned Nvml::memory_mhz() const {
  unsigned mhz = 0;
  return table_.clock(device_, kMemoryClock, &mhz) == 0 ? mhz : 0;
}

std::optional<GpuSample> Nvml::sample() const {
  GpuSample sample;
  sample.at = steady_seconds();
  if (table_.clock(device_, kSmClock, &sample.sm_mhz) != 0 || table_.reasons(device_, &sample.reasons) != 0 ||
      table_.temperature(device_, kGpuSensor, &sample.temperature) != 0) {
    return std::nullopt;
  }
  std::vector<NvmlProcess> processes(64);
  auto count = static_cast<unsigned>(processes.size());
  int status = table_.processes(device_, &count, processes.data());
  if (status == kInsufficientSize) {
    processes.resize(count + 16);
    count = static_cast<unsigned>(processes.size());
    status = table_.processes(device_, &count, processes.data());
  }
  if (status != 0) return std::nullopt;
  for (unsigned i = 0; i < count; ++i) sample.processes.push_back(processes[i].pid);
  return sample;
}

}  // namespace plumb
