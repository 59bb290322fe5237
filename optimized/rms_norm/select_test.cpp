// rms_norm's selection on described devices: what is served by which variant, and what each bad argument is told.
#include <functional>

#include "optimized/host/test_library.h"
#include "reference/rms_norm/rms_norm.h"

namespace plumb {
namespace {

const plumb_operator& op() { return opened_operator("rms_norm"); }

struct Shape {
  plumb_dtype dtype = PLUMB_BF16;
  plumb_dtype weight_dtype = PLUMB_BF16;
  std::int64_t rows = 3, hidden = 4096, padding = 0;      // padding: elements between rows
  std::uintptr_t x = 0, weight = 0, residual = 0, y = 0;  // byte offsets of the addresses
  bool with_residual = true;
};

DescribedCall<plumb_rms_norm_params> describe(const Shape& s, int sm = 90) {
  DescribedCall<plumb_rms_norm_params> made;
  made.device = described_device(sm);
  made.params.eps = 1e-6f;
  const auto rows = [&](int region, std::uintptr_t offset) {
    return make_tensor(made_up_address(region, offset), s.dtype, {s.rows, s.hidden}, {s.hidden + s.padding, 1});
  };
  made.tensors = {rows(0, s.x), make_tensor(made_up_address(1, s.weight), s.weight_dtype, {s.hidden}),
                  s.with_residual ? rows(2, s.residual) : absent_tensor(), rows(3, s.y)};
  return made;
}

// What must be a multiple of the access, and which variant that leaves.
std::string expected(const Shape& s) {
  const auto element = static_cast<std::uint64_t>(size_of(s.dtype));
  std::uint64_t bits = 16 | s.x | s.weight | s.y | static_cast<std::uint64_t>(s.hidden) * element;
  if (s.with_residual) bits |= s.residual;
  if (s.rows > 1) bits |= static_cast<std::uint64_t>(s.hidden + s.padding) * element;
  if (bits % 16 == 0) return "vec16";
  if (bits % 8 == 0) return "vec8";
  if (bits % 4 == 0 && element == 2) return "vec4";  // an fp32 access of 4 bytes is the scalar variant
  return "scalar";
}

TEST(RmsNormSelect, EveryAlignmentOnEveryDevice) {
  int calls = 0;
  for (const int sm : {80, 90, 100}) {
    for (const auto dtype : {PLUMB_BF16, PLUMB_F16, PLUMB_F32}) {
      for (const std::int64_t hidden : {1, 2, 3, 4, 6, 8, 128, 769, 4096, 65536, 100000}) {
        for (const std::int64_t padding : {0, 1, 2, 4, 8}) {
          for (const std::uintptr_t x : {0, 2, 4, 8}) {
            for (const std::uintptr_t other : {0, 2, 4, 8}) {
              for (const int which : {1, 2, 3}) {  // the other tensor that is moved
                if ((x | other) % size_of(dtype) != 0) continue;
                Shape s{.dtype = dtype, .weight_dtype = dtype, .hidden = hidden, .padding = padding, .x = x};
                (which == 1 ? s.weight : which == 2 ? s.residual : s.y) = other;
                ASSERT_EQ(choice(op(), describe(s, sm).call(), expected(s)), expected(s))
                    << name_of(dtype) << " hidden " << hidden << " padding " << padding << " x+" << x << " tensor "
                    << which << "+" << other;
                ++calls;
              }
            }
          }
        }
      }
    }
  }
  EXPECT_GT(calls, 10000);
}

TEST(RmsNormSelect, ChosenByHand) {
  struct Row {
    const char* variant;
    const char* why;
    Shape shape;
  };
  const Row rows[] = {
      {"vec16", "the usual call", {}},
      {"vec16", "an fp32 weight is only aligned to what it is", {.weight_dtype = PLUMB_F32}},
      {"vec16", "the stride of a single row means nothing", {.rows = 1, .padding = 1}},
      {"vec16", "an absent residual asks for nothing", {.residual = 2, .with_residual = false}},
      {"vec16", "an empty tensor has no addresses", {.rows = 0, .x = 2, .y = 2}},
      {"vec8", "rows of 8-byte multiples", {.hidden = 4, .with_residual = false}},
      {"vec8", "the output's address counts", {.y = 8}},
      {"vec4", "the weight's address counts", {.weight = 4}},
      {"scalar", "the residual's address counts", {.residual = 2}},
      {"scalar", "an odd hidden size", {.hidden = 769}},
      {"scalar", "an odd row stride", {.padding = 1}},
  };
  for (const auto& row : rows)
    EXPECT_EQ(selected(op(), describe(row.shape, kPlainSm).call()), row.variant) << row.why;
}

TEST(RmsNormSelect, SaysWhyAVariantCannotServe) {
  expect_unsupported(op(), describe({.x = 8}).call(), "vec16", "x has address 0x100000000008, no multiple of 16");
  expect_unsupported(op(), describe({.padding = 3}).call(), "vec4",
                     "x has stride[0] of 8198 bytes, no multiple of 4");
  expect_unsupported(op(), describe({.hidden = 769}).call(), "vec8", "hidden is 769, 1538 bytes, no multiple of 8");
  expect_unsupported(op(), describe({.dtype = PLUMB_F32, .weight_dtype = PLUMB_F32}).call(), "vec4",
                     "x.dtype is fp32");
}

TEST(RmsNormSelect, TellsTheBadArgument) {
  using Call = DescribedCall<plumb_rms_norm_params>;
  struct Row {
    const char* words;
    std::function<void(Call&)> spoil;
  };
  const Row rows[] = {
      {"device.abi_version is 7", [](Call& c) { c.device.abi_version = 7; }},
      {"device.ordinal is -1", [](Call& c) { c.device.ordinal = -1; }},
      {"device.sm is 75", [](Call& c) { c.device.sm = 75; }},
      {"device.sm_count is 0", [](Call& c) { c.device.sm_count = 0; }},
      {"params.struct_size is 8", [](Call& c) { c.params.struct_size = 8; }},
      {"tensor_count is 3; expected 4", [](Call& c) { c.tensors.pop_back(); }},
      {"tensors[1].struct_size is 4", [](Call& c) { c.tensors[1].struct_size = 4; }},
      {"eps is -1", [](Call& c) { c.params.eps = -1.0f; }},
      {"eps is nan", [](Call& c) { c.params.eps = std::numeric_limits<float>::quiet_NaN(); }},
      {"rounding is 2; expected 0 .. 1", [](Call& c) { c.params.rounding = 2; }},
      {"x.rank is 1; expected 2", [](Call& c) { c.tensors[0].rank = 1; }},
      {"x.dtype is i64; expected fp32 or bf16 or fp16", [](Call& c) { c.tensors[0].dtype = PLUMB_I64; }},
      {"x.dtype is 99", [](Call& c) { c.tensors[0].dtype = 99; }},
      {"x.shape[0] is -3", [](Call& c) { c.tensors[0].shape[0] = -3; }},
      {"x.shape[1] (hidden) is 0", [](Call& c) { c.tensors[0].shape[1] = 0; }},
      {"x.stride[0] is -1", [](Call& c) { c.tensors[0].stride[0] = -1; }},
      {"x.stride[1] is 2; expected 1", [](Call& c) { c.tensors[0].stride[1] = 2; }},
      {"x.data is NULL", [](Call& c) { c.tensors[0].data = nullptr; }},
      {"x.data is 0x100000000001", [](Call& c) { c.tensors[0].data = made_up_address(0, 1); }},
      {"x spans more than 2^59", [](Call& c) { c.tensors[0].stride[0] = std::int64_t{1} << 60; }},
      {"weight.shape[0] is 4095; expected 4096", [](Call& c) { c.tensors[1].shape[0] = 4095; }},
      {"weight.dtype is fp16; expected fp32 or bf16, x's type", [](Call& c) { c.tensors[1].dtype = PLUMB_F16; }},
      {"residual.dtype is fp32", [](Call& c) { c.tensors[2].dtype = PLUMB_F32; }},
      {"residual.shape[0] is 4; expected 3", [](Call& c) { c.tensors[2].shape[0] = 4; }},
      {"residual has an axis with a stride of 4096 bytes", [](Call& c) { c.tensors[2].stride[0] = 2048; }},
      {"y.shape[1] is 4000", [](Call& c) { c.tensors[3].shape[1] = 4000; }},
      {"y has an axis with a stride of 0 bytes", [](Call& c) { c.tensors[3].stride[0] = 0; }},
      {"x's elements at", [](Call& c) { c.tensors[3].data = made_up_address(0, 2); }},
      {"weight's", [](Call& c) { c.tensors[1].data = made_up_address(3, 64); }},
      {"residual's", [](Call& c) { c.tensors[2].data = c.tensors[0].data; }},
      {"residual.data is", [](Call& c) { c.tensors[2].data = c.tensors[3].data; }},
  };
  for (const auto& row : rows) {
    auto call = describe({});
    row.spoil(call);
    expect_invalid(op(), call.call(), row.words);
  }
}

TEST(RmsNormSelect, TakesInterleavedAndInPlaceOutputs) {
  auto in_place = describe({}, kPlainSm);
  in_place.tensors[3].data = in_place.tensors[0].data;
  EXPECT_EQ(selected(op(), in_place.call()), "vec16");

  auto side_by_side = describe({.padding = 4096}, kPlainSm);  // x and y are the halves of one buffer's rows
  side_by_side.tensors[3].data = made_up_address(0, 4096 * 2);
  EXPECT_EQ(selected(op(), side_by_side.call()), "vec16");

  auto overlapping = describe({.padding = 4095});
  overlapping.tensors[3].data = made_up_address(0, 4096 * 2);
  EXPECT_EQ(selected(op(), overlapping.call()), "invalid");
}

TEST(RmsNormSelect, DoesNothingWithNoRows) {
  auto call = describe({.rows = 0});
  for (auto& tensor : call.tensors) tensor.data = tensor.rank == 2 ? nullptr : tensor.data;
  call.device.ordinal = 77;  // no such device: nothing may be launched
  const auto made = call.call();
  for (std::int32_t i = 0; i < op().variant_count; ++i) {
    std::int32_t served = 5;
    EXPECT_EQ(op().launch(&made, i, &served), PLUMB_OK) << opened_library().last_error();
    EXPECT_EQ(served, -1);
  }
}

TEST(RmsNormSelect, RefusesVariantsItDoesNotHave) {
  const auto described = describe({});
  const auto call = described.call();
  for (const std::int32_t index : {-1, op().variant_count}) {
    EXPECT_EQ(op().supports(&call, index), PLUMB_INVALID_ARGUMENT);
    EXPECT_EQ(op().variant(index), nullptr);
  }
}

}  // namespace
}  // namespace plumb
