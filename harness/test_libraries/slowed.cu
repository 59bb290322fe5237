// Another library's kernels, slower by a known share: SLOWDOWN of the time from one call to the next.
//
// Around each launch of the real library stand two kernels of one thread: the first reads the device's clock, the
// second waits for SLOWDOWN of the time that calls take. Nothing in the real library knows of it. The two kernels
// themselves cost time, some 2 us a call, and so the build to compare with is this one with SLOWDOWN 0. The real
// library is the one that PLUMBLINE_SLOWED_LIBRARY names; each of these libraries loads an instance of its own.
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <sys/mman.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "reference/operator.h"

namespace {

constexpr unsigned long long kOverheadNs = 2400;  // of the two kernels, where no call came just before

__device__ unsigned long long begun, previous, period, waited;

__device__ unsigned long long nanoseconds() {
  unsigned long long now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

__global__ void begin_kernel() {
  begun = nanoseconds();
  period = begun - previous - waited;
  previous = begun;
}

// Waits by cycles: the device's nanoseconds advance in coarse ticks.
__global__ void end_kernel(double share, double cycles_per_ns) {
  const unsigned long long elapsed = nanoseconds() - begun;
  const bool follows_another = period >= elapsed / 2 && period < 2 * elapsed + 5000;
  const double wait = share * static_cast<double>(follows_another ? period : elapsed + kOverheadNs);
  const long long cycles = static_cast<long long>(wait * cycles_per_ns), start = clock64();
  waited = static_cast<unsigned long long>(wait);
  if (cycles > 0) {
    while (clock64() - start < cycles) {
    }
  }
}

constexpr int kMostOperators = 16;
const plumb_library* real_library = nullptr;
std::array<plumb_operator, kMostOperators> operators;
plumb_library library;

template <int kIndex>
plumb_status launch(const plumb_call* call, int32_t variant, int32_t* served) {
  static int kilohertz = 0;
  if (kilohertz == 0) cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, call->device->ordinal);
  const auto stream = static_cast<cudaStream_t>(call->stream);
  begin_kernel<<<1, 1, 0, stream>>>();
  const plumb_status status = real_library->operator_at(kIndex)->launch(call, variant, served);
  end_kernel<<<1, 1, 0, stream>>>(SLOWDOWN, 1e-6 * kilohertz);
  return status == PLUMB_OK && cudaGetLastError() != cudaSuccess ? PLUMB_DEVICE_ERROR : status;
}

using Launch = plumb_status (*)(const plumb_call*, int32_t, int32_t*);
template <int... kIndex>
constexpr std::array<Launch, sizeof...(kIndex)> launches(std::integer_sequence<int, kIndex...>) {
  return {launch<kIndex>...};
}

const plumb_operator* operator_at(int32_t index) {
  return index >= 0 && index < library.operator_count ? &operators[static_cast<size_t>(index)] : nullptr;
}

// A copy in memory, so that two of these libraries in one process do not share the real one.
const plumb_library* open_real_library() {
  const char* path = std::getenv("PLUMBLINE_SLOWED_LIBRARY");
  if (path == nullptr) {
    std::fprintf(stderr, "slowed: PLUMBLINE_SLOWED_LIBRARY names no library\n");
    return nullptr;
  }
  const std::string copy = "/proc/self/fd/" + std::to_string(memfd_create("plumbline slowed", 0));
  std::ofstream(copy, std::ios::binary) << std::ifstream(path, std::ios::binary).rdbuf();
  void* handle = dlopen(copy.c_str(), RTLD_NOW | RTLD_LOCAL);
  const auto entry = handle ? reinterpret_cast<plumb_library_fn>(dlsym(handle, PLUMB_LIBRARY_SYMBOL)) : nullptr;
  if (!entry) std::fprintf(stderr, "slowed: %s: %s\n", path, dlerror());
  return entry ? entry() : nullptr;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const plumb_library* plumb_library_v1() {
  if (real_library) return &library;
  real_library = open_real_library();
  if (!real_library || real_library->operator_count > kMostOperators) return nullptr;
  constexpr auto kLaunches = launches(std::make_integer_sequence<int, kMostOperators>());
  library = *real_library;
  library.name = "slowed";
  library.operator_at = operator_at;
  for (int i = 0; i < library.operator_count; ++i) {
    operators[static_cast<size_t>(i)] = *real_library->operator_at(i);
    operators[static_cast<size_t>(i)].launch = kLaunches[static_cast<size_t>(i)];
  }
  return &library;
}
