// A case as a call on a described device: shapes, strides and alignments without the memory that a large case
// would take, which is all that a library's selection looks at.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "harness/cases/case.h"
#include "harness/cases/problem.h"

namespace plumb {

// A100, H100 or H200, and B200, as their data sheets have them: sm is 80, 90 or 100.
plumb_device described_device(int sm);

class CallDescriber {
 public:
  // The call with tensors at addresses that nobody may read; it points into this object and is valid until the next
  // one. The axis rows, tokens or T may be of any size: every extent and stride is linear in it, so two small
  // problems tell them, and cases that differ in that axis alone share them. Throws HarnessError for an operator
  // without such an axis and for a case that cannot be built.
  plumb_call describe(const Case& point, const plumb_device& device);

 private:
  std::map<std::string, std::array<Problem, 2>> small_;  // of size 1 and 2, by the name of the smaller case
  plumb_device device_{};
  std::vector<plumb_tensor> tensors_;
};

}  // namespace plumb
