// The list of operators, from the generated one.
#include "harness/operators/suite.h"

#include <array>

#include "operator_list.h"

namespace plumb {

#define X(name) const OperatorSuite& name##_suite();
PLUMBLINE_FOR_EACH_OPERATOR(X)
#undef X

std::span<const OperatorSuite* const> all_suites() {
#define X(name) &name##_suite(),
  static const std::array suites = {PLUMBLINE_FOR_EACH_OPERATOR(X)};
#undef X
  return suites;
}

const OperatorSuite* find_suite(std::string_view name) {
  for (const OperatorSuite* suite : all_suites()) {
    if (suite->name == name) return suite;
  }
  return nullptr;
}

std::vector<std::string_view> suite_names() {
  std::vector<std::string_view> names;
  for (const OperatorSuite* suite : all_suites()) names.emplace_back(suite->name);
  return names;
}

}  // namespace plumb
