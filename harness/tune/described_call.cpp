// Calls on described devices.
#include "harness/tune/described_call.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "harness/error.h"
#include "harness/operators/suite.h"

namespace plumb {
namespace {

std::string_view filling_axis(const Schema& schema) {
  for (const std::string_view name : {"rows", "tokens", "T"}) {
    if (schema.index_of(name) >= 0) return name;
  }
  throw HarnessError("operator " + schema.operator_name + " has none of the axes rows, tokens, T");
}

}  // namespace

plumb_device described_device(int sm) {
  struct Row {
    int sm, sm_count, smem_kib, l2_mib;
  };
  constexpr Row rows[] = {{80, 108, 163, 40}, {90, 132, 227, 50}, {100, 148, 227, 126}};
  const Row* row = std::find_if(std::begin(rows), std::end(rows), [sm](const Row& r) { return r.sm == sm; });
  if (row == std::end(rows)) throw HarnessError("sm_" + std::to_string(sm) + ": expected 80, 90 or 100");
  auto device = versioned<plumb_device>();
  device.sm = sm;
  device.sm_count = row->sm_count;
  device.smem_per_block = row->smem_kib * 1024;
  device.l2_bytes = std::int64_t{row->l2_mib} << 20;
  device.has_tensor_map = sm >= 90;
  return device;
}

plumb_call CallDescriber::describe(const Case& point, const plumb_device& device) {
  const std::string_view axis = filling_axis(*point.schema);
  Case one = point, two = point;
  one[axis] = 1, two[axis] = 2;
  const std::string name = name_of(one);
  if (!small_.contains(name)) {
    const OperatorSuite& suite = *find_suite(point.schema->operator_name);
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
  device_.fla_use_tma = first.fla_use_tma ? first.fla_use_tma->c_str() : nullptr;
  auto call = versioned<plumb_call>();
  call.device = &device_;
  call.params = first.params.data();
  call.tensors = tensors_.data();
  call.tensor_count = static_cast<std::int32_t>(tensors_.size());
  return call;
}

}  // namespace plumb
