// Calls on described devices.
#include "harness/tune/described_call.h"

#include <algorithm>
#include <string>

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

Problem built(const Case& point, std::string_view axis, std::int64_t size) {
  Case small = point;
  small[axis] = size;
  return find_suite(point.schema->operator_name)->build(small);
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

DescribedCall::DescribedCall(const Case& point, const plumb_device& device) : device_(device) {
  const std::string_view axis = filling_axis(*point.schema);
  small_ = built(point, axis, 1);
  const Problem next = built(point, axis, 2);
  const std::int64_t steps = point[axis] - 1;
  const auto grow = [steps](std::int64_t one, std::int64_t two) { return one + (two - one) * steps; };
  for (std::size_t i = 0; i < small_.tensors.size(); ++i) {
    const HostTensor& tensor = small_.tensors[i];
    plumb_tensor view = tensor.view;
    if (is_present(view)) {
      for (int d = 0; d < view.rank; ++d) {
        view.shape[d] = grow(view.shape[d], next.tensors[i].view.shape[d]);
        view.stride[d] = grow(view.stride[d], next.tensors[i].view.stride[d]);
      }
      // A region of 2^44 bytes for each tensor that is not another one's alias.
      const std::size_t owner = tensor.alias_of >= 0 ? static_cast<std::size_t>(tensor.alias_of) : i;
      const std::size_t offset = small_.tensors[owner].data_offset() % kBandBytes;
      view.data = reinterpret_cast<void*>((owner + 1) << 44 | offset);
    }
    tensors_.push_back(view);
  }
  device_.fla_use_tma = small_.fla_use_tma ? small_.fla_use_tma->c_str() : nullptr;
}

plumb_call DescribedCall::call() const {
  auto call = versioned<plumb_call>();
  call.device = &device_;
  call.params = small_.params.data();
  call.tensors = tensors_.data();
  call.tensor_count = static_cast<std::int32_t>(tensors_.size());
  return call;
}

}  // namespace plumb
