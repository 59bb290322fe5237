// Printing what there is to check, and what a library offers.
#include "harness/list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

#include "harness/cases/call.h"
#include "harness/golden/golden.h"
#include "harness/library/library.h"
#include "harness/operators/suite.h"
#include "harness/tune/choices.h"
#include "reference/numeric/dtype.h"

namespace plumb {
namespace {

constexpr int kArchitectures[] = {80, 90, 100};
constexpr const char* kEnvironments[] = {nullptr, "0", "1"};  // of FLA_USE_TMA

// Of the published points the largest that is built in a moment; where all are larger, the smallest.
Case representative_of(const OperatorSuite& suite) {
  constexpr std::int64_t kMost = std::int64_t{1} << 22;  // product of the axes of the shape
  const auto size_of_case = [](const Case& point) {
    std::int64_t size = 1;
    for (const Axis& axis : point.schema->axes) {
      if (axis.is_shape) size *= std::max<std::int64_t>(point[axis.name], 1);
    }
    return size;
  };
  const std::vector<Case> points = suite.headline_points(7);
  const auto better = [&](const Case& a, const Case& b) {
    const std::int64_t m = size_of_case(a), n = size_of_case(b);
    return (m <= kMost) != (n <= kMost) ? m <= kMost : m <= kMost ? m > n : m < n;
  };
  return *std::min_element(points.begin(), points.end(), better);
}

// The variant that select takes, and why none that stands before it in the table.
std::string choice(const Library& library, const plumb_operator& op, const plumb_call& call) {
  std::int32_t selected = -1;
  if (op.select(&call, &selected) != PLUMB_OK) return fmt::format("none: {}", library.last_error());
  std::string text = op.variant(selected)->name;
  for (std::int32_t i = 0; i < selected; ++i) {
    if (op.supports(&call, i) == PLUMB_OK) {
      text += fmt::format("; {}: could serve, is not preferred here", op.variant(i)->name);
    } else {
      text += fmt::format("; {}", library.last_error());
    }
  }
  return text;
}

// A row per device; where the operator has a switch for TMA, for each setting of it and of the environment.
void print_choices(const Library& library, const plumb_operator& op) {
  const OperatorSuite* suite = find_suite(op.name);
  if (suite == nullptr) return;
  Case point = representative_of(*suite);
  const auto& axes = suite->schema().axes;
  const auto tma =
      std::find_if(axes.begin(), axes.end(), [](const Axis& axis) { return std::string_view(axis.name) == "tma"; });
  fmt::print("  select, for {}:\n", name_of(point));
  const std::size_t settings = tma == axes.end() ? 1 : tma->words.size();
  for (std::size_t setting = 0; setting < settings; ++setting) {
    if (tma != axes.end()) point["tma"] = static_cast<std::int64_t>(setting);
    const Problem problem = suite->build(point);
    const std::vector<plumb_tensor> tensors = problem.views();
    for (const int sm : kArchitectures) {
      for (const char* environment : kEnvironments) {
        if (tma == axes.end() && environment != nullptr) continue;
        plumb_device device = described_device(sm);
        device.fla_use_tma = environment;
        const plumb_call call = call_of(device, problem.params.data(), tensors);
        const std::string switches = tma == axes.end()
                                         ? ""
                                         : fmt::format(" tma={:<4} FLA_USE_TMA={:<5}", tma->words[setting],
                                                       environment != nullptr ? environment : "unset");
        fmt::print("    sm_{:<3}{} {}\n", sm, switches, choice(library, op, call));
      }
    }
  }
}

}  // namespace

void print_cases(Tier tier, std::uint64_t seed) {
  for (const OperatorSuite* suite : all_suites()) {
    for (const Case& point : suite->cases(tier, seed)) fmt::print("{}\n", name_of(point));
  }
}

void print_list(const std::string& library_path, bool library_required, bool with_choices) {
  for (const OperatorSuite* suite : all_suites()) {
    const Schema& schema = suite->schema();
    fmt::print("{}: {} cases in tier quick, {} in tier full\n", suite->name, suite->cases(Tier::kQuick, 7).size(),
               suite->cases(Tier::kFull, 7).size());
    std::vector<std::string_view> types;
    for (const plumb_dtype dtype : schema.dtypes) types.push_back(name_of(dtype));
    fmt::print("  type: {}\n", fmt::join(types, " "));
    for (const Axis& axis : schema.axes) {
      if (axis.words.empty()) {
        fmt::print("  {}: integer{}\n", axis.name, axis.is_shape ? "" : fmt::format(", default {}", axis.fallback));
      } else {
        fmt::print("  {}: {} (default {})\n", axis.name, fmt::join(axis.words, " "),
                   axis.words[static_cast<std::size_t>(axis.fallback)]);
      }
    }
  }
  if (!library_required && !std::filesystem::exists(library_path)) {
    fmt::print("\nno library at {}: variants are not listed\n", library_path);
    return;
  }
  const Library library(library_path);
  fmt::print("\nlibrary {} ({}, {})\n", library.path(), library.table().name, library.table().version);
  const auto measurements = read_tune_documents(default_golden_folder());
  for (int i = 0; i < library.table().operator_count; ++i) {
    const plumb_operator& op = *library.table().operator_at(i);
    fmt::print("{}\n", op.name);
    for (const std::string& line : selection_lines(op, measurements)) fmt::print("  selection: {}\n", line);
    for (int v = 0; v < op.variant_count; ++v) {
      const plumb_variant& variant = *op.variant(v);
      fmt::print("  {:<20} [{}] {}\n", variant.name, *variant.bit_class ? variant.bit_class : "own bits",
                 variant.requirements);
    }
    if (with_choices) print_choices(library, op);
  }
}

}  // namespace plumb
