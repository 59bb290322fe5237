// Fuzzes what a command line may name.
#include <string>

#include "harness/cases/case.h"
#include "harness/cases/points.h"
#include "harness/error.h"
#include "harness/fuzz/draw.h"
#include "harness/fuzz/targets.h"

namespace plumb {
void fuzz_case_name(std::span<const std::uint8_t> bytes) {
  const std::string text(bytes.begin(), bytes.end());
  try {
    const std::string name = name_of(parse_case(text));
    must(name_of(parse_case(name)) == name);
  } catch (const HarnessError&) {
  }
  try {
    select_points(text);
  } catch (const HarnessError&) {
  }
  matches_glob(text, text);
}

}  // namespace plumb
