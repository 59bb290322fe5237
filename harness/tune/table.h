// From measurements to a selection table: which differences count, and which sizes share a row. Pure functions.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "harness/tune/grid.h"

namespace plumb {

struct TuneTiming {
  std::string variant;
  double time_us = 0;
  double spread = 1;  // 90th over 10th percentile of the samples
};

struct TunePoint {
  std::string name;  // of the case
  std::string form;
  std::vector<std::int64_t> key;     // a value per axis
  std::vector<TuneTiming> variants;  // all that can serve the case with equal bits, in the library's order
  double limit_us = 0;               // 0: not measured
};

inline constexpr std::int64_t kEndless = std::numeric_limits<std::int64_t>::max();

struct TuneRange {
  std::int64_t first = 0, last = kEndless;  // both belong to it
  bool operator==(const TuneRange&) const = default;
};

struct TuneRow {
  std::string form;
  std::vector<TuneRange> ranges;  // one per axis
  std::string variant;
  bool operator==(const TuneRow&) const = default;
};

// Variants that the measurements at one point cannot tell from the best, in the library's order: those within a
// share of it that is `margin`, or half the sum of both spreads where samples scatter more, but never above twice
// the margin.
std::vector<std::string> equals_of_best(const TunePoint& point, double margin);

// The rows of all forms, in order of mention. Along the axes of kind kRange as many neighbouring sizes share a row
// as have a variant in common that no measurement tells from the best; of several such variants it names the first
// in the library's order. Between two rows the border is the geometric mean of the sizes beside it; the outermost
// rows reach to 0 and without end.
std::vector<TuneRow> rows_of(const std::vector<TuneAxis>& axes, const std::vector<TunePoint>& points,
                             double margin);

// The variant that the rows choose at a point, as the library does: of the rows that contain it the first whose
// variant can serve; where there is none, the first variant that can.
std::string choice_of(const std::vector<TuneRow>& rows, const TunePoint& point);

// What a variant loses at the point against the best one there, as a share of the best; infinite for a variant that
// was not measured.
double regret_of(const TunePoint& point, const std::string& variant);

}  // namespace plumb
