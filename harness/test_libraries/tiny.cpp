// A whole and valid library of two operators that compute nothing: tests run its table against a made-up device.
#include "harness/test_libraries/tiny.h"

#include "reference/operator.h"

#define EXPORTED __attribute__((visibility("default")))

extern "C" {
EXPORTED TinyScript tiny_script = {PLUMB_OK, TINY_ONE, 0};
}

namespace {

const plumb_variant* variant(int32_t index) {
  static constexpr plumb_variant variants[TINY_VARIANT_COUNT] = {
      {PLUMB_ABI_VERSION, sizeof(plumb_variant), "one", "nothing", "canonical"},
      {PLUMB_ABI_VERSION, sizeof(plumb_variant), "two", "nothing", "canonical"},
      {PLUMB_ABI_VERSION, sizeof(plumb_variant), "tensor", "nothing", "tensor_core"},
      {PLUMB_ABI_VERSION, sizeof(plumb_variant), "other", "nothing", "tensor_core"},
      {PLUMB_ABI_VERSION, sizeof(plumb_variant), "loose", "nothing", ""},
  };
  return index >= 0 && index < TINY_VARIANT_COUNT ? &variants[index] : nullptr;
}

plumb_status supports(const plumb_call*, int32_t index) {
  return tiny_script.refused >> index & 1u ? PLUMB_UNSUPPORTED : PLUMB_OK;
}

plumb_status select(const plumb_call*, int32_t* selected) {
  *selected = tiny_script.selected;
  return static_cast<plumb_status>(tiny_script.select_status);
}

plumb_status workspace_bytes(const plumb_call*, int32_t, size_t* bytes) {
  *bytes = 0;
  return PLUMB_OK;
}

plumb_status launch(const plumb_call*, int32_t, int32_t*) { return PLUMB_DEVICE_ERROR; }

const plumb_operator* operator_at(int32_t index) {
  static constexpr plumb_operator operators[] = {
      {PLUMB_ABI_VERSION, sizeof(plumb_operator), "rms_norm", TINY_VARIANT_COUNT, 0, variant, supports, select,
       workspace_bytes, launch},
      {PLUMB_ABI_VERSION, sizeof(plumb_operator), "rope", TINY_VARIANT_COUNT, 0, variant, supports, select,
       workspace_bytes, launch},
  };
  return index >= 0 && index < 2 ? &operators[index] : nullptr;
}

const char* last_error() { return "the script refuses"; }

}  // namespace

extern "C" EXPORTED const plumb_library* plumb_library_v1() {
  static constexpr plumb_library library = {
      PLUMB_ABI_VERSION, sizeof(plumb_library), "tiny", "test", 2, 0, operator_at, last_error};
  return &library;
}
