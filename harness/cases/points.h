// Which cases `plumbline bench` measures: named groups, globs, or one case.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/cases/case.h"

namespace plumb {

// The published points of every operator.
std::vector<Case> headline_points();

// What misalignment costs: one shape per operator, each of its large tensors alone moved off a 16-byte boundary.
std::vector<Case> alignment_points();

// What TMA changes: its switch, the caller's environment, precision, chunk size and types, of one size of
// solve_tril. Combinations that no variant serves yet are cases too.
std::vector<Case> tma_points();

struct PointSelection {
  std::vector<Case> cases;
  std::string glob;  // not empty: of these cases, only benchmarks whose name matches it
};

// `spec` is headline, alignment, tma, an operator's name (its headline points), one whole name of a case or
// benchmark, or a glob over the names of the benchmarks of all these groups. Throws HarnessError for a case that
// cannot be parsed.
PointSelection select_points(std::string_view spec);

// '*' stands for any text, '?' for any one character, everything else for itself; the whole text must match.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace plumb
