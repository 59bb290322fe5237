// Opening a library of operators, ours or a third party's, through its one exported symbol.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "reference/operator.h"

namespace plumb {

class Library {
 public:
  // Opens the shared library (RTLD_LOCAL) and checks that its tables are of this contract's version and whole.
  // Throws HarnessError with one sentence: missing file, no symbol, other ABI version, a NULL entry.
  explicit Library(const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const std::string& path() const { return path_; }
  const plumb_library& table() const { return *table_; }
  const plumb_operator* find(std::string_view operator_name) const;  // nullptr when it has none of that name
  std::string last_error() const { return table_->last_error(); }
  std::string digest() const;  // 128-bit digest of the file, in hex

 private:
  std::string path_;
  void* handle_ = nullptr;
  const plumb_library* table_ = nullptr;
};

// The library that was built with this program; the file may be missing.
std::string default_library_path();

}  // namespace plumb
