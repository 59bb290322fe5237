// Fuzzes what a command line may name: cases, points, globs; and small cases as far as their inputs and references.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "harness/cases/case.h"
#include "harness/cases/points.h"
#include "harness/check/run_case.h"
#include "harness/error.h"

namespace {

// Every extent so small that building the case takes no time.
bool is_small(const plumb::Case& point) {
  return std::all_of(point.values.begin(), point.values.end(), [](std::int64_t value) { return value <= 24; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const plumb::Case point = plumb::parse_case(text);
    const std::string name = plumb::name_of(point);
    if (plumb::name_of(plumb::parse_case(name)) != name) std::abort();
    if (is_small(point)) plumb::check_on_replay(plumb::prepare(point, {}));
  } catch (const plumb::HarnessError&) {
  }
  try {
    plumb::select_points(text);
  } catch (const plumb::HarnessError&) {
  }
  plumb::matches_glob(text, text);
  return 0;
}
