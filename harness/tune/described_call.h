// A case as a call on a described device: shapes, strides and alignments without the memory that a large case
// would take, which is all that a library's selection looks at.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "harness/cases/call.h"
#include "harness/cases/case.h"

namespace plumb {

class CallDescriber {
 public:
  // The call with tensors at addresses that nobody may read; it points into this object and is valid until the next
  // one. The suite's row axis may be of any size: every extent and stride is linear in it, so two small
  // problems tell them, and cases that differ in that axis alone share them. Throws HarnessError for a case
  // that cannot be built.
  plumb_call describe(const Case& point, const plumb_device& device);

 private:
  std::map<std::string, std::array<Problem, 2>> small_;  // of size 1 and 2, by the name of the smaller case
  plumb_device device_{};
  std::vector<plumb_tensor> tensors_;
};

}  // namespace plumb
