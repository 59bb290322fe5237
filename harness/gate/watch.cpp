// What else happened on the GPU while it was measured.
#include "harness/gate/watch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "harness/error.h"

namespace plumb {
namespace {

struct Reason {
  unsigned long long bit;
  const char* words;
};
// nvml.h, nvmlClocksEventReason*. Idle, fixed application clocks and sync boost are not throttling. Nor is the
// power cap by itself: on an H200 it shows for moments at the largest copies while the clock stays within 1% of the
// highest; where it does lower the clock, the clock tells.
constexpr Reason kThrottling[] = {{0x08, "a hardware slowdown"},
                                  {0x20, "temperature (software)"},
                                  {0x40, "temperature (hardware)"},
                                  {0x80, "the power brake"}};
constexpr double kClockDrop = 0.97;    // of the highest SM clock that was seen
constexpr unsigned kNearSlowdown = 3;  // degrees below the temperature at which the hardware goes slower
constexpr double kSlack = 0.1;         // seconds around a measurement in which a sample still speaks of it

// Processes that are not this program's. In a container the driver numbers processes otherwise than we do: where
// none of ours was ever seen by its number, as many strangers as we have processes are taken for them.
std::vector<unsigned> strangers(const GpuSample& sample, bool numbers_agree) {
  std::vector<unsigned> others;
  for (const unsigned pid : sample.processes) {
    if (std::find(sample.own.begin(), sample.own.end(), pid) == sample.own.end()) others.push_back(pid);
  }
  if (!numbers_agree && others.size() <= sample.own.size()) others.clear();
  return others;
}

}  // namespace

std::optional<std::string> disturbance(std::span<const GpuSample> samples, double begin, double end,
                                       unsigned slowdown_temperature) {
  unsigned highest = 0;
  bool numbers_agree = false;
  for (const GpuSample& sample : samples) {
    highest = std::max(highest, sample.sm_mhz);
    for (const unsigned pid : sample.own) {
      numbers_agree |= std::find(sample.processes.begin(), sample.processes.end(), pid) != sample.processes.end();
    }
  }
  for (const GpuSample& sample : samples) {
    if (sample.at < begin - kSlack || sample.at > end + kSlack) continue;
    for (const Reason& reason : kThrottling) {
      if (sample.reasons & reason.bit) {
        return fmt::format("the clocks were throttled by {} (SM clock {} MHz)", reason.words, sample.sm_mhz);
      }
    }
    if (const auto others = strangers(sample, numbers_agree); !others.empty()) {
      return fmt::format("other processes computed on the GPU: {}", fmt::join(others, ", "));
    }
    if (slowdown_temperature > 0 && sample.temperature + kNearSlowdown >= slowdown_temperature) {
      return fmt::format("the GPU had {} degrees Celsius, its clocks go down at {}", sample.temperature,
                         slowdown_temperature);
    }
    // Just outside the measurement the device may be idle, with its clocks down.
    if (sample.at >= begin && sample.at <= end && sample.sm_mhz < kClockDrop * highest) {
      return fmt::format("the SM clock fell to {} MHz from {}", sample.sm_mhz, highest);
    }
  }
  return std::nullopt;
}

GpuWatch::GpuWatch(const NvmlLibrary& library, const std::string& uuid, std::function<std::vector<unsigned>()> own,
                   int interval_ms)
    : blind_(library.missing) {
  if (!library.table) return;
  try {
    nvml_ = std::make_unique<Nvml>(*library.table, uuid);
  } catch (const HarnessError& error) {
    blind_ = error.what();
    return;
  }
  if (!nvml_->sample()) {
    blind_ = "the management library refuses to answer";
    nvml_.reset();
    return;
  }
  thread_ = std::jthread([this, own = std::move(own), interval_ms](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (std::optional<GpuSample> sample = nvml_->sample()) {
        sample->own = own();
        const std::lock_guard lock(mutex_);
        samples_.push_back(std::move(*sample));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(interval_ms));
    }
  });
}

GpuWatch::~GpuWatch() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

std::vector<GpuSample> GpuWatch::samples() const {
  const std::lock_guard lock(mutex_);
  return samples_;
}

}  // namespace plumb
