// What else happened on the GPU while it was measured: samples over time, and the judgement of them.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "harness/gate/nvml.h"

namespace plumb {

// Why what was measured from `begin` to `end` (steady seconds) must not decide; nothing where all was quiet.
// `slowdown_temperature`: where the hardware goes slower, 0 when unknown.
std::optional<std::string> disturbance(std::span<const GpuSample> samples, double begin, double end,
                                       unsigned slowdown_temperature);

// Samples a GPU from a thread of its own. Without a management library it is blind and says why.
class GpuWatch {
 public:
  // `own` names this program's processes on the GPU at the moment; called from the watching thread.
  GpuWatch(const NvmlLibrary& library, const std::string& uuid, std::function<std::vector<unsigned>()> own,
           int interval_ms = 50);
  ~GpuWatch();
  GpuWatch(const GpuWatch&) = delete;
  GpuWatch& operator=(const GpuWatch&) = delete;

  bool looks() const { return blind_.empty(); }
  const std::string& blind() const { return blind_; }  // why it cannot look
  std::vector<GpuSample> samples() const;
  unsigned slowdown_temperature() const { return nvml_ ? nvml_->slowdown_temperature() : 0; }
  unsigned memory_mhz() const { return nvml_ ? nvml_->memory_mhz() : 0; }

 private:
  std::unique_ptr<Nvml> nvml_;
  std::string blind_;
  mutable std::mutex mutex_;
  std::vector<GpuSample> samples_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace plumb
