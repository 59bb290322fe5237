// Device code on CPU threads: as much of CUDA as solve_tril's blocks need that solve in registers.
//
// A lane is a thread. What hardware does at once happens here in some order, and one warp can be made slow, so that
// what a kernel owes to the luck of its warps' speeds shows on a machine without a GPU: a slot that is given up too
// early, a wait that never ends. Copies of cp.async are done when they are issued or when they are waited for,
// others when they are issued, and memory is sequentially consistent; a kernel that is wrong in these respects
// alone looks right.
//
// To be included before device code, in a program that has emulator/ before the project's root among its include
// folders: the headers below it stand for those of optimized/device.
#pragma once

#include <vector_functions.h>
#include <vector_types.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <bit>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#undef __device__
#undef __global__
#undef __grid_constant__
#undef __host__
#undef __forceinline__
#undef __launch_bounds__
#undef __noinline__
#undef __shared__
#undef __align__
#define __device__
#define __global__
#define __grid_constant__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __noinline__
#define __shared__
#define __align__(bytes)

namespace plumb::emulator {

struct Index {
  unsigned x = 0;
};

struct Warp {
  std::barrier<> lanes{32};
  std::array<std::uint64_t, 32> exchanged{};
};

constexpr auto kForever = std::chrono::minutes(3);
[[noreturn]] void give_up(const char* why);

// What a barrier counts until a phase ends: arrivals, and bytes that were announced. All under one lock.
inline std::mutex phases_lock;
struct Phases {
  int arrivals = 0, pending = 0, bytes = 0, phase = 0;
  std::condition_variable ended;

  void init(int count) { arrivals = pending = count; }
  void change(int came, int more_bytes) {
    pending -= came;
    bytes += more_bytes;
    if (pending < 0) give_up("meets more arrivals than a barrier was told of");
    if (pending > 0 || bytes > 0) return;
    pending = arrivals, ++phase;
    ended.notify_all();
  }
  template <class Over>
  void wait(std::unique_lock<std::mutex>& lock, const Over& over) {
    if (!ended.wait_for(lock, kForever, over)) give_up("waits for ever");
  }
};

// One block at a time.
struct Block {
  explicit Block(int threads) : all(threads) {
    for (int i = 0; i < threads / 32; ++i) warps.push_back(std::make_unique<Warp>());
  }
  std::barrier<> all;
  std::vector<std::unique_ptr<Warp>> warps;
  std::array<Phases, 16> named;  // those of named barriers, by id
  std::atomic<bool> any{false};
  int slow_warp = -1;
  bool late_copies = false;
};

inline Block* running = nullptr;
inline thread_local Index thread_index, block_index;
inline Index block_size, grid_size;

inline Warp& own_warp() { return *running->warps[thread_index.x / 32]; }

inline void dawdle() {
  if (static_cast<int>(thread_index.x / 32) == running->slow_warp) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

[[noreturn]] inline void give_up(const char* why) {
  std::fprintf(stderr, "emulator: thread %u of block %u %s; warp %d is slow\n", thread_index.x, block_index.x, why,
               running->slow_warp);
  std::abort();
}

// Runs a kernel's body as the only block of its grid, with one warp slow (-1: none).
inline void run_block(int threads, int slow_warp, bool late_copies, const std::function<void()>& body) {
  Block block(threads);
  block.slow_warp = slow_warp;
  block.late_copies = late_copies;
  running = &block;
  block_size.x = static_cast<unsigned>(threads), grid_size.x = 1;
  std::vector<std::thread> lanes;
  for (int i = 0; i < threads; ++i) {
    lanes.emplace_back([&body, i] {
      thread_index.x = static_cast<unsigned>(i);
      body();
    });
  }
  for (std::thread& lane : lanes) lane.join();
}

// What combine(values of all lanes) gives, in every lane.
template <class Combine>
auto collect(std::uint64_t own, Combine combine) {
  Warp& warp = own_warp();
  warp.exchanged[thread_index.x % 32] = own;
  warp.lanes.arrive_and_wait();
  const auto result = combine(warp.exchanged);
  warp.lanes.arrive_and_wait();
  return result;
}

}  // namespace plumb::emulator

#define threadIdx plumb::emulator::thread_index
#define blockIdx plumb::emulator::block_index
#define blockDim plumb::emulator::block_size
#define gridDim plumb::emulator::grid_size

using std::max;
using std::min;

inline void __syncthreads() { plumb::emulator::running->all.arrive_and_wait(); }
inline bool __syncthreads_or(bool value) {
  auto& any = plumb::emulator::running->any;
  if (value) any = true;
  __syncthreads();
  const bool result = any;
  __syncthreads();  // all have read it
  any = false;
  __syncthreads();  // before the next vote
  return result;
}
inline bool __syncthreads_and(bool value) { return !__syncthreads_or(!value); }
inline void __syncwarp() { plumb::emulator::own_warp().lanes.arrive_and_wait(); }
inline bool __all_sync(unsigned, bool value) {
  return plumb::emulator::collect(value, [](const auto& lanes) { return std::ranges::count(lanes, 0u) == 0; });
}
inline bool __any_sync(unsigned, bool value) {
  return plumb::emulator::collect(value, [](const auto& lanes) { return std::ranges::count(lanes, 1u) != 0; });
}
inline unsigned __ballot_sync(unsigned, bool value) {
  return plumb::emulator::collect(value, [](const auto& lanes) {
    unsigned votes = 0;
    for (unsigned i = 0; i < 32; ++i) votes |= static_cast<unsigned>(lanes[i]) << i;
    return votes;
  });
}
inline int __reduce_max_sync(unsigned, int value) {  // of numbers from 0
  return plumb::emulator::collect(static_cast<unsigned>(value),
                                  [](const auto& lanes) { return static_cast<int>(std::ranges::max(lanes)); });
}
inline unsigned __shfl_sync(unsigned, unsigned value, int from) {
  return plumb::emulator::collect(
      value, [from](const auto& lanes) { return static_cast<unsigned>(lanes[static_cast<std::size_t>(from)]); });
}
inline std::int64_t __shfl_sync(unsigned, std::int64_t value, int from) {
  return plumb::emulator::collect(static_cast<std::uint64_t>(value), [from](const auto& lanes) {
    return static_cast<std::int64_t>(lanes[static_cast<std::size_t>(from)]);
  });
}
inline int __shfl_sync(unsigned mask, int value, int from) {
  return static_cast<int>(__shfl_sync(mask, static_cast<unsigned>(value), from));
}
inline int __popc(unsigned value) { return std::popcount(value); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline float __uint_as_float(unsigned value) { return std::bit_cast<float>(value); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __shfl_xor_sync(unsigned mask, float value, int lanes) {
  return __uint_as_float(__shfl_sync(mask, __float_as_uint(value), static_cast<int>(threadIdx.x % 32) ^ lanes));
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, int shift) {
  return static_cast<unsigned>((std::uint64_t{high} << 32 | low) >> shift);
}
inline unsigned __byte_perm(unsigned low, unsigned high, unsigned selector) {
  const std::uint64_t bytes = std::uint64_t{high} << 32 | low;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    result |= static_cast<unsigned>(bytes >> 8 * (selector >> 4 * i & 7) & 0xff) << 8 * i;
  }
  return result;
}
template <class T>
T __ldca(const T* from) {
  return *from;
}
template <class T>
T __ldcs(const T* from) {
  return *from;
}
template <class T>
void __stcs(T* to, T value) {
  *to = value;
}
