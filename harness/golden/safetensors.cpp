// The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes.
#include "harness/golden/safetensors.h"

#include <cstdint>
#include <cstring>
#include <string_view>

#include <nlohmann/json.hpp>

#include "harness/compare/elements.h"
#include "harness/files.h"

namespace plumb {

void write_safetensors(const std::string& path, const std::vector<std::pair<std::string, plumb_tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  constexpr std::string_view kTypeNames[] = {"F32", "BF16", "F16", "I32", "I64"};
  nlohmann::json header = {{"__metadata__", metadata}};
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    if (!is_present(tensor)) continue;
    const std::size_t begin = data.size();
    const auto element_bytes = static_cast<std::int64_t>(size_of(dtype_of(tensor)));
    for_each_run(tensor, [&, view = &tensor](std::int64_t offset, std::int64_t length) {
      data.append(static_cast<const char*>(view->data) + offset * element_bytes,
                  static_cast<std::size_t>(length * element_bytes));
    });
    header[name] = {{"dtype", kTypeNames[tensor.dtype]},
                    {"shape", std::vector<std::int64_t>(tensor.shape, tensor.shape + tensor.rank)},
                    {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the data starts 8-byte aligned
  const std::uint64_t length = text.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  write_file(path, bytes + text + data);
}

}  // namespace plumb
