// Emulated: the running block's phases by id; a first use says of how many threads.
#pragma once

namespace plumb {

struct NamedBarrier {
  int id, threads;

  void arrive() const {
    emulator::dawdle();
    const std::lock_guard lock(emulator::phases_lock);
    phases().change(1, 0);
  }

  void sync() const {
    emulator::dawdle();
    {
      std::unique_lock lock(emulator::phases_lock);
      emulator::Phases& own = phases();
      const int phase = own.phase;
      own.change(1, 0);
      own.wait(lock, [&] { return own.phase != phase; });
    }
    emulator::dawdle();
  }

 private:
  emulator::Phases& phases() const {
    emulator::Phases& own = emulator::running->named[static_cast<std::size_t>(id)];
    if (own.arrivals == 0) own.init(threads);
    return own;
  }
};

}  // namespace plumb
