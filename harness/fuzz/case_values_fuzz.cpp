// Fuzzes the step from a case's axes to its inputs and references.
#include <algorithm>

#include "harness/check/run_case.h"
#include "harness/error.h"
#include "harness/fuzz/draw.h"
#include "harness/fuzz/targets.h"
#include "harness/operators/rotary_inputs.h"
#include "harness/operators/suite.h"

namespace plumb {
namespace {

// So small that building the case takes no time (positions far into a cache of 2^24 rows do not); the multiples of
// 16 are those that a fast path may ask for.
std::int64_t draw_value(const Axis& axis, Draw& draw) {
  static constexpr std::int64_t kAligned[] = {16, 32, 64, 128};
  if (axis.name == "positions") return draw.below(static_cast<std::uint32_t>(Positions::kFar));
  if (!axis.words.empty()) return draw.below(static_cast<std::uint32_t>(axis.words.size()));
  return draw.one_in(4) ? draw.one_of(kAligned) : draw.below(25);
}

}  // namespace

void fuzz_case_values(std::span<const std::uint8_t> bytes) {
  Draw draw(bytes);
  const auto suites = all_suites();
  const Schema& schema = suites[draw.below(static_cast<std::uint32_t>(suites.size()))]->schema();
  Case point(schema, schema.dtypes[draw.below(static_cast<std::uint32_t>(schema.dtypes.size()))], draw.below(8));
  // One axis after the other away from its default: a short input is a plain case.
  for (std::uint32_t change = draw.below(16); change > 0; --change) {
    const auto axis = draw.below(static_cast<std::uint32_t>(schema.axes.size()));
    point.values[axis] = draw_value(schema.axes[axis], draw);
  }
  std::int64_t size = 1;  // grows with the work; each factor is at most 128
  for (std::size_t i = 0; i < schema.axes.size(); ++i) {
    if (schema.axes[i].is_shape) size *= std::max<std::int64_t>(point.values[i], 1);
  }
  if (size > 1 << 16) return;  // takes time, and shows nothing that a smaller one does not
  try {
    must(check_on_replay(prepare(point, {})).state != "failed");
  } catch (const HarnessError&) {
  }
}

}  // namespace plumb
