// Emulated: arrivals, expected bytes and phases under a lock.
#pragma once

#include <condition_variable>
#include <mutex>

#include "optimized/device/cp_async.cuh"

namespace plumb {

struct Mbarrier {
  std::uint64_t state;  // its place among the emulated ones
};

namespace emulator {

struct Phases {
  int arrivals = 0, pending = 0, bytes = 0, phase = 0;
  std::condition_variable ended;
};
inline std::mutex phases_lock;
inline std::vector<std::unique_ptr<Phases>> all_phases;

inline void change(const Mbarrier& barrier, int arrivals, int bytes) {
  const std::lock_guard lock(phases_lock);
  Phases& phases = *all_phases[barrier.state];
  phases.pending -= arrivals;
  phases.bytes += bytes;
  if (phases.pending < 0) give_up("meets more arrivals than a barrier was told of");
  if (phases.pending > 0 || phases.bytes > 0) return;
  phases.pending = phases.arrivals, ++phases.phase;
  phases.ended.notify_all();
}

}  // namespace emulator

inline void mbarrier_init(Mbarrier& barrier, int arrivals) {
  const std::lock_guard lock(emulator::phases_lock);
  barrier.state = emulator::all_phases.size();
  emulator::all_phases.push_back(std::make_unique<emulator::Phases>());
  emulator::all_phases.back()->arrivals = emulator::all_phases.back()->pending = arrivals;
}

inline void mbarrier_arrive(Mbarrier& barrier) {
  emulator::dawdle();
  emulator::change(barrier, 1, 0);
}
inline void mbarrier_arrive_after_copies(Mbarrier& barrier) { mbarrier_arrive(barrier); }

inline void mbarrier_wait(Mbarrier& barrier, int parity) {
  {
    std::unique_lock lock(emulator::phases_lock);
    emulator::Phases& phases = *emulator::all_phases[barrier.state];
    const bool ended = phases.ended.wait_for(lock, emulator::kForever, [&] { return phases.phase % 2 != parity; });
    if (!ended) emulator::give_up("waits for ever");
  }
  emulator::dawdle();
}

}  // namespace plumb
