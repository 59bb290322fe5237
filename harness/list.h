// `plumbline list`: operators, their axes, their matrices, and a library's variants.
#pragma once

#include <cstdint>
#include <string>

#include "harness/operators/suite.h"

namespace plumb {

// Prints operators with axes and numbers of cases; with a library (that exists), its variants and requirements, and
// with_choices which of them select takes on described devices of each architecture, and why. Asks no GPU.
void print_list(const std::string& library_path, bool library_required, bool with_choices);

// The names of a tier's cases, a line each.
void print_cases(Tier tier, std::uint64_t seed);

}  // namespace plumb
