// What every operator does with a call before any kernel is chosen: the caller's sentence, validation, alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "reference/operator.h"

namespace plumb {

// Records a sentence for last_error() of this thread and returns `status`.
[[gnu::format(printf, 2, 3)]] plumb_status fail(plumb_status status, const char* format, ...);

// The sentence of this thread's last failure; "" before any.
const char* last_error();

// Validation. Each check returns false after recording what is wrong: the argument, its value, what was expected.
// So an operator's rules read `check_call(...) && check_tensor(...) && ...`, and the first broken rule is told.

// A set of dtypes, one bit each.
constexpr std::uint32_t dtype_set(std::initializer_list<plumb_dtype> dtypes) {
  std::uint32_t set = 0;
  for (const auto dtype : dtypes) set |= 1u << dtype;
  return set;
}
inline constexpr std::uint32_t kModelDtypes = dtype_set({PLUMB_F32, PLUMB_BF16, PLUMB_F16});
inline constexpr std::uint32_t kIntegerDtypes = dtype_set({PLUMB_I32, PLUMB_I64});

struct TensorRule {
  const char* name;
  int rank;
  std::uint32_t dtypes = kModelDtypes;
  bool optional = false;
  bool unit_stride = false;  // of the last axis
  bool written = false;      // then no element may lie on another
};

// Versions, sizes and pointers of the call, its device, its parameters and its tensors' descriptions.
// Every params struct of the contract begins with abi_version and struct_size.
bool check_call(const plumb_call* call, std::size_t params_size, int tensor_count);

// Rank, dtype, extents >= 0, strides, NULL data with elements, an extent in bytes that 64 bits cannot hold.
// An absent tensor passes where the rule says optional.
bool check_tensor(const plumb_tensor& tensor, const TensorRule& rule);

bool check_extent(const plumb_tensor& tensor, const char* name, int axis, std::int64_t expected, const char* why);
// Of an axis with more than one element; any other's stride means nothing.
bool check_stride(const plumb_tensor& tensor, const char* name, int axis, std::int64_t expected, const char* why);
bool check_dtype(const plumb_tensor& tensor, const char* name, std::uint32_t dtypes, const char* why);
bool check_range(const char* name, std::int64_t value, std::int64_t low, std::int64_t high);
bool check_even(const char* name, std::int64_t value);
bool check_not_negative(const char* name, float value);  // finite, too

// False where elements of `a` and `b` may share bytes. Tensors whose rows interleave (q and k in one packed qkv)
// are told apart as long as their outer strides agree.
bool check_disjoint(const plumb_tensor& a, const char* a_name, const plumb_tensor& b, const char* b_name);

// The largest power of two, at most 16, that divides every value: an address, a stride in bytes.
constexpr int common_alignment(std::initializer_list<std::uint64_t> values) {
  std::uint64_t bits = 16;
  for (const auto value : values) bits |= value;
  return static_cast<int>(bits & (~bits + 1));
}

// The same over a tensor's address and the byte strides of all axes but the last; an axis of one element, and an
// absent or empty tensor, ask for nothing.
int row_alignment(const plumb_tensor& tensor);

// The first of `address` and those strides that is no multiple of `bytes`, as words for a reason: "address
// 0x7f0000000008" or "stride[0] of 1538 bytes". nullptr when there is none. The text lives until the next call.
const char* misaligned_part(const plumb_tensor& tensor, int bytes);

}  // namespace plumb
