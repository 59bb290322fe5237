// Allocation of guarded tensors and copies of whole problems.
#include "harness/cases/problem.h"

#include <fmt/format.h>

#include <utility>

#include "harness/compare/elements.h"
#include "harness/error.h"

namespace plumb {
namespace {

void fill_words(std::byte* first, std::size_t bytes, std::uint16_t word) {
  for (std::size_t i = 0; i + 1 < bytes; i += 2) std::memcpy(first + i, &word, 2);
}

// Refuses what no machine of this kind should try, before the allocator does it less politely.
constexpr std::int64_t kLargestTensor = std::int64_t{24} << 30;  // bytes

}  // namespace

// 0xffc0 and up: NaN as bf16, fp16 and (twice) fp32; negative as i32 and i64.
std::uint16_t canary_word(int index) { return static_cast<std::uint16_t>(0xffc0 + index); }
std::uint16_t poison_word(int index) { return static_cast<std::uint16_t>(0xffe0 + index); }

HostTensor allocate(std::string name, int index, Role role, plumb_dtype dtype,
                    std::initializer_list<std::int64_t> shape, std::initializer_list<std::int64_t> stride,
                    std::int64_t byte_offset) {
  HostTensor tensor;
  tensor.name = std::move(name);
  tensor.role = role;
  const auto element = static_cast<std::int64_t>(size_of(dtype));
  const auto too_large = [&] {
    return HarnessError(fmt::format("tensor {} would take more than {} GiB", tensor.name, kLargestTensor >> 30));
  };
  double elements = 1;  // in floating point: a product of such extents need not fit an integer
  for (const std::int64_t extent : shape) elements *= static_cast<double>(extent);
  if (elements > static_cast<double>(kLargestTensor / element)) throw too_large();
  tensor.view = make_tensor(nullptr, dtype, shape, stride);
  if (byte_offset < 0 || byte_offset % element != 0) {
    throw HarnessError(fmt::format("offset.{} is {}, expected a multiple of the element's {} bytes", tensor.name,
                                   byte_offset, element));
  }
  // One row of guarded memory even for an empty tensor, so that a no-op is seen to be one.
  std::int64_t span = 1;
  for (int axis = 0; axis < tensor.view.rank; ++axis) {
    const std::int64_t extent = tensor.view.shape[axis], step = tensor.view.stride[axis];
    if (step < 0)
      throw HarnessError(fmt::format("tensor {}: stride {} is {}, expected at least 0", tensor.name, axis, step));
    if (extent > 1 && step > kLargestTensor / (extent - 1))
      span = kLargestTensor;
    else if (extent > 1)
      span += (extent - 1) * step;
    if (span > kLargestTensor / element) throw too_large();
  }
  const auto data_offset = kBandBytes + static_cast<std::size_t>(byte_offset);
  const auto payload = static_cast<std::size_t>((span * element + 15) / 16 * 16);
  tensor.storage.resize(data_offset + payload + kBandBytes);
  fill_words(tensor.storage.data(), tensor.storage.size(), canary_word(index));
  tensor.view.data = tensor.storage.data() + data_offset;
  if (role == Role::kOutput) {
    for_each_run(tensor.view, [&](std::int64_t offset, std::int64_t length) {
      fill_words(tensor.storage.data() + data_offset + offset * element, static_cast<std::size_t>(length * element),
                 poison_word(index));
    });
  }
  return tensor;
}

Problem clone(const Problem& problem) {
  Problem copy;
  copy.outputs = problem.outputs;
  copy.params = problem.params;
  copy.launch = problem.launch;
  copy.fla_use_tma = problem.fla_use_tma;
  copy.sm_count = problem.sm_count;
  for (const HostTensor& from : problem.tensors) {
    HostTensor to;
    to.name = from.name;
    to.role = from.role;
    to.view = from.view;
    to.alias_of = from.alias_of;
    to.is_constant = from.is_constant;
    to.storage = from.storage;
    if (is_present(from.view) && from.alias_of < 0) to.view.data = to.storage.data() + from.data_offset();
    copy.tensors.push_back(std::move(to));
  }
  for (HostTensor& tensor : copy.tensors) {
    if (tensor.alias_of >= 0) tensor.view.data = copy.tensors[static_cast<std::size_t>(tensor.alias_of)].view.data;
  }
  return copy;
}

}  // namespace plumb
