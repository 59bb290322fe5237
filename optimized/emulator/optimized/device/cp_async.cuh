// Emulated: copies are done when they are issued, or as late as they may be, when their thread waits for them.
#pragma once

#include <cstring>

#include "optimized/emulator/emulator.h"

namespace plumb {
namespace emulator {

struct Copy {
  void* to;
  const void* from;
  int bytes;

  void run() const {
    std::memset(to, 0, 16);
    if (bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }
};

inline thread_local std::vector<std::vector<Copy>> groups{1};  // the last one is not committed

inline void run_groups(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    for (const Copy& copy : groups[i]) copy.run();
  }
  groups.erase(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace emulator

inline void cp_async_cg16(void* shared, const void* global, int bytes) {
  const emulator::Copy copy{shared, global, bytes};
  if (emulator::running->late_copies) {
    emulator::groups.back().push_back(copy);
  } else {
    copy.run();
  }
}
inline void cp_async_commit() { emulator::groups.emplace_back(); }
template <int kPending>
inline void cp_async_wait() {
  const std::size_t committed = emulator::groups.size() - 1;
  if (committed > kPending) emulator::run_groups(committed - kPending);
}

}  // namespace plumb
