// A parallel loop over rows or tiles.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace plumb {

// The grain for items of `elements` elements each: a thread takes about as long to start as 2^16 elements to
// compute.
constexpr std::int64_t grain_for(std::int64_t elements) {
  return (std::int64_t{1} << 16) / std::max<std::int64_t>(elements, 1) + 1;
}

// Calls body(begin, end) on disjoint ranges that cover [0, count), from several threads when there are at least two
// ranges of `grain`. body must not throw.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t grain, const Body& body) {
  const std::int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  const std::int64_t parts = std::min(cores, count / std::max<std::int64_t>(grain, 1));
  if (parts <= 1) {
    if (count > 0) body(std::int64_t{0}, count);
    return;
  }
  std::vector<std::jthread> threads;
  for (std::int64_t part = 1; part < parts; ++part) {
    threads.emplace_back([&body, count, part, parts] { body(count * part / parts, count * (part + 1) / parts); });
  }
  body(std::int64_t{0}, count / parts);
}

}  // namespace plumb
