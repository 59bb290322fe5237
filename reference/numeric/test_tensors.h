// What the specification's tests share: tensors with storage of their own, random numbers, and the judge.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "reference/numeric/expectation.h"
#include "reference/numeric/tensor.h"
#include "reference/numeric/ulp.h"

namespace plumb::testing {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInf = std::numeric_limits<float>::infinity();
inline constexpr plumb_dtype kFloatTypes[] = {PLUMB_F32, PLUMB_BF16, PLUMB_F16};

// A tensor that owns its memory, gaps between strided elements included (they hold 0xff bytes: NaN in every type).
class HostTensor {
 public:
  HostTensor() : view_(absent_tensor()) {}

  HostTensor(plumb_dtype dtype, std::initializer_list<std::int64_t> shape,
             std::initializer_list<std::int64_t> stride = {})
      : view_(make_tensor(nullptr, dtype, shape, stride)) {
    std::int64_t last = 0;
    for (int axis = 0; axis < view_.rank; ++axis) last += (view_.shape[axis] - 1) * view_.stride[axis];
    const std::int64_t elements = element_count(view_) > 0 ? last + 1 : 1;
    bytes_.assign(static_cast<std::size_t>(elements) * size_of(dtype), std::byte{0xff});
    view_.data = bytes_.data();
  }

  HostTensor(const HostTensor& other) : bytes_(other.bytes_), view_(other.view_) {
    if (is_present(view_)) view_.data = bytes_.data();
  }
  HostTensor& operator=(HostTensor other) noexcept {
    bytes_.swap(other.bytes_);
    view_ = other.view_;  // a swap keeps the address of the bytes
    return *this;
  }

  const plumb_tensor& view() const { return view_; }
  plumb_dtype dtype() const { return dtype_of(view_); }
  std::int64_t count() const { return element_count(view_); }
  const std::vector<std::byte>& bytes() const { return bytes_; }

  // Element i in row-major order of the shape.
  std::byte* element(std::int64_t i) const {
    std::int64_t offset = 0;
    for (int axis = view_.rank - 1; axis >= 0; --axis) {
      offset += i % view_.shape[axis] * view_.stride[axis];
      i /= view_.shape[axis];
    }
    return static_cast<std::byte*>(view_.data) + offset * static_cast<std::int64_t>(size_of(dtype()));
  }
  std::uint32_t bits(std::int64_t i) const { return load_bits(element(i), dtype()); }
  float value(std::int64_t i) const { return load_float(element(i), dtype()); }
  void set(std::int64_t i, float value) { store_float(element(i), dtype(), value); }
  float at(std::initializer_list<std::int64_t> index) const { return load_float(address(view_, index), dtype()); }
  void set(std::initializer_list<std::int64_t> index, float value) {
    store_float(address(view_, index), dtype(), value);
  }

  // Element i becomes make(i), rounded to the tensor's type.
  template <class Make>
  HostTensor&& fill(const Make& make) && {
    fill(make);
    return std::move(*this);
  }
  template <class Make>
  void fill(const Make& make) & {
    for (std::int64_t i = 0; i < count(); ++i) set(i, static_cast<float>(make(i)));
  }

  static HostTensor of(plumb_dtype dtype, std::initializer_list<std::int64_t> shape, std::vector<float> values) {
    return HostTensor(dtype, shape).fill([&](std::int64_t i) { return values[static_cast<std::size_t>(i)]; });
  }
  static HostTensor integers(plumb_dtype dtype, std::vector<std::int64_t> values) {
    HostTensor tensor(dtype, {std::ssize(values)});
    for (std::int64_t i = 0; i < std::ssize(values); ++i) {
      std::memcpy(tensor.element(i), &values[static_cast<std::size_t>(i)], size_of(dtype));
    }
    return tensor;
  }

 private:
  std::vector<std::byte> bytes_;
  plumb_tensor view_;
};

inline std::vector<plumb_tensor> views(std::initializer_list<const HostTensor*> tensors) {
  std::vector<plumb_tensor> result;
  for (const auto* tensor : tensors) result.push_back(tensor->view());
  return result;
}

// The same numbers on every machine (the standard's distributions are not).
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t bits() { return engine_(); }
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
  }
  double normal() {  // near enough: the sum of 12 uniform numbers has variance 1
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform(0, 1);
    return sum;
  }

 private:
  std::mt19937_64 engine_;
};

struct Judgement {
  double worst = 0;         // largest |y - value| / (slack + 0.5 ulp); infinite for a broken promise
  std::int64_t judged = 0;  // elements compared with a value
  std::int64_t kept = 0;
  std::int64_t unjudged = 0;
};

// Holds `after` against what is expected of it; `before` is the tensor before the call.
inline Judgement judge(const Expectation& expected, const HostTensor& before, const HostTensor& after) {
  Judgement result;
  const auto dtype = after.dtype();
  for (std::int64_t i = 0; i < after.count(); ++i) {
    const double value = expected.value[static_cast<std::size_t>(i)];
    const double slack = expected.slack[static_cast<std::size_t>(i)], y = after.value(i);
    double ratio = 0;
    if (slack == Expectation::kKeep) {
      ++result.kept;
      ratio = before.bits(i) == after.bits(i) ? 0 : kInf;
    } else if (slack == Expectation::kUnjudged) {
      ++result.unjudged;
    } else {
      ++result.judged;
      const bool exact = y == value || (std::isnan(y) && std::isnan(value));
      if (!exact) ratio = std::fabs(y - value) / (slack + 0.5 * ulp_at(std::fabs(value) + slack, dtype));
      if (std::isnan(ratio)) ratio = kInf;
    }
    result.worst = std::fmax(result.worst, ratio);
  }
  return result;
}

inline bool same_bits(const HostTensor& a, const HostTensor& b) {
  bool same = a.count() == b.count() && a.dtype() == b.dtype();
  for (std::int64_t i = 0; same && i < a.count(); ++i) same = plumb::same_bits(a.bits(i), b.bits(i), a.dtype());
  return same;
}

}  // namespace plumb::testing
