// A problem: a case made concrete as host tensors, parameters and the way it is to be launched.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reference/numeric/tensor.h"

namespace plumb {

enum class Role { kInput, kOutput, kInOut };

// A tensor together with the memory around it. Everything that is not an element (the bands before and behind, the
// gaps between rows) is canary: a 16-bit pattern that is NaN in every floating-point type and negative as an
// integer, so that reading it shows too. The pattern differs from tensor to tensor. Outputs are filled with a
// poison of the same kind.
struct HostTensor {
  std::string name;
  Role role = Role::kInput;
  plumb_tensor view = absent_tensor();  // data points into storage; for an alias, into the other tensor's
  std::vector<std::byte> storage;
  std::size_t repeated_bytes = 0;  // not 0: only so many bytes of elements are filled, the rest repeats them
  int alias_of = -1;               // index of the tensor that this one is (an in-place call), or -1
  // A weight or a table, written by no kernel: a dependent launch may read it early, and it has no rows to repeat.
  bool is_constant = false;

  HostTensor() = default;
  HostTensor(HostTensor&&) = default;
  HostTensor& operator=(HostTensor&&) = default;
  HostTensor(const HostTensor&) = delete;  // view points into storage
  HostTensor& operator=(const HostTensor&) = delete;

  std::size_t data_offset() const {
    return static_cast<std::size_t>(static_cast<const std::byte*>(view.data) - storage.data());
  }
};

inline constexpr std::size_t kBandBytes = 256;  // before and behind each tensor; a multiple of any alignment used

// Allocates with canaries; the first element stands byte_offset bytes past a 256-byte boundary of the storage.
// `index` (the tensor's place in its operator's enum) picks the canary pattern. Strides in elements; empty:
// contiguous.
HostTensor allocate(std::string name, int index, Role role, plumb_dtype dtype,
                    std::initializer_list<std::int64_t> shape, std::initializer_list<std::int64_t> stride = {},
                    std::int64_t byte_offset = 0);

std::uint16_t canary_word(int index);
std::uint16_t poison_word(int index);  // what output elements hold before a run, repeated over the element

// Operator parameters, type-erased: the bytes of a plumb_<op>_params.
class Params {
 public:
  template <class Struct>
  static Params of(const Struct& value) {
    static_assert(sizeof(Struct) <= kCapacity);
    Params params;
    std::memcpy(params.bytes_.data(), &value, sizeof value);
    return params;
  }
  template <class Struct>
  const Struct& as() const {
    return *reinterpret_cast<const Struct*>(bytes_.data());
  }
  const void* data() const { return bytes_.data(); }

 private:
  static constexpr std::size_t kCapacity = 64;
  alignas(8) std::array<std::byte, kCapacity> bytes_{};
};

// How a case is launched; the words of the axis `launch` (fill.h).
enum class LaunchMode {
  kStream,         // on a stream that was kept busy until the inputs arrive
  kDefaultStream,  // on the default stream
  kGraph,          // captured into a graph, which is then replayed
  kCrowded,        // beside a kernel that takes some of the multiprocessors, other shares of them in each run
  kDependent,      // as a programmatic dependent of a kernel that writes the inputs late
  kForeign         // while another device is current
};

struct Problem {
  std::vector<HostTensor> tensors;  // in the order of the operator's enum
  std::vector<int> outputs;         // tensors that expectations speak of, in the oracle's order
  Params params;
  LaunchMode launch = LaunchMode::kStream;
  std::optional<std::string> fla_use_tma;  // the environment variable as the described caller has it
  int sm_count = 0;                        // multiprocessors that the call is told of; 0: those that the device has

  std::vector<plumb_tensor> views() const {
    std::vector<plumb_tensor> result;
    for (const HostTensor& tensor : tensors) result.push_back(tensor.view);
    return result;
  }
};

// A deep copy whose views point into the copy.
Problem clone(const Problem& problem);

}  // namespace plumb
