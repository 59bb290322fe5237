// Calls on described devices.
#include "harness/tune/described_call.h"

#include <string>

#include "harness/operators/suite.h"

namespace plumb {

plumb_call CallDescriber::describe(const Case& point, const plumb_device& device) {
  const OperatorSuite& suite = *find_suite(point.schema->operator_name);
  const char* axis = suite.row_axis;
  Case one = point, two = point;
  one[axis] = 1, two[axis] = 2;
  const std::string name = name_of(one);
  if (!small_.contains(name)) {
    small_[name] = {suite.build(one), suite.build(two)};
  }
  const auto& [first, second] = small_.at(name);
  const std::int64_t steps = point[axis] - 1;
  const auto grown = [steps](std::int64_t from, std::int64_t to) { return from + (to - from) * steps; };
  tensors_.clear();
  for (std::size_t i = 0; i < first.tensors.size(); ++i) {
    const HostTensor& tensor = first.tensors[i];
    plumb_tensor view = tensor.view;
    if (is_present(view)) {
      for (int d = 0; d < view.rank; ++d) {
        view.shape[d] = grown(view.shape[d], second.tensors[i].view.shape[d]);
        view.stride[d] = grown(view.stride[d], second.tensors[i].view.stride[d]);
      }
      // A region of 2^44 bytes for each tensor that is not another one's alias.
      const std::size_t owner = tensor.alias_of >= 0 ? static_cast<std::size_t>(tensor.alias_of) : i;
      const std::size_t offset = first.tensors[owner].data_offset() % kBandBytes;
      view.data = reinterpret_cast<void*>((owner + 1) << 44 | offset);
    }
    tensors_.push_back(view);
  }
  device_ = device;
  describe_for(device_, first);
  return call_of(device_, first.params.data(), tensors_);
}

}  // namespace plumb
