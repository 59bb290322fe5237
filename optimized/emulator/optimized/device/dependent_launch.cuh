// Emulated: nothing was launched before, nothing depends.
#pragma once

namespace plumb {

inline void wait_for_producers() {}
inline void release_dependents() {}

}  // namespace plumb
