// qk_norm_rope's selection on described devices: which variant serves what, and what each bad argument is told.
#include <bit>
#include <functional>

#include "optimized/host/test_library.h"
#include "reference/qk_norm_rope/qk_norm_rope.h"

namespace plumb {
namespace {

const plumb_operator& op() { return opened_operator("qk_norm_rope"); }

struct Shape {
  plumb_dtype dtype = PLUMB_BF16;
  plumb_dtype cache_dtype = PLUMB_BF16;
  plumb_rope_style style = PLUMB_ROPE_NEOX;
  std::int64_t tokens = 17;
  int heads_q = 8, heads_k = 2, heads_v = 2, head_dim = 128, rotary_dim = 128, heads_per_warp = -1;
  std::int64_t padding = 0;                                       // elements between tokens
  std::uintptr_t qkv = 0, q_weight = 0, k_weight = 0, cache = 0;  // byte offsets of the addresses
};

DescribedCall<plumb_qk_norm_rope_params> describe(const Shape& s, int sm = 90) {
  DescribedCall<plumb_qk_norm_rope_params> made;
  made.device = described_device(sm);
  auto& p = made.params;
  p.heads_q = s.heads_q, p.heads_k = s.heads_k, p.heads_v = s.heads_v;
  p.head_dim = s.head_dim, p.rotary_dim = s.rotary_dim;
  p.style = s.style;
  p.heads_per_warp = s.heads_per_warp;
  p.eps = 1e-6f;
  const std::int64_t row = std::int64_t{s.heads_q + s.heads_k + s.heads_v} * s.head_dim;
  made.tensors = {make_tensor(made_up_address(0, s.qkv), s.dtype, {s.tokens, row}, {row + s.padding, 1}),
                  make_tensor(made_up_address(1, s.q_weight), s.dtype, {s.head_dim}),
                  make_tensor(made_up_address(2, s.k_weight), s.dtype, {s.head_dim}),
                  make_tensor(made_up_address(3), PLUMB_I64, {s.tokens}),
                  make_tensor(made_up_address(4, s.cache), s.cache_dtype, {1000, s.rotary_dim})};
  return made;
}

// The rules, kind by kind, in order of preference.
std::string expected(const Shape& s) {
  const auto element = static_cast<std::uint64_t>(size_of(s.dtype));
  const auto cache_row = static_cast<std::uint64_t>(s.rotary_dim) * size_of(s.cache_dtype);
  const std::string d = "d" + std::to_string(s.head_dim);
  const bool known_dim = s.head_dim == 64 || s.head_dim == 128 || s.head_dim == 256;
  const bool whole_leaves = s.style == PLUMB_ROPE_INTERLEAVED
                                ? s.rotary_dim % 8 == 0
                                : s.rotary_dim >= 16 && std::has_single_bit(static_cast<unsigned>(s.rotary_dim));
  const std::uint64_t bits = 16 | s.qkv | s.q_weight | s.k_weight | s.cache | cache_row |
                             static_cast<std::uint64_t>(s.padding) * element;  // a row itself is a multiple of 16
  const bool forced = s.heads_per_warp != -1;
  if (known_dim && !forced && whole_leaves && bits % 16 == 0) return d + "_direct";
  if (known_dim && bits % 16 == 0) return d + "_staged_h" + std::to_string(forced ? s.heads_per_warp : 4);
  if (forced) return "unsupported";
  if (known_dim && whole_leaves && bits % 8 == 0) return d + "_vec8";
  if (known_dim && whole_leaves && bits % 4 == 0) return d + "_vec4";
  if (known_dim && whole_leaves && element == 2) return d + "_vec2";
  return "scalar";
}

TEST(QkNormRopeSelect, EveryAlignmentOnEveryDevice) {
  int calls = 0;
  for (const int sm : {80, 90, 100}) {
    for (const auto dtype : {PLUMB_BF16, PLUMB_F16, PLUMB_F32}) {
      for (const auto cache_dtype : {dtype, PLUMB_F32}) {
        for (const auto style : {PLUMB_ROPE_NEOX, PLUMB_ROPE_INTERLEAVED}) {
          for (const int head_dim : {64, 80, 128, 256, 512}) {
            for (const int rotary_dim : {2, 6, 8, 12, 16, 24, 32, 64, 96, 128, 192, 256}) {
              for (const int heads_per_warp : {-1, 1, 2, 4, 8}) {
                for (const std::uintptr_t offset : {0, 2, 4, 8}) {
                  for (const int which : {0, 1, 2, 3, 4}) {
                    if (rotary_dim > head_dim || offset % size_of(which == 3 ? cache_dtype : dtype) != 0) continue;
                    Shape s{.dtype = dtype,
                            .cache_dtype = cache_dtype,
                            .style = style,
                            .head_dim = head_dim,
                            .rotary_dim = rotary_dim,
                            .heads_per_warp = heads_per_warp};
                    std::uintptr_t* const moved[] = {&s.qkv, &s.q_weight, &s.k_weight, &s.cache};
                    if (which < 4) {
                      *moved[which] = offset;
                    } else {
                      s.padding = static_cast<std::int64_t>(offset / size_of(dtype));
                    }
                    ASSERT_EQ(choice(op(), describe(s, sm).call(), expected(s)), expected(s))
                        << name_of(dtype) << " cache " << name_of(cache_dtype) << " style " << style << " D "
                        << head_dim << " rotary " << rotary_dim << " heads per warp " << heads_per_warp
                        << " tensor " << which << "+" << offset;
                    ++calls;
                  }
                }
              }
            }
          }
        }
      }
    }
  }
  EXPECT_GT(calls, 100000);
}

TEST(QkNormRopeSelect, ChosenByHand) {
  struct Row {
    const char* variant;
    const char* why;
    Shape shape;
  };
  const Row rows[] = {
      {"d128_direct", "the usual call", {}},
      {"d256_direct", "a quarter of the head is rotated", {.head_dim = 256, .rotary_dim = 64}},
      {"d128_staged_h4", "96 is no power of two: pairs do not meet in a lane", {.rotary_dim = 96}},
      {"d128_direct", "interleaved pairs always do", {.style = PLUMB_ROPE_INTERLEAVED, .rotary_dim = 96}},
      {"d128_staged_h4", "half of 8 is half a leaf", {.rotary_dim = 8}},
      {"d128_staged_h4", "12 fp32 cosines and sines are 48 bytes", {.cache_dtype = PLUMB_F32, .rotary_dim = 12}},
      {"scalar", "12 bf16 ones are 24 bytes", {.rotary_dim = 12}},
      {"scalar", "a size of head without a variant", {.head_dim = 80, .rotary_dim = 80}},
      {"d128_staged_h8", "forced", {.heads_per_warp = 8}},
      {"unsupported", "forced, but qkv is not aligned", {.heads_per_warp = 8, .qkv = 8}},
      {"unsupported", "forced, but only the cache's base is not aligned", {.heads_per_warp = 2, .cache = 8}},
      {"d128_vec8", "not forced: narrower accesses", {.cache = 8}},
      {"d128_vec4", "the k weight's address counts", {.k_weight = 4}},
      {"d128_vec2", "an odd row stride", {.padding = 1}},
      {"d128_vec4", "an odd row stride of fp32", {.dtype = PLUMB_F32, .cache_dtype = PLUMB_F32, .padding = 1}},
      {"d128_direct", "the stride of a single token means nothing", {.tokens = 1, .padding = 1}},
  };
  for (const auto& row : rows)
    EXPECT_EQ(selected(op(), describe(row.shape, kPlainSm).call()), row.variant) << row.why;
}

TEST(QkNormRopeSelect, SaysWhyAVariantCannotServe) {
  expect_unsupported(op(), describe({.qkv = 8}).call(), "d128_staged_h4", "qkv has address 0x100000000008");
  expect_unsupported(op(), describe({.cache = 8}).call(), "d128_staged_h1", "cos_sin_cache has address");
  expect_unsupported(op(), describe({.rotary_dim = 12}).call(), "d128_staged_h2",
                     "cos_sin_cache has stride[0] of 24");
  expect_unsupported(op(), describe({.rotary_dim = 96}).call(), "d128_direct", "rotary_dim is 96, not 16 times");
  expect_unsupported(op(), describe({}).call(), "d64_direct", "head_dim is 128, not 64");
  expect_unsupported(op(), describe({.heads_per_warp = 4}).call(), "d128_direct", "heads_per_warp is 4");
  expect_unsupported(op(), describe({.heads_per_warp = 4}).call(), "d128_staged_h8", "heads_per_warp is 4");
  expect_unsupported(op(), describe({.heads_per_warp = 4}).call(), "scalar", "heads_per_warp is 4");
  expect_unsupported(op(), describe({.style = PLUMB_ROPE_INTERLEAVED, .rotary_dim = 12}).call(), "d128_vec4",
                     "no multiple of 8");
  expect_unsupported(op(), describe({.dtype = PLUMB_F32, .cache_dtype = PLUMB_F32}).call(), "d128_vec2",
                     "qkv.dtype is fp32");

  auto one_position = describe({.rotary_dim = 12});
  one_position.tensors[4].shape[0] = 1;  // its stride means nothing, its length does
  expect_unsupported(op(), one_position.call(), "d128_staged_h2", "a row of cos_sin_cache is 24 bytes");

  auto small = describe({.dtype = PLUMB_F32, .cache_dtype = PLUMB_F32, .head_dim = 256, .rotary_dim = 256});
  small.device.smem_per_block = 48 * 1024;
  expect_unsupported(op(), small.call(), "d256_staged_h8", "needs 65536 bytes of shared memory");
}

TEST(QkNormRopeSelect, TellsTheBadArgument) {
  using Call = DescribedCall<plumb_qk_norm_rope_params>;
  struct Row {
    const char* words;
    std::function<void(Call&)> spoil;
  };
  const Row rows[] = {
      {"heads_q is 0; expected 1 ..", [](Call& c) { c.params.heads_q = 0; }},
      {"heads_k is -1", [](Call& c) { c.params.heads_k = -1; }},
      {"heads_v is -1", [](Call& c) { c.params.heads_v = -1; }},
      {"head_dim is 514; expected 2 .. 512", [](Call& c) { c.params.head_dim = 514; }},
      {"head_dim is 127; expected an even number", [](Call& c) { c.params.head_dim = 127; }},
      {"rotary_dim is 256; expected 2 .. 128", [](Call& c) { c.params.rotary_dim = 256; }},
      {"rotary_dim is 5; expected an even number", [](Call& c) { c.params.rotary_dim = 5; }},
      {"style is -1", [](Call& c) { c.params.style = -1; }},
      {"heads_per_warp is 3; expected -1, 1, 2, 4 or 8", [](Call& c) { c.params.heads_per_warp = 3; }},
      {"heads_per_warp is 0", [](Call& c) { c.params.heads_per_warp = 0; }},
      {"heads_per_warp is 16", [](Call& c) { c.params.heads_per_warp = 16; }},
      {"eps is inf", [](Call& c) { c.params.eps = std::numeric_limits<float>::infinity(); }},
      {"qkv.shape[1] is 1536; expected 1408", [](Call& c) { c.params.heads_v = 1; }},
      {"qkv.stride[1] is 3; expected 1", [](Call& c) { c.tensors[0].stride[1] = 3; }},
      {"qkv.data is NULL", [](Call& c) { c.tensors[0].data = nullptr; }},
      {"qkv has an axis with a stride of 2 bytes", [](Call& c) { c.tensors[0].stride[0] = 1; }},
      {"q_weight.dtype is fp32; expected bf16, qkv's type", [](Call& c) { c.tensors[1].dtype = PLUMB_F32; }},
      {"q_weight.shape[0] is 64", [](Call& c) { c.tensors[1].shape[0] = 64; }},
      {"k_weight.shape[0] is 64", [](Call& c) { c.tensors[2].shape[0] = 64; }},
      {"k_weight.data is NULL", [](Call& c) { c.tensors[2].data = nullptr; }},
      {"positions.dtype is i32; expected i64", [](Call& c) { c.tensors[3].dtype = PLUMB_I32; }},
      {"positions.shape[0] is 16; expected 17", [](Call& c) { c.tensors[3].shape[0] = 16; }},
      {"cos_sin_cache.shape[1] is 64; expected 128", [](Call& c) { c.tensors[4].shape[1] = 64; }},
      {"cos_sin_cache.stride[0] is 136", [](Call& c) { c.tensors[4].stride[0] = 136; }},
      {"cos_sin_cache.dtype is fp16", [](Call& c) { c.tensors[4].dtype = PLUMB_F16; }},
      {"q_weight's", [](Call& c) { c.tensors[1].data = made_up_address(0, 64); }},
      {"cos_sin_cache's", [](Call& c) { c.tensors[4].data = made_up_address(0, 64); }},
  };
  for (const auto& row : rows) {
    auto call = describe({});
    row.spoil(call);
    expect_invalid(op(), call.call(), row.words);
  }
}

TEST(QkNormRopeSelect, DoesNothingWithNoTokens) {
  auto call = describe({.tokens = 0});
  call.device.ordinal = 77;  // no such device: nothing may be launched
  const auto made = call.call();
  for (std::int32_t i = 0; i < op().variant_count; ++i) {
    if (op().supports(&made, i) != PLUMB_OK) continue;
    std::int32_t served = 5;
    EXPECT_EQ(op().launch(&made, i, &served), PLUMB_OK) << opened_library().last_error();
    EXPECT_EQ(served, -1);
  }
}

}  // namespace
}  // namespace plumb
