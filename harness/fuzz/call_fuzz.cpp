// Fuzzes a library's argument validation and selection. Nothing is launched and no tensor is read: supports, select
// and workspace_bytes are pure functions of the description. Calls begin as right ones and are then spoilt.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "harness/fuzz/draw.h"
#include "harness/fuzz/targets.h"
#include "harness/library/library.h"
#include "harness/tune/described_call.h"

namespace plumb {
namespace {

const Library& library() {
  static const Library instance = [] {
    const char* path = std::getenv("PLUMBLINE_FUZZ_LIBRARY");
    if (!path) {
      std::fputs("PLUMBLINE_FUZZ_LIBRARY: expected the path of a library\n", stderr);
      std::exit(2);
    }
    return Library(path);
  }();
  return instance;
}

constexpr const char* kCases[] = {
    "rms_norm/bf16/rows=1024,hidden=4096/seed=7",
    "rms_norm/fp32/rows=3,hidden=513/seed=7",
    "rope/bf16/tokens=1024,hq=32,hk=8,D=128,rotary=128/seed=7",
    "rope/fp16/tokens=3,hq=4,hk=1,D=96,rotary=64/seed=7",
    "qk_norm_rope/bf16/tokens=1024,hq=32,hk=8,hv=8,D=128,rotary=128/seed=7",
    "qk_norm_rope/fp32/tokens=3,hq=4,hk=1,hv=1,D=64,rotary=32/seed=7",
    "solve_tril/bf16/B=1,T=1024,H=32,BT=64/seed=7",
    "solve_tril/fp32/B=2,T=100,H=3,BT=16/seed=7",
};

// One field of the description becomes something else.
void spoil(Draw& draw, plumb_call& call, plumb_device& device, std::vector<plumb_tensor>& tensors,
           std::vector<std::uint8_t>& params) {
  plumb_tensor& tensor = tensors[draw.below(static_cast<std::uint32_t>(tensors.size()))];
  const std::uint32_t axis = draw.below(PLUMB_MAX_RANK);
  switch (draw.below(16)) {
    case 0:
      tensor.abi_version = draw.any<std::uint32_t>();
      break;
    case 1:
      tensor.struct_size = draw.any<std::uint32_t>();
      break;
    case 2:
      tensor.data = draw_address(draw);
      break;
    case 3:
      tensor.data = nullptr;
      break;
    case 4:
      tensor.dtype = draw.between(-1, 6);
      break;
    case 5:
      tensor.rank = draw.between(-1, PLUMB_MAX_RANK + 1);
      break;
    case 6:
    case 7:
      tensor.shape[axis] = draw_extent(draw);
      break;
    case 8:
    case 9:
      tensor.stride[axis] = draw_extent(draw);
      break;
    case 10:
      tensor = tensors[draw.below(static_cast<std::uint32_t>(tensors.size()))];
      break;
    case 11:
      device.sm = draw.one_of({0, 75, 80, 89, 90, 100, 120});
      break;
    case 12:
      device.sm_count = draw.any<std::int32_t>();
      break;
    case 13:
      call.flags = draw.any<std::uint32_t>();
      break;
    case 14:
      call.tensor_count = draw.between(-1, call.tensor_count);
      break;
    case 15:
      params[draw.below(static_cast<std::uint32_t>(params.size()))] = draw.any<std::uint8_t>();
      break;
  }
}

}  // namespace

void fuzz_call(std::span<const std::uint8_t> bytes) {
  Draw draw(bytes);
  static CallDescriber describer;
  const Case point = parse_case(draw.one_of(kCases));
  const plumb_operator* op = library().find(point.schema->operator_name);
  if (!op) return;
  plumb_device device = described_device(draw.one_of({80, 90, 100}));
  device.has_tensor_map = draw.one_in(2);
  plumb_call call = describer.describe(point, device);
  device.fla_use_tma = draw.one_of({static_cast<const char*>(nullptr), "", "0", "1", "yes"});
  std::vector<plumb_tensor> tensors(call.tensors, call.tensors + call.tensor_count);
  // Every parameter struct opens with its version and its size.
  const auto* params_bytes = static_cast<const std::uint8_t*>(call.params);
  std::uint32_t params_size = 0;
  std::memcpy(&params_size, params_bytes + sizeof(std::uint32_t), sizeof params_size);
  std::vector<std::uint8_t> params(params_bytes, params_bytes + params_size);
  for (int faults = draw.between(0, 4); faults > 0; --faults) spoil(draw, call, device, tensors, params);
  call.device = draw.one_in(40) ? nullptr : &device;
  call.params = draw.one_in(40) ? nullptr : params.data();
  call.tensors = draw.one_in(40) ? nullptr : tensors.data();

  const std::int32_t other = draw.any<std::int32_t>();
  for (std::int32_t i = -1; i <= op->variant_count; ++i) {
    const std::int32_t variant = i == -1 ? other : i;
    const plumb_status status = op->supports(&call, variant);
    must(status >= PLUMB_OK && status <= PLUMB_WORKSPACE_TOO_SMALL);
    must(status == PLUMB_OK || library().last_error() != "");
    std::size_t workspace = 0;
    op->workspace_bytes(&call, variant, &workspace);
  }
  std::int32_t selected = -1;
  if (op->select(&call, &selected) == PLUMB_OK) {
    must(selected >= 0 && selected < op->variant_count);
    must(op->supports(&call, selected) == PLUMB_OK);
  }
}

}  // namespace plumb
