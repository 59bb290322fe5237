// Asking a library about calls that differ in what must, or must not, matter.
#include "harness/check/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "harness/cases/block.h"
#include "harness/cases/call.h"

namespace plumb {
namespace {

const char* name_at(const plumb_operator& op, std::int32_t variant) { return op.variant(variant)->name; }

// vec<N>: rows of what is written, and of inputs of the same shape, begin at multiples of N bytes.
void judge_alignment(const plumb_operator& op, const plumb_call& call, const Problem& problem,
                     const Answers& answers, std::vector<std::string>& faults) {
  const auto is_judged = [&](const plumb_tensor& tensor) {
    return std::any_of(problem.outputs.begin(), problem.outputs.end(), [&](int index) {
      const plumb_tensor& output = call.tensors[index];
      return output.rank == tensor.rank && std::equal(output.shape, output.shape + output.rank, tensor.shape);
    });
  };
  for (std::int32_t variant = 0; variant < op.variant_count; ++variant) {
    const int bytes = promised(name_at(op, variant), "vec");
    if (bytes == 0 || !answers.serves(variant)) continue;
    for (std::int32_t i = 0; i < call.tensor_count; ++i) {
      const plumb_tensor& tensor = call.tensors[i];
      if (element_count(tensor) == 0 || !is_judged(tensor)) continue;
      auto misfit = reinterpret_cast<std::uintptr_t>(tensor.data) % static_cast<unsigned>(bytes);
      for (int axis = 0; axis + 1 < tensor.rank; ++axis) {
        if (tensor.shape[axis] <= 1) continue;
        misfit += static_cast<std::uint64_t>(tensor.stride[axis]) * size_of(dtype_of(tensor)) %
                  static_cast<unsigned>(bytes);
      }
      if (misfit == 0) continue;
      faults.push_back(
          fmt::format("{} supports a call whose {} begins, or has rows that begin, at no multiple of {} bytes",
                      name_at(op, variant), problem.tensors[static_cast<std::size_t>(i)].name, bytes));
    }
  }
}

// The same call elsewhere in memory, on another ordinal: nothing that a policy may look at.
void judge_purity(const plumb_operator& op, const plumb_call& call, const Answers& answers,
                  std::vector<std::string>& faults) {
  std::vector<plumb_tensor> moved(call.tensors, call.tensors + call.tensor_count);
  for (plumb_tensor& tensor : moved) {
    if (tensor.data != nullptr) tensor.data = static_cast<std::byte*>(tensor.data) + (std::ptrdiff_t{3} << 20);
  }
  plumb_device device = *call.device;
  ++device.ordinal;
  plumb_call other = call;
  other.tensors = moved.data();
  other.device = &device;
  if (ask(op, other) != answers) {
    faults.push_back("the same call 3 MiB further on in memory and on the next device is answered otherwise");
  }
}

}  // namespace

Answers ask(const plumb_operator& op, const plumb_call& call) {
  Answers answers;
  for (std::int32_t variant = 0; variant < op.variant_count; ++variant) {
    answers.supports.push_back(op.supports(&call, variant));
  }
  answers.select = op.select(&call, &answers.selected);
  if (answers.select != PLUMB_OK) answers.selected = -1;
  return answers;
}

int promised(const char* name, std::string_view word) {
  const std::string_view text = name;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('_', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    const bool counts = part.starts_with(word) && part.size() > word.size() &&
                        std::all_of(part.begin() + static_cast<std::ptrdiff_t>(word.size()), part.end(),
                                    [](unsigned char letter) { return std::isdigit(letter); });
    if (counts) return std::atoi(part.data() + word.size());
    at = end + 1;
  }
  return 0;
}

std::vector<std::string> selection_faults(const OperatorSuite& suite, const Problem& problem,
                                          const plumb_operator& op, const plumb_call& call) {
  std::vector<std::string> faults;
  const Answers answers = ask(op, call);
  if (answers.select == PLUMB_OK && (answers.selected < 0 || answers.selected >= op.variant_count)) {
    return {fmt::format("select returned variant {}, expected 0 to {}", answers.selected, op.variant_count - 1)};
  }
  if (answers.select == PLUMB_OK && !answers.serves(answers.selected)) {
    faults.push_back(fmt::format("select chose {}, which supports() refuses", name_at(op, answers.selected)));
  }
  for (std::int32_t variant = 0; answers.select != PLUMB_OK && variant < op.variant_count; ++variant) {
    if (answers.serves(variant))
      faults.push_back(fmt::format("select refuses what {} supports", name_at(op, variant)));
  }
  judge_alignment(op, call, problem, answers, faults);
  judge_purity(op, call, answers, faults);
  if (suite.policy_faults) suite.policy_faults(op, call, faults);
  return faults;
}

std::vector<std::string> selection_faults_on_described_devices(const OperatorSuite& suite, const Problem& problem,
                                                               const plumb_operator& op) {
  struct Row {
    const char* name;
    int sm;
    bool has_tensor_map;
  };
  constexpr Row rows[] = {{"an A100", 80, false},
                          {"an H200", 90, true},
                          {"an H200 without tensor maps", 90, false},
                          {"a B200", 100, true}};
  const BlockLayout layout = layout_of(problem);
  auto* const nowhere = reinterpret_cast<const std::byte*>(std::uintptr_t{1} << 44);
  const std::vector<plumb_tensor> tensors = views_in(problem, layout, nowhere);
  std::vector<std::string> faults;
  for (const Row& row : rows) {
    plumb_device device = described_device(row.sm);
    device.has_tensor_map = row.has_tensor_map;
    describe_for(device, problem);
    const plumb_call call = call_of(device, problem.params.data(), tensors);
    for (const std::string& fault : selection_faults(suite, problem, op, call)) {
      faults.push_back(fmt::format("on {}: {}", row.name, fault));
    }
  }
  return faults;
}

}  // namespace plumb
