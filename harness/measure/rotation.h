// How a measurement walks through memory: how many copies of the tensors, and how many launches per sample.
#pragma once

#include <algorithm>
#include <cstdint>

namespace plumb {

enum class CacheState { kCold, kHot };

struct Rotation {
  int copies = 1;
  // The copies together fit the L2 cache: it is swept before every sample, and no copy is visited twice in one.
  bool swept = false;
};

// A graph of more launches than this costs more time to make than to run.
inline constexpr int kMostLaunches = 256;

// Hot: one copy, launched again and again. Cold: launches rotate through copies which together exceed three times
// the L2 cache, so that a copy's bytes are gone when its turn comes again, and through two at least. Where that
// would take more than kMostLaunches copies, that many, with a sweep of the cache between samples instead.
//   touched_bytes  of one copy that a launch reads or writes; gaps and untouched heads evict nothing
//   copy_bytes     memory that one copy takes
//   memory_bytes   for all copies; one copy is always planned, and fails when it is allocated if it must
inline Rotation plan_rotation(CacheState state, std::int64_t touched_bytes, std::int64_t copy_bytes,
                              std::int64_t l2_bytes, std::int64_t memory_bytes) {
  if (state == CacheState::kHot) return {};
  const std::int64_t evicting = 3 * l2_bytes;
  const std::int64_t wanted = std::max<std::int64_t>(evicting / std::max<std::int64_t>(touched_bytes, 1) + 1, 2);
  const std::int64_t fitting = memory_bytes / std::max<std::int64_t>(copy_bytes, 1);
  const std::int64_t copies =
      std::clamp<std::int64_t>(wanted, 1, std::clamp<std::int64_t>(fitting, 1, kMostLaunches));
  return {.copies = static_cast<int>(copies), .swept = copies * touched_bytes <= evicting};
}

// Launches in one graph, a multiple of the copies: about 0.3 ms of them, which is what keeps the spread of samples
// near 0.3%, and 20 at least unless they would take more than 2 ms.
inline int launches_per_sample(const Rotation& rotation, double microseconds_per_launch) {
  if (rotation.swept) return rotation.copies;
  const double each = std::max(microseconds_per_launch, 0.1);
  const double wanted = std::min({std::max(300.0 / each, 20.0), 2000.0 / each, double{kMostLaunches}});
  return std::max(static_cast<int>(wanted) / rotation.copies, 1) * rotation.copies;
}

}  // namespace plumb
