// Emulated: boxes of a tensor of four axes, with the swizzle that 64-byte rows get.
#pragma once

#include "optimized/device/mbarrier.cuh"

// What a box is taken from; innermost axis first, strides in bytes.
struct CUtensorMap {
  const char* data = nullptr;
  std::array<int, 4> extent{}, box{};
  std::array<std::int64_t, 4> stride{};
  int element_bytes = 0;
  bool swizzle_64 = false;
};

namespace plumb {

struct BoxCorner {
  int at[4];
};

inline void mbarrier_fence() {}
inline void fence_before_store_box() {}
inline void prefetch_tensor_map(const CUtensorMap*) {}
inline void mbarrier_arrive_expecting(Mbarrier& barrier, int bytes) { emulator::change(barrier, 1, bytes); }

inline void load_box(void* shared, const CUtensorMap* map, BoxCorner corner, Mbarrier& barrier) {
  emulator::dawdle();
  const int elements = map->box[0] * map->box[1] * map->box[2] * map->box[3], bytes = map->element_bytes;
  for (int number = 0; number < elements; ++number) {
    const char* from = map->data;
    bool inside = true;
    for (int axis = 0, rest = number; axis < 4; rest /= map->box[static_cast<std::size_t>(axis)], ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      const int at = corner.at[axis] + rest % map->box[a];
      inside = inside && at >= 0 && at < map->extent[a];
      from += at * map->stride[a];
    }
    int to = number * bytes;
    if (map->swizzle_64) to ^= (to / 128 & 3) * 16;
    if (inside) {
      std::memcpy(static_cast<char*>(shared) + to, from, static_cast<std::size_t>(bytes));
    } else {
      std::memset(static_cast<char*>(shared) + to, 0, static_cast<std::size_t>(bytes));
    }
  }
  emulator::change(barrier, 0, -elements * bytes);
}

}  // namespace plumb
