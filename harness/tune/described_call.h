// A case as a call on a described device: shapes, strides and alignments without the memory that a large case
// would take, which is all that a library's selection looks at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/cases/case.h"
#include "harness/cases/problem.h"

namespace plumb {

// A100, H100 or H200, and B200, as their data sheets have them: sm is 80, 90 or 100.
plumb_device described_device(int sm);

// Tensors of the case with addresses that nobody may read. The axis
// rows, tokens or T may be of any size: every extent and stride is linear in it, so two small problems tell them.
// Throws HarnessError for an operator without such an axis, and for a case that cannot be built.
class DescribedCall {
 public:
  DescribedCall(const Case& point, const plumb_device& device);
  DescribedCall(const DescribedCall&) = delete;  // device_ points into small_
  DescribedCall& operator=(const DescribedCall&) = delete;

  plumb_call call() const;  // points into this object
  const std::vector<plumb_tensor>& tensors() const { return tensors_; }

 private:
  plumb_device device_;
  Problem small_;
  std::vector<plumb_tensor> tensors_;
};

}  // namespace plumb
