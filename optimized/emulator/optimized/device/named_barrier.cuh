// Emulated: a barrier counts who comes, and lets those who wait go on with every `threads`-th.
#pragma once

#include <condition_variable>
#include <mutex>

namespace plumb {
namespace emulator {

inline std::mutex named_lock;
inline std::condition_variable named_changed;

// Of the running block, by id.
inline int& named_count(int id) { return running->named[static_cast<std::size_t>(id)]; }

}  // namespace emulator

struct NamedBarrier {
  int id, threads;

  void arrive() const { come(false); }
  void sync() const { come(true); }

 private:
  void come(bool waits) const {
    emulator::dawdle();
    {
      std::unique_lock lock(emulator::named_lock);
      int& count = emulator::named_count(id);
      const int enough = (count / threads + 1) * threads;
      if (++count == enough) emulator::named_changed.notify_all();
      const auto all_came = [&] { return count >= enough; };
      if (waits && !emulator::named_changed.wait_for(lock, emulator::kForever, all_came)) {
        emulator::give_up("waits for ever");
      }
    }
    emulator::dawdle();
  }
};

}  // namespace plumb
