// What several test files need: a folder that goes away, tensors of given values, and a program run to its end.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "harness/error.h"
#include "reference/numeric/tensor.h"

namespace plumb::testing_support {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "plumbline_test_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::recursive_directory_iterator(path_),
                                                  std::filesystem::recursive_directory_iterator{}));
  }

 private:
  std::string path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The words of the HarnessError that a call ends in; empty when it ends well.
template <class Call>
std::string complaint_of(const Call& call) {
  try {
    call();
  } catch (const HarnessError& error) {
    return error.what();
  }
  return "";
}

// A host tensor of its own memory. Strides in elements; memory between the elements is zero.
class OwnedTensor {
 public:
  OwnedTensor(plumb_dtype dtype, std::initializer_list<std::int64_t> shape,
              std::initializer_list<std::int64_t> stride = {})
      : view_(make_tensor(nullptr, dtype, shape, stride)) {
    std::int64_t span = 1;
    for (int axis = 0; axis < view_.rank; ++axis) span += (view_.shape[axis] - 1) * view_.stride[axis];
    bytes_.resize(static_cast<std::size_t>(span) * size_of(dtype));
    view_.data = bytes_.data();
  }

  OwnedTensor(OwnedTensor&&) = default;  // the bytes stay where they are
  OwnedTensor(const OwnedTensor&) = delete;

  const plumb_tensor& view() const { return view_; }
  std::vector<std::byte>& bytes() { return bytes_; }

  // By row-major index.
  std::byte* at(std::int64_t index) {
    std::int64_t offset = 0;
    for (int axis = view_.rank - 1; axis >= 0; --axis) {
      offset += index % view_.shape[axis] * view_.stride[axis];
      index /= view_.shape[axis];
    }
    return bytes_.data() + offset * static_cast<std::int64_t>(size_of(dtype_of(view_)));
  }
  void set(std::int64_t index, double value) {
    set_bits(index, bits_of_float(static_cast<float>(value), dtype_of(view_)));
  }
  void set_bits(std::int64_t index, std::uint32_t bits) { std::memcpy(at(index), &bits, size_of(dtype_of(view_))); }

 private:
  plumb_tensor view_;
  std::vector<std::byte> bytes_;
};

// A contiguous tensor of one axis, each value rounded to the type.
inline OwnedTensor tensor_of(plumb_dtype dtype, const std::vector<double>& values) {
  OwnedTensor tensor(dtype, {static_cast<std::int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) tensor.set(static_cast<std::int64_t>(i), values[i]);
  return tensor;
}

struct ProgramResult {
  int exit_code = -1;  // -1 when a signal ended it
  std::string out, err;
};

// Runs a program with standard input empty and waits for it.
inline ProgramResult run_program(const std::string& program, const std::vector<std::string>& arguments) {
  const TemporaryFolder folder;
  const std::string out = folder / "out", err = folder / "err";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = -1;
  const int failed = posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) return {-1, "", "could not be started: " + program};
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content_of(out), content_of(err)};
}

}  // namespace plumb::testing_support
