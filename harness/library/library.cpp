// Opening and checking shared libraries of operators.
#include "harness/library/library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "harness/error.h"
#include "reference/numeric/digest.h"

namespace plumb {
namespace {

void check_operator(const std::string& path, const plumb_operator* op, int index) {
  const auto broken = [&](std::string_view what) {
    return HarnessError(
        fmt::format("library {}: operator {}: {}", path, op && op->name ? op->name : fmt::to_string(index), what));
  };
  if (!op) throw broken("the table's entry is NULL");
  if (op->abi_version != PLUMB_ABI_VERSION || op->struct_size != sizeof(plumb_operator)) {
    throw broken(fmt::format("abi_version is {} and struct_size {}, expected {} and {}", op->abi_version,
                             op->struct_size, PLUMB_ABI_VERSION, sizeof(plumb_operator)));
  }
  if (!op->name || !op->variant || !op->supports || !op->select || !op->workspace_bytes || !op->launch) {
    throw broken("a function of the contract is NULL");
  }
  if (op->variant_count < 1)
    throw broken(fmt::format("variant_count is {}, expected at least 1", op->variant_count));
  for (int i = 0; i < op->variant_count; ++i) {
    const plumb_variant* variant = op->variant(i);
    if (!variant || !variant->name || !variant->requirements || !variant->bit_class) {
      throw broken(fmt::format("variant {} is NULL or has no name", i));
    }
  }
}

}  // namespace

Library::Library(const std::string& path) : path_(path) {
  if (!std::filesystem::exists(path)) throw HarnessError(fmt::format("library {}: no such file", path));
  // A path without a slash would be looked up on the system's search path instead.
  handle_ = dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle_) throw HarnessError(fmt::format("library {}: cannot be opened: {}", path, dlerror()));
  try {
    const auto entry = reinterpret_cast<plumb_library_fn>(dlsym(handle_, PLUMB_LIBRARY_SYMBOL));
    if (!entry) {
      throw HarnessError(
          fmt::format("library {}: exports no symbol {}; see reference/operator.h", path, PLUMB_LIBRARY_SYMBOL));
    }
    table_ = entry();
    if (!table_) throw HarnessError(fmt::format("library {}: {} returned NULL", path, PLUMB_LIBRARY_SYMBOL));
    if (table_->abi_version != PLUMB_ABI_VERSION || table_->struct_size != sizeof(plumb_library)) {
      throw HarnessError(fmt::format("library {}: abi_version is {} and struct_size {}, expected {} and {}", path,
                                     table_->abi_version, table_->struct_size, PLUMB_ABI_VERSION,
                                     sizeof(plumb_library)));
    }
    if (!table_->name || !table_->version || !table_->operator_at || !table_->last_error) {
      throw HarnessError(fmt::format("library {}: its table has a NULL entry", path));
    }
    for (int i = 0; i < table_->operator_count; ++i) check_operator(path, table_->operator_at(i), i);
  } catch (...) {
    dlclose(handle_);
    throw;
  }
}

Library::~Library() { dlclose(handle_); }

const plumb_operator* Library::find(std::string_view operator_name) const {
  for (int i = 0; i < table_->operator_count; ++i) {
    const plumb_operator* op = table_->operator_at(i);
    if (op->name == operator_name) return op;
  }
  return nullptr;
}

std::string Library::digest() const {
  std::ifstream file(path_, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  return to_hex(murmur3_128(std::as_bytes(std::span(bytes))));
}

std::string default_library_path() {
  const auto self = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  // beside the program in a build folder, in ../lib when installed
  for (const char* place : {".", "..", "../" PLUMBLINE_LIBRARY_FOLDER}) {
    const auto path = (self / place / "libplumbline_optimized.so").lexically_normal();
    if (std::filesystem::exists(path)) return path;
  }
  return self / "libplumbline_optimized.so";
}

}  // namespace plumb
