// What `plumbline tune` measures: for each operator the axes of its table and the cases along them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cases/case.h"

namespace plumb {

enum class AxisKind {
  kExact,  // a kind of call: what was measured for one value says nothing of another
  kRange   // a size: values between two measured ones are served as the nearer of them, by ratio
};

struct TuneAxis {
  std::string name;
  AxisKind kind = AxisKind::kRange;
  bool operator==(const TuneAxis&) const = default;
};

// Cases that the same variants can serve, such as those of aligned tensors. The rows of a form follow those of the
// forms before it, so a form speaks where no variant that they chose can serve.
struct TuneForm {
  std::string name;
  std::vector<Case> cases;
};

struct TuneGrid {
  std::string operator_name;
  std::vector<TuneAxis> axes;                     // the last is the size that fills a device
  std::vector<std::int64_t> (*key)(const Case&);  // a value per axis, as optimized/<op>/select.cpp computes it
  std::vector<TuneForm> forms;
};

const std::vector<TuneGrid>& tune_grids();
const TuneGrid* find_tune_grid(std::string_view operator_name);  // nullptr when the operator has none

}  // namespace plumb
