// Emulated: a barrier's place is a number among all phases.
#pragma once

#include "optimized/device/cp_async.cuh"

namespace plumb {

struct Mbarrier {
  std::uint64_t state;  // its place among the emulated ones
};

namespace emulator {

inline std::vector<std::unique_ptr<Phases>> all_phases;

inline void change(const Mbarrier& barrier, int arrivals, int bytes) {
  const std::lock_guard lock(phases_lock);
  all_phases[barrier.state]->change(arrivals, bytes);
}

}  // namespace emulator

inline void mbarrier_init(Mbarrier& barrier, int arrivals) {
  const std::lock_guard lock(emulator::phases_lock);
  barrier.state = emulator::all_phases.size();
  emulator::all_phases.push_back(std::make_unique<emulator::Phases>());
  emulator::all_phases.back()->init(arrivals);
}

inline void mbarrier_arrive(Mbarrier& barrier) {
  emulator::dawdle();
  emulator::change(barrier, 1, 0);
}
inline void mbarrier_arrive_after_copies(Mbarrier& barrier) {
  cp_async_commit();
  cp_async_wait<0>();
  mbarrier_arrive(barrier);
}

inline void mbarrier_wait(Mbarrier& barrier, int parity) {
  {
    std::unique_lock lock(emulator::phases_lock);
    emulator::Phases& phases = *emulator::all_phases[barrier.state];
    phases.wait(lock, [&] { return phases.phase % 2 != parity; });
  }
  emulator::dawdle();
}

}  // namespace plumb
