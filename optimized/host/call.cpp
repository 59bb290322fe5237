// Validation of calls, with a sentence for each way in which one can be wrong.
#include "optimized/host/call.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <string>

#include "reference/numeric/tensor.h"

namespace plumb {
namespace {

thread_local std::array<char, 512> message{};

// Fails as a check does: the call is wrong for every variant.
[[gnu::format(printf, 1, 2)]] bool reject(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message.data(), message.size(), format, arguments);
  va_end(arguments);
  return false;
}

// Every struct of the contract begins with these two.
struct Versioned {
  std::uint32_t abi_version;
  std::uint32_t struct_size;
};

bool check_version(const char* name, const void* structure, std::size_t size) {
  if (structure == nullptr) return reject("%s is NULL; expected a struct of %zu bytes", name, size);
  const auto* head = static_cast<const Versioned*>(structure);
  if (head->abi_version != PLUMB_ABI_VERSION) {
    return reject("%s.abi_version is %u; expected %u", name, head->abi_version, PLUMB_ABI_VERSION);
  }
  if (head->struct_size < size) {
    return reject("%s.struct_size is %u; expected at least %zu", name, head->struct_size, size);
  }
  return true;
}

std::string names_of(std::uint32_t dtypes) {
  std::string names;
  for (const auto dtype : {PLUMB_F32, PLUMB_BF16, PLUMB_F16, PLUMB_I32, PLUMB_I64}) {
    if ((dtypes >> dtype & 1u) == 0) continue;
    if (!names.empty()) names += " or ";
    names += name_of(dtype);
  }
  return names;
}

bool is_dtype(std::int32_t dtype) { return dtype >= PLUMB_F32 && dtype <= PLUMB_I64; }

struct Axis {
  std::int64_t stride;  // bytes
  std::int64_t extent;
};

// A tensor as a set of bytes: axes of more than one element, widest stride first, over elements of `element` bytes.
struct Layout {
  std::array<Axis, PLUMB_MAX_RANK> axes{};
  int rank = 0;
  std::int64_t element;

  std::int64_t bytes_from(int axis) const {  // from the first byte to the last, the axes before `axis` left out
    std::int64_t bytes = element;
    for (int i = axis; i < rank; ++i) bytes += (axes[i].extent - 1) * axes[i].stride;
    return bytes;
  }
};

Layout layout_of(const plumb_tensor& tensor) {
  Layout layout{.element = static_cast<std::int64_t>(size_of(dtype_of(tensor)))};
  for (int axis = 0; axis < tensor.rank; ++axis) {
    if (tensor.shape[axis] <= 1) continue;
    const Axis inserted{tensor.stride[axis] * layout.element, tensor.shape[axis]};
    int place = layout.rank++;
    for (; place > 0 && layout.axes[place - 1].stride < inserted.stride; --place) {
      layout.axes[place] = layout.axes[place - 1];
    }
    layout.axes[place] = inserted;
  }
  return layout;
}

// Whether bytes may be shared by a's axes from `axis` on and b's, which begin `offset` bytes after a's. Along an
// axis with one common stride only the (at most two) shifts that bring the inner parts together need a look.
bool may_share(const Layout& a, const Layout& b, int axis, std::int64_t offset) {
  const std::int64_t a_bytes = a.bytes_from(axis), b_bytes = b.bytes_from(axis);
  if (offset >= a_bytes || offset <= -b_bytes) return false;  // any 64 bits so far
  if (axis >= a.rank || axis >= b.rank || a.axes[axis].stride != b.axes[axis].stride) return true;
  const std::int64_t stride = a.axes[axis].stride;
  if (stride < std::max(a.bytes_from(axis + 1), b.bytes_from(axis + 1))) return true;
  const std::int64_t shift = offset / stride;  // towards zero; the neighbours on both sides cover every meeting
  for (std::int64_t k = shift - 1; k <= shift + 1; ++k) {
    const bool rows_exist = k >= 0 ? k < a.axes[axis].extent : -k < b.axes[axis].extent;
    if (rows_exist && may_share(a, b, axis + 1, offset - k * stride)) return true;
  }
  return false;
}

}  // namespace

