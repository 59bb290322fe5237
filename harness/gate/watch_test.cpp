// The judgement of what happened on a GPU, on made-up samples, and the watch on a made-up management library.
#include "harness/gate/watch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string_view>
#include <thread>

#include "harness/gate/timing.h"
#include "harness/testing.h"

namespace plumb {
namespace {

GpuSample quiet(double at) {
  return {.at = at, .sm_mhz = 1980, .reasons = 0, .temperature = 50, .processes = {100}, .own = {100}};
}

std::vector<GpuSample> quiet_samples() { return {quiet(1), quiet(2), quiet(3)}; }

TEST(Disturbance, QuietIsNothing) {
  EXPECT_EQ(disturbance(quiet_samples(), 0, 4, 90), std::nullopt);
  EXPECT_EQ(disturbance({}, 0, 4, 90), std::nullopt);
}

TEST(Disturbance, ThrottlingIsNamedWhereItHappened) {
  auto samples = quiet_samples();
  samples[1].reasons = 0x40;
  EXPECT_EQ(disturbance(samples, 1.5, 2.5, 90),
            "the clocks were throttled by temperature (hardware) (SM clock 1980 MHz)");
  EXPECT_EQ(disturbance(samples, 2.5, 3.5, 90), std::nullopt);    // after it
  EXPECT_NE(disturbance(samples, 2.05, 2.06, 90), std::nullopt);  // between two samples: the nearest speaks
  samples[1].reasons = 0x1 | 0x2 | 0x4;  // idle, fixed clocks, the power cap with the clock still up
  EXPECT_EQ(disturbance(samples, 0, 4, 90), std::nullopt);
}

TEST(Disturbance, AClockThatFallsIsSeenWithoutAReason) {
  auto samples = quiet_samples();
  samples[1].sm_mhz = 1965;  // one step: noise
  EXPECT_EQ(disturbance(samples, 0, 4, 90), std::nullopt);
  samples[1].sm_mhz = 1755;
  EXPECT_EQ(disturbance(samples, 0, 4, 90), "the SM clock fell to 1755 MHz from 1980");
  EXPECT_EQ(disturbance(samples, 2.05, 2.5, 90), std::nullopt);  // just before, the device may have been idle
}

TEST(Disturbance, HeatIsSeenBeforeTheClocksGoDown) {
  auto samples = quiet_samples();
  samples[2].temperature = 87;
  EXPECT_EQ(disturbance(samples, 0, 4, 90), "the GPU had 87 degrees Celsius, its clocks go down at 90");
  EXPECT_EQ(disturbance(samples, 0, 4, 0), std::nullopt);  // the threshold is unknown
}

TEST(Disturbance, StrangersAreTold) {
  auto samples = quiet_samples();
  samples[1].processes = {100, 7};
  EXPECT_EQ(disturbance(samples, 0, 4, 90), "other processes computed on the GPU: 7");
  EXPECT_EQ(disturbance(samples, 2.5, 4, 90), std::nullopt);
}

// In a container the driver may number processes otherwise.
TEST(Disturbance, ForeignNumbersAreCounted) {
  auto samples = quiet_samples();
  for (GpuSample& sample : samples) sample.processes = {4711};
  EXPECT_EQ(disturbance(samples, 0, 4, 90), std::nullopt);
  samples[1].processes = {4711, 4712};
  EXPECT_NE(disturbance(samples, 0, 4, 90), std::nullopt);
}

// A management library made of functions.
int ok() { return 0; }
int fails() { return 999; }
int find_device(const char* uuid, void** device) {
  *device = nullptr;
  return std::string_view(uuid) == "GPU-1" ? 0 : 6;
}
int clock_of(void*, int, unsigned* mhz) { return *mhz = 1980, 0; }
int no_reasons(void*, unsigned long long* bits) { return *bits = 0, 0; }
int degrees(void*, int, unsigned* value) { return *value = 41, 0; }
int threshold_of(void*, int, unsigned* value) { return *value = 92, 0; }
int hundred_processes(void*, unsigned* count, NvmlProcess* processes) {
  if (*count < 100) return *count = 100, 7;  // insufficient size
  for (unsigned i = 0; i < 100; ++i) processes[i] = {.pid = i + 1};
  return *count = 100, 0;
}
int refuses(void*, unsigned long long*) { return 3; }

NvmlTable fake_table() {
  return {ok, ok, find_device, clock_of, no_reasons, degrees, threshold_of, hundred_processes};
}

TEST(GpuWatch, SamplesUntilItEnds) {
  GpuWatch watch(
      {.table = fake_table(), .missing = ""}, "GPU-1", [] { return std::vector<unsigned>{5}; }, 1);
  EXPECT_TRUE(watch.looks());
  EXPECT_EQ(watch.slowdown_temperature(), 92u);
  EXPECT_EQ(watch.memory_mhz(), 1980u);
  const double begin = steady_seconds();
  while (watch.samples().size() < 3 && steady_seconds() < begin + 10) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const auto samples = watch.samples();
  ASSERT_GE(samples.size(), 3u);
  EXPECT_EQ(samples[0].processes.size(), 100u);
  EXPECT_EQ(samples[0].own, std::vector<unsigned>{5});
  EXPECT_EQ(samples[0].temperature, 41u);
  EXPECT_GT(samples[2].at, samples[0].at);
}

TEST(GpuWatch, SaysWhyItIsBlind) {
  const auto blind = [](const NvmlLibrary& library, const char* uuid = "GPU-1") {
    const GpuWatch watch(library, uuid, [] { return std::vector<unsigned>(); });
    EXPECT_FALSE(watch.looks());
    EXPECT_TRUE(watch.samples().empty());
    return watch.blind();
  };
  EXPECT_EQ(blind(open_nvml("libno-such-library.so")), "libno-such-library.so could not be opened");
  EXPECT_EQ(blind(open_nvml("libm.so.6")), "libm.so.6 has no nvmlInit_v2");
  NvmlTable table = fake_table();
  EXPECT_EQ(blind({.table = table, .missing = ""}, "GPU-2"),
            "the management library does not know GPU-2 (status 6)");
  table.init = fails;
  EXPECT_EQ(blind({.table = table, .missing = ""}), "nvmlInit_v2 gave status 999");
  table = fake_table();
  table.reasons = refuses;
  EXPECT_EQ(blind({.table = table, .missing = ""}), "the management library refuses to answer");
}

}  // namespace
}  // namespace plumb
