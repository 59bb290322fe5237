// `plumbline list`: operators, their axes, their matrices, and a library's variants.
#pragma once

#include <string>

namespace plumb {

// Prints operators with axes and numbers of cases; with a library (that exists), its variants and requirements.
void print_list(const std::string& library_path, bool library_required);

}  // namespace plumb
