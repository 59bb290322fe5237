// A case: one point of an operator's matrix, a value with a readable name that round-trips.
//
//   qk_norm_rope/bf16/tokens=17,hq=32,hk=8,hv=8,D=128,rotary=64/offset.qkv=2,style=interleaved/seed=7
//
// operator / type / every shape axis / the other axes that are not at their default / seed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reference/operator.h"

namespace plumb {

// One axis: an integer, or a choice among words (the value is then an index).
struct Axis {
  std::string name;
  std::int64_t fallback = 0;
  std::vector<std::string> words = {};
  bool is_shape = false;  // always part of the name
};

struct Schema {
  std::string operator_name;
  std::vector<plumb_dtype> dtypes;
  std::vector<Axis> axes;

  int index_of(std::string_view axis) const;  // -1 when there is none
};

struct Case {
  const Schema* schema = nullptr;
  plumb_dtype dtype = PLUMB_F32;
  std::vector<std::int64_t> values;  // one per axis of the schema
  std::uint64_t seed = 0;

  explicit Case(const Schema& of_schema, plumb_dtype of_dtype = PLUMB_F32, std::uint64_t of_seed = 0);

  // The axis must exist: a misspelt name is a bug and throws std::logic_error.
  std::int64_t operator[](std::string_view axis) const;
  std::int64_t& operator[](std::string_view axis);
  std::string text(std::string_view axis) const;  // the word, or the number in decimal
};

std::string name_of(const Case& point);

// Parses what name_of wrote; axes may stand in any order and may be left out. Throws HarnessError naming what is
// wrong.
Case parse_case(std::string_view name);

}  // namespace plumb
