// `plumbline list`: operators, their axes, their matrices, and a library's variants.
#pragma once

#include <cstdint>
#include <string>

#include "harness/operators/suite.h"

namespace plumb {

// Prints operators with axes and numbers of cases; with a library (that exists), its variants and requirements.
void print_list(const std::string& library_path, bool library_required);

// The names of a tier's cases, a line each.
void print_cases(Tier tier, std::uint64_t seed);

}  // namespace plumb
