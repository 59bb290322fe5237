// Measured choices: which variant serves which sizes best. `plumbline tune` writes the tables (<op>/tuned/sm<N>.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace plumb {

inline constexpr std::int64_t kAnySize = std::numeric_limits<std::int64_t>::max();

struct TunedRange {
  std::int64_t first = 0, last = kAnySize;  // both belong to it
};

// What a call is looked up by: an operator names its axes where it computes this; unused ones are 0. The last axis
// that is used is the size that fills a device.
inline constexpr std::size_t kTunedAxes = 5;
using TunedKey = std::array<std::int64_t, kTunedAxes>;

// Calls whose every key lies in its range are best served by this variant, where it can serve. Of two rows that
// contain a call the upper one is tried first.
struct TunedRow {
  std::array<TunedRange, kTunedAxes> ranges;
  std::string_view variant;
};

struct TunedTable {
  int sm;        // of the device that was measured
  int sm_count;  // its multiprocessors: sizes of other devices are scaled to so many
  std::span<const TunedRow> rows;
};

// The table for a device: that of the newest architecture which is not newer than the device's own, as each has all
// that its predecessors have. nullptr where every table is of a newer one: there, the order of variants decides.
constexpr const TunedTable* table_for(std::span<const TunedTable> tables, int sm) {
  const TunedTable* found = nullptr;
  for (const TunedTable& table : tables) {
    if (table.sm <= sm && (found == nullptr || table.sm > found->sm)) found = &table;
  }
  return found;
}

constexpr bool contains(const TunedRow& row, const TunedKey& key) {
  for (std::size_t axis = 0; axis < kTunedAxes; ++axis) {
    if (key[axis] < row.ranges[axis].first || key[axis] > row.ranges[axis].last) return false;
  }
  return true;
}

// As large for `measured` multiprocessors as `size` is for `own`, rounded up.
constexpr std::int64_t scaled_size(std::int64_t size, int own, int measured) {
  if (own == measured || own < 1) return size;
  const auto scaled = (static_cast<__int128>(size) * measured + own - 1) / own;
  return scaled > kAnySize ? kAnySize : static_cast<std::int64_t>(scaled);
}

// The first variant that the device's table names for this call and `serves` (a predicate of an index into
// Op::rows()) lets pass; -1 where there is none. `Op` has, beside what operator_table.h asks for,
//   static std::span<const TunedTable> tables()
//   static TunedKey tuned_key(const plumb_call&)
//   static constexpr std::size_t kSizeAxis      of the key, the one to be scaled
template <class Op, class Call, class Serves>
std::int32_t tuned_choice(const Call& call, const Serves& serves) {
  const TunedTable* table = table_for(Op::tables(), call.device->sm);
  if (table == nullptr) return -1;
  TunedKey key = Op::tuned_key(call);
  key[Op::kSizeAxis] = scaled_size(key[Op::kSizeAxis], call.device->sm_count, table->sm_count);
  const auto variants = Op::rows();
  for (const TunedRow& row : table->rows) {
    if (!contains(row, key)) continue;
    for (std::size_t index = 0; index < variants.size(); ++index) {
      if (row.variant == variants[index].name && serves(static_cast<std::int32_t>(index))) {
        return static_cast<std::int32_t>(index);
      }
    }
  }
  return -1;
}

}  // namespace plumb
