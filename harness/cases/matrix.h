// Building an operator's matrix: full products of axis values and seeded samples of larger ones.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/cases/case.h"

namespace plumb {

using AxisValues = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

// The same axes, those named in `replacements` with other values.
AxisValues replaced(AxisValues axes, const AxisValues& replacements);

// The same axes and one more.
AxisValues with(AxisValues axes, const AxisValues::value_type& axis);

// Collects cases in order of first mention; points that `is_valid` refuses and duplicates are dropped.
class Matrix {
 public:
  using Validity = bool (*)(const Case&);
  Matrix(const Schema& schema, std::uint64_t seed, Validity is_valid);

  // Every combination of the values, for each of the schema's types; axes not named stay at their default.
  void cross(const AxisValues& axes);

  // Draws points with every axis picked independently until `count` new ones were found. `stream` separates draws.
  void sample(const AxisValues& axes, std::size_t count, std::uint32_t stream);

  std::vector<Case> take() { return std::move(cases_); }
  std::size_t size() const { return cases_.size(); }

 private:
  bool add(const Case& point);

  const Schema& schema_;
  std::uint64_t seed_;
  Validity is_valid_;
  std::set<std::string> names_;
  std::vector<Case> cases_;
};

}  // namespace plumb
