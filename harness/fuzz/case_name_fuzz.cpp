// Fuzzes what a command line may name.
#include <algorithm>
#include <string>

#include "harness/cases/case.h"
#include "harness/cases/points.h"
#include "harness/check/run_case.h"
#include "harness/error.h"
#include "harness/fuzz/draw.h"
#include "harness/fuzz/targets.h"

namespace plumb {
namespace {

// Every extent so small that building the case takes no time.
bool is_small(const Case& point) {
  return std::all_of(point.values.begin(), point.values.end(), [](std::int64_t value) { return value <= 24; });
}

}  // namespace

void fuzz_case_name(std::span<const std::uint8_t> bytes) {
  const std::string text(bytes.begin(), bytes.end());
  try {
    const Case point = parse_case(text);
    const std::string name = name_of(point);
    must(name_of(parse_case(name)) == name);
    if (is_small(point)) must(check_on_replay(prepare(point, {})).state != "failed");
  } catch (const HarnessError&) {
  }
  try {
    select_points(text);
  } catch (const HarnessError&) {
  }
  matches_glob(text, text);
}

}  // namespace plumb
