// The one exported symbol: the table of operators that the build found under reference/.
#include <array>

#include "operator_list.h"
#include "optimized/host/call.h"
#include "optimized/host/fault.h"
#include "reference/numeric/tensor.h"

namespace plumb {

// Each operator's select.cpp defines its own.
#define PLUMBLINE_DECLARE(name) const plumb_operator* name##_operator();
PLUMBLINE_FOR_EACH_OPERATOR(PLUMBLINE_DECLARE)
#undef PLUMBLINE_DECLARE

namespace {

using OperatorFn = const plumb_operator* (*)();
#define PLUMBLINE_ROW(name) name##_operator,
constexpr auto kOperators = std::to_array<OperatorFn>({PLUMBLINE_FOR_EACH_OPERATOR(PLUMBLINE_ROW)});
#undef PLUMBLINE_ROW

const plumb_operator* operator_at(std::int32_t index) {
  return index >= 0 && index < static_cast<std::int32_t>(kOperators.size()) ? kOperators[index]() : nullptr;
}

plumb_library make_library() {
  arm_device_faults();
  auto library = versioned<plumb_library>();
  library.name = "plumbline_optimized";
  library.version = PLUMBLINE_VERSION " for " PLUMBLINE_ARCHITECTURES;
  library.operator_count = static_cast<std::int32_t>(kOperators.size());
  library.operator_at = operator_at;
  library.last_error = last_error;
  return library;
}

}  // namespace
}  // namespace plumb

extern "C" [[gnu::visibility("default")]] const plumb_library* plumb_library_v1() {
  static const plumb_library library = plumb::make_library();
  return &library;
}
