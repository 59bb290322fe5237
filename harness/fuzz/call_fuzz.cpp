// Fuzzes the contract's argument validation in a library of operators: any call may be refused, none may crash.
//
// The library is the one named by PLUMBLINE_FUZZ_LIBRARY. Nothing is launched and no tensor is read: supports,
// select and workspace_bytes are pure functions of the description.
#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "harness/library/library.h"

namespace {

const plumb::Library& library() {
  static const plumb::Library instance = [] {
    const char* path = std::getenv("PLUMBLINE_FUZZ_LIBRARY");
    if (!path) {
      std::fputs("PLUMBLINE_FUZZ_LIBRARY: expected the path of a library\n", stderr);
      std::exit(2);
    }
    return plumb::Library(path);
  }();
  return instance;
}

// Mostly what a caller would write, sometimes anything.
std::int64_t extent(FuzzedDataProvider& bytes) {
  static constexpr std::int64_t kUsual[] = {0, 1, 2, 16, 32, 64, 128, 256, 1024, 4096, 70000};
  return bytes.ConsumeBool() ? bytes.PickValueInArray(kUsual) : bytes.ConsumeIntegral<std::int64_t>();
}

plumb_tensor tensor(FuzzedDataProvider& bytes) {
  plumb_tensor result{};
  result.abi_version =
      bytes.ConsumeIntegralInRange(0, 9) ? PLUMB_ABI_VERSION : bytes.ConsumeIntegral<std::uint32_t>();
  result.struct_size =
      bytes.ConsumeIntegralInRange(0, 9) ? sizeof(plumb_tensor) : bytes.ConsumeIntegral<std::uint32_t>();
  result.data =
      reinterpret_cast<void*>(bytes.ConsumeIntegral<std::uint64_t>() & ~bytes.ConsumeIntegral<std::uint8_t>());
  result.dtype = bytes.ConsumeIntegralInRange<std::int32_t>(-1, 6);
  result.rank = bytes.ConsumeIntegralInRange<std::int32_t>(-1, 6);
  for (std::int64_t& value : result.shape) value = extent(bytes);
  for (std::int64_t& value : result.stride) value = extent(bytes);
  return result;
}

void expect(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider bytes(data, size);
  const plumb_library& table = library().table();
  const plumb_operator& op = *table.operator_at(bytes.ConsumeIntegralInRange(0, table.operator_count - 1));

  plumb_device device{PLUMB_ABI_VERSION, sizeof(plumb_device), 0, 90, 132, 232448, 1, 0, 60 << 20, nullptr};
  device.sm = bytes.PickValueInArray({0, 75, 80, 90, 100, 120});
  device.sm_count = bytes.ConsumeIntegral<std::int32_t>();
  device.has_tensor_map = bytes.ConsumeBool();
  device.fla_use_tma = bytes.PickValueInArray({static_cast<const char*>(nullptr), "", "0", "1", "yes"});

  alignas(8) std::array<std::uint8_t, 64> params{};
  // Every parameter struct opens with its version and size; a true pair opens the way to the checks behind.
  const std::uint32_t opening[] = {PLUMB_ABI_VERSION, bytes.ConsumeIntegralInRange<std::uint32_t>(8, 64)};
  bytes.ConsumeData(params.data(), params.size());
  if (bytes.ConsumeIntegralInRange(0, 9))
    std::copy_n(reinterpret_cast<const std::uint8_t*>(opening), 8, params.data());

  std::vector<plumb_tensor> tensors(8);
  for (plumb_tensor& one : tensors) one = tensor(bytes);
  plumb_call call{};
  call.abi_version =
      bytes.ConsumeIntegralInRange(0, 9) ? PLUMB_ABI_VERSION : bytes.ConsumeIntegral<std::uint32_t>();
  call.struct_size =
      bytes.ConsumeIntegralInRange(0, 9) ? sizeof(plumb_call) : bytes.ConsumeIntegral<std::uint32_t>();
  call.device = bytes.ConsumeIntegralInRange(0, 19) ? &device : nullptr;
  call.params = bytes.ConsumeIntegralInRange(0, 19) ? params.data() : nullptr;
  call.tensors = bytes.ConsumeIntegralInRange(0, 19) ? tensors.data() : nullptr;
  call.tensor_count = bytes.ConsumeIntegralInRange<std::int32_t>(-1, 8);
  call.flags = bytes.ConsumeIntegral<std::uint8_t>();

  const std::int32_t forced = bytes.ConsumeBool() ? bytes.ConsumeIntegral<std::int32_t>() : 0;
  for (std::int32_t variant = -1; variant <= op.variant_count; ++variant) {
    const plumb_status status = op.supports(&call, variant == -1 ? forced : variant);
    expect(status >= PLUMB_OK && status <= PLUMB_WORKSPACE_TOO_SMALL);
    expect(status == PLUMB_OK || table.last_error()[0] != '\0');
    std::size_t workspace = 0;
    op.workspace_bytes(&call, variant, &workspace);
  }
  std::int32_t selected = -1;
  if (op.select(&call, &selected) == PLUMB_OK) {
    expect(selected >= 0 && selected < op.variant_count);
    expect(op.supports(&call, selected) == PLUMB_OK);
  }
  return 0;
}
