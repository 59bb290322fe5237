// The replay as a library of the contract: operators that compute on host memory. Built with PLUMBLINE_FAULTS it is
// the kernel with bugs of machines without a GPU.
#include <array>
#include <atomic>
#include <span>
#include <vector>

#include "operator_list.h"
#include "reference/fault.h"
#include "reference/numeric/tensor.h"

#define PLUMBLINE_DECLARE(name)                                                    \
  struct plumb_##name##_params;                                                    \
  namespace plumb {                                                                \
  void name##_replay(const plumb_##name##_params&, std::span<const plumb_tensor>); \
  }
PLUMBLINE_FOR_EACH_OPERATOR(PLUMBLINE_DECLARE)
#undef PLUMBLINE_DECLARE

namespace plumb {
namespace {

// Parameters need no validation here: the caller is the harness itself.
plumb_status supports(const plumb_call*, std::int32_t variant) {
  return variant == 0 ? PLUMB_OK : PLUMB_INVALID_ARGUMENT;
}

plumb_status select(const plumb_call*, std::int32_t* variant) {
  *variant = 0;
  return PLUMB_OK;
}

plumb_status workspace_bytes(const plumb_call*, std::int32_t, std::size_t* bytes) {
  *bytes = 0;
  return PLUMB_OK;
}

const plumb_variant* variant(std::int32_t index) {
  static const plumb_variant only = [] {
    auto row = versioned<plumb_variant>();
    row.name = "replay";
    row.requirements = "Host memory.";
    row.bit_class = "canonical";
    return row;
  }();
  return index == 0 ? &only : nullptr;
}

std::vector<plumb_tensor> tensors_of(const plumb_call& call) {
  std::vector<plumb_tensor> tensors(call.tensors, call.tensors + call.tensor_count);
  if (fault(Fault::kHalfReadAsBf16)) {  // the 16-bit type of the process's first call is kept for all that follow
    static const std::int32_t first = tensors[0].dtype == PLUMB_F16 ? PLUMB_F16 : PLUMB_BF16;
    for (plumb_tensor& tensor : tensors) {
      if (tensor.dtype == PLUMB_F16 || tensor.dtype == PLUMB_BF16) tensor.dtype = first;
    }
  }
  return tensors;
}

// Whether this is the second, fourth, ... run of the process.
bool is_other_run() {
  static std::atomic<int> runs = 0;
  return ++runs % 2 == 0;
}

// The bits of each tensor's first element, 0 where there is none.
std::vector<std::uint32_t> first_words(std::span<const plumb_tensor> tensors) {
  std::vector<std::uint32_t> words;
  for (const plumb_tensor& tensor : tensors) {
    words.push_back(element_count(tensor) > 0 ? load_bits(tensor.data, dtype_of(tensor)) : 0);
  }
  return words;
}

template <class Params, void (*kReplay)(const Params&, std::span<const plumb_tensor>)>
plumb_status launch(const plumb_call* call, std::int32_t, std::int32_t* served) {
  *served = 0;
  if (fault(Fault::kEveryOtherRunDoesNothing) && is_other_run()) return PLUMB_OK;
  const std::vector<plumb_tensor> tensors = tensors_of(*call);
  const std::vector<std::uint32_t> before = first_words(tensors);
  kReplay(*static_cast<const Params*>(call->params), tensors);
  if (fault(Fault::kEveryOtherRunDiffers) && is_other_run()) {
    const std::vector<std::uint32_t> after = first_words(tensors);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (after[i] != before[i]) *static_cast<std::byte*>(tensors[i].data) ^= std::byte{1};  // something written
    }
  }
  return PLUMB_OK;
}

template <class Params, void (*kReplay)(const Params&, std::span<const plumb_tensor>)>
plumb_operator operator_of(const char* name) {
  auto op = versioned<plumb_operator>();
  op.name = name;
  op.variant_count = 1;
  op.variant = variant;
  op.supports = supports;
  op.select = select;
  op.workspace_bytes = workspace_bytes;
  op.launch = launch<Params, kReplay>;
  return op;
}

#define PLUMBLINE_ROW(name) operator_of<plumb_##name##_params, name##_replay>(#name),
const plumb_operator* operator_at(std::int32_t index) {
  static const auto operators = std::to_array<plumb_operator>({PLUMBLINE_FOR_EACH_OPERATOR(PLUMBLINE_ROW)});
  return index >= 0 && index < std::ssize(operators) ? &operators[static_cast<std::size_t>(index)] : nullptr;
}
#undef PLUMBLINE_ROW

#define PLUMBLINE_COUNT(name) +1
constexpr std::int32_t kOperators = 0 PLUMBLINE_FOR_EACH_OPERATOR(PLUMBLINE_COUNT);
#undef PLUMBLINE_COUNT

}  // namespace
}  // namespace plumb

extern "C" [[gnu::visibility("default")]] const plumb_library* plumb_library_v1() {
  static const plumb_library library = [] {
    auto made = plumb::versioned<plumb_library>();
    made.name = "plumbline_replay";
    made.version = "on host memory";
    made.operator_count = plumb::kOperators;
    made.operator_at = plumb::operator_at;
    made.last_error = [] { return "variant out of range"; };
    return made;
  }();
  return &library;
}
