// The order in which blocks that start together ask for memory.
#pragma once

namespace plumb {

// What memory delivers to each multiprocessor of an H200 in a cycle, less a little, in bytes: 12 to 24 serve as
// well.
constexpr int kBytesPerCycle = 16;

// Blocks that start together on a multiprocessor would share its part of memory's bandwidth, have all their input
// at the same time and then solve while memory idles. So a block that is the n-th of at most kResident there waits
// until those before it can have their `bytes`. Blocks are dealt to `sm_count` multiprocessors one each, then a
// second one each, and so on (H200: 94% of them); for others the order is worse, nothing else.
template <int kResident>
__device__ __forceinline__ void wait_for_those_before(int sm_count, int bytes) {
  if (blockIdx.x >= static_cast<unsigned>(kResident * sm_count)) return;
  const auto cycles = static_cast<unsigned long long>(blockIdx.x / sm_count * (bytes / kBytesPerCycle));
  const long long start = clock64();
  while (static_cast<unsigned long long>(clock64() - start) < cycles) {
  }
}

}  // namespace plumb
