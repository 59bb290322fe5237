// Fuzzes the checks of which the optimized library's argument validation is made (optimized/host/call.h).
#include <array>

#include "harness/fuzz/draw.h"
#include "harness/fuzz/targets.h"
#include "optimized/host/call.h"

namespace plumb {
namespace {

plumb_tensor draw_tensor(Draw& draw) {
  plumb_tensor tensor{};
  tensor.abi_version = draw.one_in(40) ? draw.any<std::uint32_t>() : PLUMB_ABI_VERSION;
  tensor.struct_size = draw.one_in(40) ? draw.any<std::uint32_t>() : sizeof(plumb_tensor);
  tensor.data = draw_address(draw);
  tensor.dtype = draw.one_in(16) ? draw.any<std::int32_t>() : draw.between(PLUMB_F32, PLUMB_I64);
  tensor.rank = draw.one_in(16) ? draw.any<std::int32_t>() : draw.between(0, PLUMB_MAX_RANK);
  for (std::int64_t& value : tensor.shape) value = draw_extent(draw);
  for (std::int64_t& value : tensor.stride) value = draw_extent(draw);
  return tensor;
}

}  // namespace

void fuzz_checks(std::span<const std::uint8_t> bytes) {
  Draw draw(bytes);
  std::array<plumb_tensor, 2> tensors = {draw_tensor(draw), draw_tensor(draw)};
  plumb_device device{PLUMB_ABI_VERSION,
                      sizeof(plumb_device),
                      0,
                      draw.between(70, 121),
                      draw.any<std::int32_t>(),
                      232448,
                      1,
                      0,
                      60 << 20,
                      nullptr};
  const plumb_device params{PLUMB_ABI_VERSION, draw.any<std::uint32_t>(), 0, 0, 0, 0, 0, 0, 0, nullptr};
  plumb_call call{};
  call.abi_version = draw.one_in(40) ? draw.any<std::uint32_t>() : PLUMB_ABI_VERSION;
  call.struct_size = draw.one_in(40) ? draw.any<std::uint32_t>() : sizeof(plumb_call);
  call.device = draw.one_in(40) ? nullptr : &device;
  call.params = draw.one_in(40) ? nullptr : &params;
  call.tensors = draw.one_in(40) ? nullptr : tensors.data();
  call.tensor_count = draw.one_in(8) ? draw.any<std::int32_t>() : 2;
  call.flags = draw.any<std::uint8_t>();
  const bool is_call = check_call(&call, draw.below(64), 2);
  must(is_call || last_error()[0] != '\0');

  // As an operator does: tensors that are right by themselves are held against one another.
  bool right = true;
  for (const plumb_tensor& tensor : tensors) {
    const TensorRule rule{
        .name = "x",
        .rank = draw.one_in(4) ? draw.between(1, PLUMB_MAX_RANK) : std::clamp(tensor.rank, 1, PLUMB_MAX_RANK),
        .dtypes = draw.one_in(2) ? kModelDtypes : kModelDtypes | kIntegerDtypes,
        .optional = draw.one_in(4),
        .unit_stride = draw.one_in(2),
        .written = draw.one_in(2)};
    right &= check_tensor(tensor, rule);
  }
  if (!right) {
    must(last_error()[0] != '\0');
    return;
  }
  const bool there = check_disjoint(tensors[0], "a", tensors[1], "b");
  must(there == check_disjoint(tensors[1], "b", tensors[0], "a"));
  for (const plumb_tensor& tensor : tensors) {
    const int alignment = 1 << draw.below(5);
    must((misaligned_part(tensor, alignment) == nullptr) == (row_alignment(tensor) >= alignment));
  }
}

}  // namespace plumb
