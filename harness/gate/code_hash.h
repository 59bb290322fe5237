// The machine code of a library's kernels as digests: whether two builds run the same instructions.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plumb {

using KernelHashes = std::map<std::string, std::string>;  // mangled name without build paths -> digest in hex

// The kernels of one cubin (an ELF file of device code): for each its .text section with the registers and barriers
// it asks for, its constant banks, the size of its shared memory, and its relocations by the names of their
// symbols. Empty when this is no cubin.
KernelHashes hashes_of_cubin(std::span<const std::byte> cubin);

// Internal names carry digests of the path that they were compiled from: those are cut out.
std::string portable_name(std::string_view mangled);

// Of a whole shared library. What nvcc embedded compressed is unpacked by `cuobjdump` of the CUDA toolkit; nothing
// where that is needed and missing, or where there is no device code. A kernel present for several architectures
// has one digest of them all.
std::optional<KernelHashes> kernel_hashes(const std::string& library);

// Whether the kernels of both lists, "mangled name <<<launch shape>>>" as PointTiming has them, are the same code
// in the same shapes; nothing where that cannot be told.
std::optional<bool> same_code(const std::optional<KernelHashes>& baseline, const std::vector<std::string>& kernels,
                              const std::optional<KernelHashes>& candidate, const std::vector<std::string>& others);

}  // namespace plumb
