// Printing what there is to check, and what a library offers.
#include "harness/list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "harness/golden/golden.h"
#include "harness/library/library.h"
#include "harness/operators/suite.h"
#include "harness/tune/choices.h"
#include "reference/numeric/dtype.h"

namespace plumb {

void print_cases(Tier tier, std::uint64_t seed) {
  for (const OperatorSuite* suite : all_suites()) {
    for (const Case& point : suite->cases(tier, seed)) fmt::print("{}\n", name_of(point));
  }
}

void print_list(const std::string& library_path, bool library_required) {
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
  }
}

}  // namespace plumb
