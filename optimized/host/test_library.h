// For tests: the built library opened as any caller opens it, described devices, and addresses nobody reads.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "reference/numeric/tensor.h"

namespace plumb {

// The library of PLUMBLINE_LIBRARY; opened once and never closed.
inline const plumb_library& opened_library() {
  static const plumb_library* const library = [] {
    void* handle = dlopen(PLUMBLINE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(handle, nullptr) << dlerror();
    const auto entry = reinterpret_cast<plumb_library_fn>(dlsym(handle, PLUMB_LIBRARY_SYMBOL));
    EXPECT_NE(entry, nullptr) << dlerror();
    return entry();
  }();
  return *library;
}

inline const plumb_operator& opened_operator(std::string_view name) {
  const auto& library = opened_library();
  for (int i = 0; i < library.operator_count; ++i) {
    if (library.operator_at(i)->name == name) return *library.operator_at(i);
  }
  ADD_FAILURE() << "no operator " << name;
  std::abort();
}

inline std::string variant_name(const plumb_operator& op, std::int32_t variant) {
  const auto* found = op.variant(variant);
  return found != nullptr ? found->name : "(none)";
}

inline std::int32_t variant_named(const plumb_operator& op, std::string_view name) {
  for (std::int32_t i = 0; i < op.variant_count; ++i) {
    if (op.variant(i)->name == name) return i;
  }
  ADD_FAILURE() << op.name << " has no variant " << name;
  return -1;
}

// A100, H100/H200 and B200 as their data sheets have them: sm is 80, 90 or 100.
inline plumb_device described_device(int sm) {
  struct Row {
    int sm, sm_count, smem_kib, l2_mib;
  };
  constexpr Row rows[] = {{80, 108, 163, 40}, {90, 132, 227, 50}, {100, 148, 227, 126}};
  auto device = versioned<plumb_device>();
  for (const auto& row : rows) {
    if (row.sm != sm) continue;
    device.sm = sm;
    device.sm_count = row.sm_count;
    device.smem_per_block = row.smem_kib * 1024;
    device.l2_bytes = std::int64_t{row.l2_mib} << 20;
    device.has_tensor_map = sm >= 90;
  }
  return device;
}

// An address that is never read: region `number` of 2^44 bytes, `offset` bytes past a multiple of 256.
inline void* made_up_address(int number, std::uintptr_t offset = 0) {
  return reinterpret_cast<void*>((static_cast<std::uintptr_t>(number) + 1) << 44 | offset);
}

// A call that owns what it points at; tests change its parts and then ask. `Params` is the operator's struct.
template <class Params>
struct DescribedCall {
  plumb_device device = described_device(90);
  Params params = versioned<Params>();
  std::vector<plumb_tensor> tensors;

  plumb_call call() const {
    auto made = versioned<plumb_call>();
    made.device = &device;
    made.params = &params;
    made.tensors = tensors.data();
    made.tensor_count = static_cast<std::int32_t>(tensors.size());
    return made;
  }
};

// Asks the selector, and holds it to its word: what it selects must say that it supports the call.
// "invalid" or "unsupported" where it selects nothing.
inline std::string selected(const plumb_operator& op, const plumb_call& call) {
  std::int32_t variant = -1;
  const auto status = op.select(&call, &variant);
  if (status == PLUMB_INVALID_ARGUMENT) return "invalid";
  if (status == PLUMB_UNSUPPORTED) return "unsupported";
  EXPECT_EQ(status, PLUMB_OK) << opened_library().last_error();
  EXPECT_EQ(op.supports(&call, variant), PLUMB_OK)
      << variant_name(op, variant) << ": " << opened_library().last_error();
  return variant_name(op, variant);
}

// Older than every measured table: there the order of an operator's variants decides alone.
inline constexpr int kPlainSm = 80;

// As selected(), but `plain`, the choice of that order, wherever a table may have chosen another variant that
// serves.
inline std::string choice(const plumb_operator& op, const plumb_call& call, const std::string& plain) {
  const std::string chosen = selected(op, call);
  const bool by_table = call.device->sm > kPlainSm && plain != "unsupported";
  return by_table && chosen != "unsupported" && chosen != "invalid" ? plain : chosen;
}

// The call is wrong for every variant, every entry point says so, and the sentence has `words` in it.
inline void expect_invalid(const plumb_operator& op, const plumb_call& call, std::string_view words) {
  const auto sentence = [] { return std::string_view(opened_library().last_error()); };
  std::int32_t variant = -1, served = -2;
  EXPECT_EQ(op.select(&call, &variant), PLUMB_INVALID_ARGUMENT) << words;
  EXPECT_NE(sentence().find(words), std::string_view::npos) << sentence() << "\nshould have: " << words;
  std::size_t bytes = 0;
  for (std::int32_t i = 0; i < op.variant_count; ++i) {
    EXPECT_EQ(op.supports(&call, i), PLUMB_INVALID_ARGUMENT) << op.variant(i)->name << ": " << words;
    EXPECT_EQ(op.workspace_bytes(&call, i, &bytes), PLUMB_INVALID_ARGUMENT) << op.variant(i)->name;
    EXPECT_EQ(op.launch(&call, i, &served), PLUMB_INVALID_ARGUMENT) << op.variant(i)->name;
  }
}

// The call is right, this variant cannot serve it, and the reason has `words` in it.
inline void expect_unsupported(const plumb_operator& op, const plumb_call& call, std::string_view variant,
                               std::string_view words) {
  EXPECT_EQ(op.supports(&call, variant_named(op, variant)), PLUMB_UNSUPPORTED) << variant;
  const std::string_view sentence = opened_library().last_error();
  EXPECT_NE(sentence.find(words), std::string_view::npos)
      << variant << ": " << sentence << "\nshould have: " << words;
}

}  // namespace plumb
