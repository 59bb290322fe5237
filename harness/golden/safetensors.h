// Writing tensors in the safetensors format, for tools in other languages.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reference/operator.h"

namespace plumb {

// Host tensors by name, written densely in row-major order whatever their strides; metadata becomes __metadata__.
// Replaces the file as a whole. Throws HarnessError when it cannot be written.
void write_safetensors(const std::string& path, const std::vector<std::pair<std::string, plumb_tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace plumb
