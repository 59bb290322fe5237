// An operator of the contract made from a table of variants: everything that is the same for each of them.
#pragma once

#include <span>
#include <vector>

#include "optimized/host/call.h"
#include "optimized/host/fault.h"
#include "optimized/host/tuned.h"
#include "reference/numeric/tensor.h"

namespace plumb {

// `Op` says what differs:
//   Row                                    a row of the table, with .name, .requirements and
//                                          .launch(const plumb_call&) -> plumb_status, and .bit_class where it
//                                          is not "canonical" for all
//   static constexpr const char* kName
//   static std::span<const Row> rows()     in order of preference: select takes the first row that serves, after
//                                          those that a measured table names (host/tuned.h), where Op has tables()
//   static bool valid(const plumb_call*)   whether the call is right, for whatever variant; else with a sentence
//   static bool empty(const plumb_call&)   whether there is nothing to do
//   static plumb_status serves(const plumb_call&, const Row&)   PLUMB_OK, or PLUMB_UNSUPPORTED with the reason
template <class Op>
class OperatorOf {
 public:
  static const plumb_operator* get() {
    static const plumb_operator made = [] {
      auto op = versioned<plumb_operator>();
      op.name = Op::kName;
      op.variant_count = count();
      op.variant = variant;
      op.supports = supports;
      op.select = select;
      op.workspace_bytes = workspace_bytes;
      op.launch = launch;
      return op;
    }();
    return &made;
  }

 private:
  static std::int32_t count() { return static_cast<std::int32_t>(Op::rows().size()); }

  static const plumb_variant* variant(std::int32_t index) {
    static const std::vector<plumb_variant> described = [] {
      std::vector<plumb_variant> list;
      for (const auto& row : Op::rows()) {
        auto one = versioned<plumb_variant>();
        one.name = row.name;
        one.requirements = row.requirements;
        one.bit_class = "canonical";
        if constexpr (requires { row.bit_class; }) one.bit_class = row.bit_class;
        list.push_back(one);
      }
      return list;
    }();
    return index >= 0 && index < count() ? &described[static_cast<std::size_t>(index)] : nullptr;
  }

  static plumb_status supports(const plumb_call* call, std::int32_t index) {
    if (!Op::valid(call)) return PLUMB_INVALID_ARGUMENT;
    if (!check_range("variant", index, 0, count() - 1)) return PLUMB_INVALID_ARGUMENT;
    return Op::serves(*call, Op::rows()[static_cast<std::size_t>(index)]);
  }

  static plumb_status select(const plumb_call* call, std::int32_t* selected) {
    if (!Op::valid(call)) return PLUMB_INVALID_ARGUMENT;
    const auto serves = [call](std::int32_t index) {
      return Op::serves(*call, Op::rows()[static_cast<std::size_t>(index)]) == PLUMB_OK;
    };
    if constexpr (requires { Op::tables(); }) {
      *selected = tuned_choice<Op>(*call, serves);
      if (*selected >= 0) return PLUMB_OK;
    }
    for (std::int32_t index = 0; index < count(); ++index) {
      if (!serves(index)) continue;
      *selected = index;
      return PLUMB_OK;
    }
    return PLUMB_UNSUPPORTED;  // the last row's reason stands
  }

  // No variant of these operators needs a workspace.
  static plumb_status workspace_bytes(const plumb_call* call, std::int32_t index, std::size_t* bytes) {
    *bytes = 0;
    return supports(call, index);
  }

  static plumb_status launch(const plumb_call* call, std::int32_t index, std::int32_t* served) {
    *served = -1;
    const auto status = supports(call, index);
    if (status != PLUMB_OK || Op::empty(*call)) return status;
    if (fault(Fault::kEveryOtherRunDoesNothing) && is_other_run()) return *served = index, PLUMB_OK;
    const auto launched = Op::rows()[static_cast<std::size_t>(index)].launch(*call);
    if (launched == PLUMB_OK) *served = index;
    return launched;
  }
};

}  // namespace plumb