plumb_status fail(plumb_status status, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message.data(), message.size(), format, arguments);
  va_end(arguments);
  return status;
}

const char* last_error() { return message.data(); }

bool check_call(const plumb_call* call, std::size_t params_size, int tensor_count) {
  if (!check_version("call", call, sizeof(plumb_call))) return false;
  if (!check_version("device", call->device, sizeof(plumb_device))) return false;
  if (!check_version("params", call->params, params_size)) return false;
  if (call->device->ordinal < 0) return reject("device.ordinal is %d; expected >= 0", call->device->ordinal);
  if (call->device->sm < 80) return reject("device.sm is %d; expected 80 or newer", call->device->sm);
  if (call->device->sm_count < 1) return reject("device.sm_count is %d; expected >= 1", call->device->sm_count);
  if ((call->flags & ~PLUMB_DEPENDENT_LAUNCH) != 0) {
    return reject("flags is 0x%x; expected 0 or PLUMB_DEPENDENT_LAUNCH", call->flags);
  }
  if (call->tensor_count != tensor_count) {
    return reject("tensor_count is %d; expected %d", call->tensor_count, tensor_count);
  }
  if (call->tensors == nullptr) return reject("tensors is NULL; expected %d tensors", tensor_count);
  for (int i = 0; i < tensor_count; ++i) {
    char name[24];
    std::snprintf(name, sizeof name, "tensors[%d]", i);
    if (!check_version(name, &call->tensors[i], sizeof(plumb_tensor))) return false;
  }
  return true;
}

bool check_tensor(const plumb_tensor& tensor, const TensorRule& rule) {
  if (rule.optional && tensor.rank == 0 && tensor.data == nullptr) return true;
  if (tensor.rank != rule.rank) return reject("%s.rank is %d; expected %d", rule.name, tensor.rank, rule.rank);
  if (!check_dtype(tensor, rule.name, rule.dtypes, "")) return false;

  constexpr __int128 kMost = static_cast<__int128>(1) << 59;  // 2^63 bytes at most, and room for sums of offsets
  __int128 last = 0;                                          // index of the last element in memory
  __int128 count = 1;  // extents of 0 left out: products of some extents must fit, too
  bool empty = false;
  for (int axis = 0; axis < tensor.rank; ++axis) {
    const std::int64_t extent = tensor.shape[axis], stride = tensor.stride[axis];
    if (extent < 0) {
      return reject("%s.shape[%d] is %lld; expected >= 0", rule.name, axis, static_cast<long long>(extent));
    }
    if (stride < 0) {
      return reject("%s.stride[%d] is %lld; expected >= 0", rule.name, axis, static_cast<long long>(stride));
    }
    empty |= extent == 0;
    count = std::min(count * std::max<__int128>(extent, 1), kMost);  // below 2^59 * 2^63
    if (extent > 1) last = std::min(last + static_cast<__int128>(extent - 1) * stride, kMost);
  }
  const int inner = tensor.rank - 1;
  if (rule.unit_stride && tensor.shape[inner] > 1 && tensor.stride[inner] != 1) {
    return reject("%s.stride[%d] is %lld; expected 1", rule.name, inner,
                  static_cast<long long>(tensor.stride[inner]));
  }
  if (count == kMost) return reject("%s has extents of 2^59 elements or more; expected fewer", rule.name);
  if (empty) return true;
  if (tensor.data == nullptr) return reject("%s.data is NULL; expected an address, as it has elements", rule.name);
  const auto element = size_of(dtype_of(tensor));
  if (reinterpret_cast<std::uintptr_t>(tensor.data) % element != 0) {
    return reject("%s.data is %p; expected a multiple of its element's %zu bytes", rule.name, tensor.data, element);
  }
  if (last == kMost) {
    return reject("%s spans more than 2^59 elements; expected less", rule.name);
  }
  if (!rule.written) return true;
  const Layout layout = layout_of(tensor);
  for (int axis = 0; axis < layout.rank; ++axis) {
    if (layout.axes[axis].stride < layout.bytes_from(axis + 1)) {
      return reject(
          "%s has an axis with a stride of %lld bytes; expected at least %lld, what lies inside it, as it is "
          "written",
          rule.name, static_cast<long long>(layout.axes[axis].stride),
          static_cast<long long>(layout.bytes_from(axis + 1)));
    }
  }
  return true;
}

