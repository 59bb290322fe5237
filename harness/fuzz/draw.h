// Values drawn from the fuzzer's bytes: mostly what a caller would write, sometimes anything.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "reference/operator.h"

namespace plumb {

// Takes bytes from the front; once they are used up every value is 0, so that short inputs count, too.
class Draw {
 public:
  explicit Draw(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  template <class Value>
  Value any() {
    Value value{};
    const std::size_t count = std::min(sizeof value, rest_.size());
    if (count > 0) std::memcpy(&value, rest_.data(), count);
    rest_ = rest_.subspan(count);
    return value;
  }
  std::uint32_t below(std::uint32_t count) { return any<std::uint8_t>() % count; }  // count at most 256
  std::int32_t between(std::int32_t low, std::int32_t high) {
    return low + static_cast<std::int32_t>(below(static_cast<std::uint32_t>(high - low + 1)));
  }
  bool one_in(std::uint32_t count) { return below(count) == count - 1; }
  template <class Value, std::size_t kCount>
  Value one_of(const Value (&values)[kCount]) {
    static_assert(kCount <= 256);
    return values[below(kCount)];
  }

 private:
  std::span<const std::uint8_t> rest_;
};

// For what no input may make false.
inline void must(bool truth) {
  if (!truth) std::abort();
}

inline std::int64_t draw_extent(Draw& draw) {
  static constexpr std::int64_t kUsual[] = {0, 1, 2, 16, 32, 64, 128, 256, 1024, 4096, 70000};
  return draw.one_in(4) ? draw.any<std::int64_t>() : draw.one_of(kUsual);
}

inline void* draw_address(Draw& draw) {
  const std::uint64_t number =
      draw.one_in(3) ? draw.any<std::uint64_t>() : 0x7f0000000000u + (draw.any<std::uint16_t>() << 6);
  void* address = nullptr;
  std::memcpy(&address, &number, sizeof address);
  return address;
}

}  // namespace plumb
