// Names of cases: writing and reading them.
#include "harness/cases/case.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "harness/error.h"
#include "harness/operators/suite.h"
#include "reference/numeric/dtype.h"

namespace plumb {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <class Integer>
Integer parse_integer(std::string_view text, std::string_view what, std::string_view name) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw HarnessError(fmt::format("case '{}': {} is '{}', expected an integer", name, what, text));
  }
  return value;
}

std::int64_t parse_value(const Axis& axis, std::string_view text, std::string_view name) {
  if (axis.words.empty()) {
    const auto value = parse_integer<std::int64_t>(text, axis.name, name);
    if (value < 0) {
      throw HarnessError(fmt::format("case '{}': {} is {}, expected at least 0", name, axis.name, value));
    }
    return value;
  }
  for (std::size_t i = 0; i < axis.words.size(); ++i) {
    if (axis.words[i] == text) return static_cast<std::int64_t>(i);
  }
  throw HarnessError(
      fmt::format("case '{}': {} is '{}', expected one of {}", name, axis.name, text, fmt::join(axis.words, ", ")));
}

std::string value_text(const Axis& axis, std::int64_t value) {
  return axis.words.empty() ? fmt::to_string(value) : axis.words.at(static_cast<std::size_t>(value));
}

}  // namespace

int Schema::index_of(std::string_view axis) const {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].name == axis) return static_cast<int>(i);
  }
  return -1;
}

Case::Case(const Schema& of_schema, plumb_dtype of_dtype, std::uint64_t of_seed)
    : schema(&of_schema), dtype(of_dtype), seed(of_seed) {
  for (const Axis& axis : of_schema.axes) values.push_back(axis.fallback);
}

std::int64_t& Case::operator[](std::string_view axis) {
  const int index = schema->index_of(axis);
  if (index < 0) throw std::logic_error(fmt::format("{} has no axis '{}'", schema->operator_name, axis));
  return values[static_cast<std::size_t>(index)];
}

std::int64_t Case::operator[](std::string_view axis) const { return const_cast<Case&>(*this)[axis]; }

std::string Case::text(std::string_view axis) const {
  return value_text(schema->axes.at(static_cast<std::size_t>(schema->index_of(axis))), (*this)[axis]);
}

std::string name_of(const Case& point) {
  std::vector<std::string> shape, others;
  for (std::size_t i = 0; i < point.values.size(); ++i) {
    const Axis& axis = point.schema->axes[i];
    if (!axis.is_shape && point.values[i] == axis.fallback) continue;
    (axis.is_shape ? shape : others).push_back(axis.name + "=" + value_text(axis, point.values[i]));
  }
  std::string name = fmt::format("{}/{}", point.schema->operator_name, name_of(point.dtype));
  for (const auto* group : {&shape, &others}) {
    if (!group->empty()) name += fmt::format("/{}", fmt::join(*group, ","));
  }
  return name + fmt::format("/seed={}", point.seed);
}

Case parse_case(std::string_view name) {
  const std::vector<std::string_view> parts = split(name, '/');
  const OperatorSuite* suite = find_suite(parts[0]);
  if (!suite) {
    throw HarnessError(fmt::format("case '{}': there is no operator '{}'; operators are {}", name, parts[0],
                                   fmt::join(suite_names(), ", ")));
  }
  const Schema& schema = suite->schema();
  const auto dtype = parts.size() > 1 ? dtype_named(parts[1]) : std::nullopt;
  if (!dtype || !is_floating(*dtype)) {
    throw HarnessError(fmt::format("case '{}': the type is '{}', expected one of bf16, fp16, fp32", name,
                                   parts.size() > 1 ? parts[1] : ""));
  }
  Case point(schema, *dtype);
  for (std::size_t part = 2; part < parts.size(); ++part) {
    for (const std::string_view setting : split(parts[part], ',')) {
      const std::size_t equals = setting.find('=');
      const std::string_view key = setting.substr(0, equals);
      const std::string_view value = equals == std::string_view::npos ? "" : setting.substr(equals + 1);
      if (key == "seed") {
        point.seed = parse_integer<std::uint64_t>(value, "seed", name);
        continue;
      }
      const int index = schema.index_of(key);
      if (index < 0) {
        throw HarnessError(fmt::format("case '{}': {} has no axis '{}'", name, schema.operator_name, key));
      }
      point.values[static_cast<std::size_t>(index)] =
          parse_value(schema.axes[static_cast<std::size_t>(index)], value, name);
    }
  }
  // Builders multiply these to strides and offsets; below this no product of theirs overflows.
  double product = 1;
  for (std::size_t i = 0; i < schema.axes.size(); ++i) {
    if (schema.axes[i].words.empty()) product *= static_cast<double>(std::max<std::int64_t>(point.values[i], 1));
  }
  if (product > 0x1p60) throw HarnessError(fmt::format("case '{}': its numbers multiply to more than 2^60", name));
  return point;
}

}  // namespace plumb