bool check_extent(const plumb_tensor& tensor, const char* name, int axis, std::int64_t expected, const char* why) {
  if (tensor.shape[axis] == expected) return true;
  return reject("%s.shape[%d] is %lld; expected %lld, %s", name, axis, static_cast<long long>(tensor.shape[axis]),
                static_cast<long long>(expected), why);
}

bool check_stride(const plumb_tensor& tensor, const char* name, int axis, std::int64_t expected, const char* why) {
  if (tensor.shape[axis] <= 1 || tensor.stride[axis] == expected) return true;
  return reject("%s.stride[%d] is %lld; expected %lld, %s", name, axis, static_cast<long long>(tensor.stride[axis]),
                static_cast<long long>(expected), why);
}

bool check_dtype(const plumb_tensor& tensor, const char* name, std::uint32_t dtypes, const char* why) {
  if (!is_dtype(tensor.dtype)) {
    return reject("%s.dtype is %d, no plumb_dtype; expected %s%s", name, tensor.dtype, names_of(dtypes).c_str(),
                  why);
  }
  if ((dtypes >> tensor.dtype & 1u) != 0) return true;
  return reject("%s.dtype is %s; expected %s%s", name, name_of(dtype_of(tensor)).data(), names_of(dtypes).c_str(),
                why);
}

bool check_range(const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (low <= value && value <= high) return true;
  return reject("%s is %lld; expected %lld .. %lld", name, static_cast<long long>(value),
                static_cast<long long>(low), static_cast<long long>(high));
}

bool check_even(const char* name, std::int64_t value) {
  if (value % 2 == 0) return true;
  return reject("%s is %lld; expected an even number", name, static_cast<long long>(value));
}

bool check_not_negative(const char* name, float value) {
  if (std::isfinite(value) && value >= 0.0f) return true;
  return reject("%s is %g; expected a finite number >= 0", name, static_cast<double>(value));
}

bool check_disjoint(const plumb_tensor& a, const char* a_name, const plumb_tensor& b, const char* b_name) {
  if (element_count(a) == 0 || element_count(b) == 0) return true;
  const auto offset = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(b.data) -
                                                reinterpret_cast<std::uintptr_t>(a.data));
  if (!may_share(layout_of(a), layout_of(b), 0, offset)) return true;
  return reject("%s.data is %p, and %s's elements at %p may lie on %s's; expected separate memory", b_name, b.data,
                a_name, a.data, b_name);
}

int row_alignment(const plumb_tensor& tensor) {
  if (element_count(tensor) == 0) return 16;
  std::uint64_t bits = reinterpret_cast<std::uintptr_t>(tensor.data);
  for (int axis = 0; axis + 1 < tensor.rank; ++axis) {
    if (tensor.shape[axis] > 1) {
      bits |= static_cast<std::uint64_t>(tensor.stride[axis]) * size_of(dtype_of(tensor));
    }
  }
  return common_alignment({bits});
}

const char* misaligned_part(const plumb_tensor& tensor, int bytes) {
  thread_local std::array<char, 64> text;
  if (row_alignment(tensor) >= bytes) return nullptr;
  if (reinterpret_cast<std::uintptr_t>(tensor.data) % static_cast<unsigned>(bytes) != 0) {
    std::snprintf(text.data(), text.size(), "address %p", tensor.data);
    return text.data();
  }
  for (int axis = 0; axis + 1 < tensor.rank; ++axis) {
    if (tensor.shape[axis] <= 1) continue;  // its stride means nothing, and may be anything
    const auto stride = tensor.stride[axis] * static_cast<std::int64_t>(size_of(dtype_of(tensor)));
    if (stride % bytes != 0) {
      std::snprintf(text.data(), text.size(), "stride[%d] of %lld bytes", axis, static_cast<long long>(stride));
      return text.data();
    }
  }
  return nullptr;
}

}  // namespace plumb
