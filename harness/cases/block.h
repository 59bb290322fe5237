// A problem's tensors packed into one block of memory, so that a whole problem moves in one copy.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "harness/cases/problem.h"

namespace plumb {

using Block = std::vector<std::byte>;

struct BlockLayout {
  std::vector<std::size_t> offset;  // of each tensor's storage, 256-byte aligned; an alias shares its original's
  std::size_t bytes = 0;
};

inline BlockLayout layout_of(const Problem& problem) {
  BlockLayout layout;
  for (const HostTensor& tensor : problem.tensors) {
    if (tensor.alias_of >= 0) {
      layout.offset.push_back(layout.offset[static_cast<std::size_t>(tensor.alias_of)]);
      continue;
    }
    layout.offset.push_back(layout.bytes);
    layout.bytes += (tensor.storage.size() + 255) / 256 * 256;
  }
  return layout;
}

inline Block pack(const Problem& problem, const BlockLayout& layout) {
  Block block(layout.bytes);
  for (std::size_t i = 0; i < problem.tensors.size(); ++i) {
    const auto& storage = problem.tensors[i].storage;
    if (!storage.empty()) std::memcpy(block.data() + layout.offset[i], storage.data(), storage.size());
  }
  return block;
}

// The tensors as they lie in a block that starts at `base` (host or device memory).
inline std::vector<plumb_tensor> views_in(const Problem& problem, const BlockLayout& layout,
                                          const std::byte* base) {
  std::vector<plumb_tensor> views = problem.views();
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (!is_present(views[i])) continue;
    const int alias = problem.tensors[i].alias_of;
    const HostTensor& owner = problem.tensors[alias >= 0 ? static_cast<std::size_t>(alias) : i];
    views[i].data = const_cast<std::byte*>(base) + layout.offset[i] + owner.data_offset();
  }
  return views;
}

}  // namespace plumb
