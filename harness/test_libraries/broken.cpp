// Libraries with one fault in their tables each; BROKEN picks it at compile time, one shared library per fault.
#include "reference/operator.h"

namespace {

enum Fault {
  kNoTable,
  kOtherAbi,
  kOtherSize,
  kNullEntry,
  kNullOperator,
  kOtherOperatorAbi,
  kNullFunction,
  kNoVariants,
  kNullVariant,
  kNamelessVariant
};
constexpr Fault kFault = BROKEN;

const plumb_variant* variant(int32_t index) {
  static constexpr plumb_variant good = {PLUMB_ABI_VERSION, sizeof(plumb_variant), "good", "nothing", "canonical"};
  static constexpr plumb_variant nameless = {PLUMB_ABI_VERSION, sizeof(plumb_variant), nullptr, "nothing", ""};
  if (index == 0) return &good;
  if (index == 1 && kFault == kNamelessVariant) return &nameless;
  return nullptr;
}
plumb_status supports(const plumb_call*, int32_t) { return PLUMB_UNSUPPORTED; }
plumb_status select(const plumb_call*, int32_t*) { return PLUMB_UNSUPPORTED; }
plumb_status workspace_bytes(const plumb_call*, int32_t, size_t*) { return PLUMB_UNSUPPORTED; }
plumb_status launch(const plumb_call*, int32_t, int32_t*) { return PLUMB_UNSUPPORTED; }

const plumb_operator* operator_at(int32_t index) {
  static constexpr plumb_operator op = {kFault == kOtherOperatorAbi ? PLUMB_ABI_VERSION + 1 : PLUMB_ABI_VERSION,
                                        sizeof(plumb_operator),
                                        "rms_norm",
                                        kFault == kNoVariants                                  ? 0
                                        : kFault == kNullVariant || kFault == kNamelessVariant ? 2
                                                                                               : 1,
                                        0,
                                        variant,
                                        supports,
                                        kFault == kNullFunction ? nullptr : select,
                                        workspace_bytes,
                                        launch};
  return index == 0 && kFault != kNullOperator ? &op : nullptr;
}

const char* last_error() { return "nothing works here"; }

}  // namespace

extern "C" __attribute__((visibility("default"))) const plumb_library* plumb_library_v1() {
  static constexpr plumb_library library = {kFault == kOtherAbi ? PLUMB_ABI_VERSION + 1 : PLUMB_ABI_VERSION,
                                            kFault == kOtherSize ? 8 : sizeof(plumb_library),
                                            "broken",
                                            "test",
                                            1,
                                            0,
                                            operator_at,
                                            kFault == kNullEntry ? nullptr : last_error};
  return kFault == kNoTable ? nullptr : &library;
}
