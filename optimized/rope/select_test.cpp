// rope's selection on described devices: what is served by which variant, and what each bad argument is told.
#include <algorithm>
#include <functional>

#include "optimized/host/test_library.h"
#include "reference/rope/rope.h"

namespace plumb {
namespace {

const plumb_operator& op() { return opened_operator("rope"); }

struct Shape {
  plumb_dtype dtype = PLUMB_BF16;
  plumb_dtype cache_dtype = PLUMB_BF16;
  plumb_rope_style style = PLUMB_ROPE_NEOX;
  std::int64_t tokens = 17, heads_q = 8, heads_k = 2, head_dim = 128;
  int rotary_dim = 128;
  std::int64_t head_padding = 0;           // elements between heads
  std::uintptr_t q = 0, k = 0, cache = 0;  // byte offsets of the addresses
};

DescribedCall<plumb_rope_params> describe(const Shape& s, int sm = 90) {
  DescribedCall<plumb_rope_params> made;
  made.device = described_device(sm);
  made.params.style = s.style;
  made.params.rotary_dim = s.rotary_dim;
  const auto head = s.head_dim + s.head_padding;
  const auto heads = [&](int region, std::uintptr_t offset, std::int64_t count) {
    return make_tensor(made_up_address(region, offset), s.dtype, {s.tokens, count, s.head_dim},
                       {count * head, head, 1});
  };
  made.tensors = {heads(0, s.q, s.heads_q), s.heads_k > 0 ? heads(1, s.k, s.heads_k) : absent_tensor(),
                  make_tensor(made_up_address(2), PLUMB_I64, {s.tokens}),
                  make_tensor(made_up_address(3, s.cache), s.cache_dtype, {1000, s.rotary_dim})};
  return made;
}

// The widest access that divides q, k, the rotated part and, for the pairs of an access, the cache's halves.
std::string expected(const Shape& s) {
  const bool neox = s.style == PLUMB_ROPE_NEOX;
  const auto element = static_cast<std::uint64_t>(size_of(s.dtype));
  const auto cache_element = static_cast<std::uint64_t>(size_of(s.cache_dtype));
  const auto half = static_cast<std::uint64_t>(s.rotary_dim) / 2;
  const auto head = static_cast<std::uint64_t>(s.head_dim + s.head_padding);
  for (const std::uint64_t access : {16, 8, 4}) {
    const std::uint64_t elements = access / element;
    if (elements < 2) continue;
    const std::uint64_t pairs = neox ? elements : elements / 2;
    const std::uint64_t cache_access = std::min<std::uint64_t>(16, pairs * cache_element);
    const std::uint64_t of_heads = s.q | s.k | head * element | (neox ? half : 2 * half) * element;
    const std::uint64_t of_cache = s.cache | half * cache_element;
    if (of_heads % access == 0 && of_cache % cache_access == 0) return "vec" + std::to_string(access);
  }
  return "scalar";
}

TEST(RopeSelect, EveryAlignmentOnEveryDevice) {
  int calls = 0;
  for (const int sm : {80, 90, 100}) {
    for (const auto dtype : {PLUMB_BF16, PLUMB_F16, PLUMB_F32}) {
      for (const auto cache_dtype : {dtype, PLUMB_F32}) {
        for (const auto style : {PLUMB_ROPE_NEOX, PLUMB_ROPE_INTERLEAVED}) {
          for (const int rotary_dim : {2, 4, 6, 8, 12, 16, 64, 96, 128}) {
            for (const std::int64_t head_padding : {0, 1, 2, 4}) {
              for (const std::uintptr_t offset : {0, 2, 4, 8}) {
                for (const int which : {0, 1, 2}) {
                  if (offset % size_of(which == 2 ? cache_dtype : dtype) != 0) continue;
                  Shape s{.dtype = dtype,
                          .cache_dtype = cache_dtype,
                          .style = style,
                          .rotary_dim = rotary_dim,
                          .head_padding = head_padding};
                  (which == 0 ? s.q : which == 1 ? s.k : s.cache) = offset;
                  ASSERT_EQ(choice(op(), describe(s, sm).call(), expected(s)), expected(s))
                      << name_of(dtype) << " cache " << name_of(cache_dtype) << " style " << style << " rotary "
                      << rotary_dim << " padding " << head_padding << " tensor " << which << "+" << offset;
                  ++calls;
                }
              }
            }
          }
        }
      }
    }
  }
  EXPECT_GT(calls, 10000);
}

TEST(RopeSelect, ChosenByHand) {
  struct Row {
    const char* variant;
    const char* why;
    Shape shape;
  };
  const Row rows[] = {
      {"vec16", "the usual call", {}},
      {"vec16", "no k", {.heads_k = 0}},
      {"vec16", "six whole vectors in half of 96", {.rotary_dim = 96}},
      {"vec8", "half of 8 is 4 elements, 8 bytes", {.rotary_dim = 8}},
      {"vec4", "half of 12 is 6 elements, 12 bytes", {.rotary_dim = 12}},
      {"scalar", "half of 6 is 3 elements", {.rotary_dim = 6}},
      {"vec4",
       "interleaved, 6 elements are 3 accesses of one pair",
       {.style = PLUMB_ROPE_INTERLEAVED, .rotary_dim = 6}},
      {"vec8", "the cache's address counts: 4 cosines are 8 bytes", {.cache = 8}},
      {"vec16",
       "interleaved, 16 bytes hold 4 pairs, whose cosines are 8",
       {.style = PLUMB_ROPE_INTERLEAVED, .cache = 8}},
      {"vec4", "an fp32 cache: 2 cosines are 8 bytes", {.cache_dtype = PLUMB_F32, .cache = 8}},
      {"scalar", "k's address counts", {.k = 2}},
      {"scalar", "an odd head stride", {.head_padding = 1}},
  };
  for (const auto& row : rows)
    EXPECT_EQ(selected(op(), describe(row.shape, kPlainSm).call()), row.variant) << row.why;

  auto spread = describe({});
  spread.tensors[0].stride[2] = 8;  // [tokens, head_dim, heads] in memory
  spread.tensors[0].stride[1] = 1;
  EXPECT_EQ(selected(op(), spread.call()), "scalar");
  expect_unsupported(op(), spread.call(), "vec16", "q.stride[2] is 8, not 1");
}

TEST(RopeSelect, SaysWhyAVariantCannotServe) {
  expect_unsupported(op(), describe({.q = 4}).call(), "vec8", "q has address 0x100000000004, no multiple of 8");
  expect_unsupported(op(), describe({.head_padding = 1}).call(), "vec4", "q has stride[1] of 258 bytes");
  expect_unsupported(op(), describe({.rotary_dim = 12}).call(), "vec16", "a half of 12 bytes is no multiple of 16");
  expect_unsupported(op(), describe({.cache = 8}).call(), "vec16", "cos_sin_cache has address");
  expect_unsupported(op(), describe({.dtype = PLUMB_F32, .cache_dtype = PLUMB_F32}).call(), "vec4",
                     "q.dtype is fp32");
  expect_unsupported(op(), describe({.style = PLUMB_ROPE_INTERLEAVED, .rotary_dim = 20}).call(), "vec16",
                     "a rotated part of 40 bytes");
}

TEST(RopeSelect, TellsTheBadArgument) {
  using Call = DescribedCall<plumb_rope_params>;
  struct Row {
    const char* words;
    std::function<void(Call&)> spoil;
  };
  const Row rows[] = {
      {"style is 2; expected 0 .. 1", [](Call& c) { c.params.style = 2; }},
      {"rotary_dim is 130; expected 2 .. 128", [](Call& c) { c.params.rotary_dim = 130; }},
      {"rotary_dim is 0", [](Call& c) { c.params.rotary_dim = 0; }},
      {"rotary_dim is 63; expected an even number", [](Call& c) { c.params.rotary_dim = 63; }},
      {"q.rank is 2; expected 3", [](Call& c) { c.tensors[0].rank = 2; }},
      {"q.data is NULL", [](Call& c) { c.tensors[0].data = nullptr; }},
      {"q has an axis with a stride of", [](Call& c) { c.tensors[0].stride[1] = 64; }},
      {"k.dtype is fp16; expected bf16, q's type", [](Call& c) { c.tensors[1].dtype = PLUMB_F16; }},
      {"k.shape[0] is 16; expected 17", [](Call& c) { c.tensors[1].shape[0] = 16; }},
      {"k.shape[2] is 64; expected 128", [](Call& c) { c.tensors[1].shape[2] = 64; }},
      {"positions.dtype is i32; expected i64", [](Call& c) { c.tensors[2].dtype = PLUMB_I32; }},
      {"positions.shape[0] is 18", [](Call& c) { c.tensors[2].shape[0] = 18; }},
      {"positions.stride[0] is 2", [](Call& c) { c.tensors[2].stride[0] = 2; }},
      {"cos_sin_cache.shape[1] is 64; expected 128", [](Call& c) { c.tensors[3].shape[1] = 64; }},
      {"cos_sin_cache.stride[0] is 256; expected 128", [](Call& c) { c.tensors[3].stride[0] = 256; }},
      {"cos_sin_cache.dtype is fp16", [](Call& c) { c.tensors[3].dtype = PLUMB_F16; }},
      {"k.data is", [](Call& c) { c.tensors[1].data = c.tensors[0].data; }},
      {"positions's", [](Call& c) { c.tensors[2].data = made_up_address(0, 256); }},
      {"cos_sin_cache's", [](Call& c) { c.tensors[3].data = made_up_address(1, 256); }},
  };
  for (const auto& row : rows) {
    auto call = describe({});
    row.spoil(call);
    expect_invalid(op(), call.call(), row.words);
  }
}

TEST(RopeSelect, TellsPackedHeadsApart) {
  // q and k are parts of one packed row of 8 + 2 + 2 heads.
  auto packed = describe({}, kPlainSm);
  packed.tensors[0].stride[0] = packed.tensors[1].stride[0] = 12 * 128;
  packed.tensors[1].data = made_up_address(0, 8 * 128 * 2);
  EXPECT_EQ(selected(op(), packed.call()), "vec16");

  packed.tensors[1].data = made_up_address(0, 7 * 128 * 2);  // k's first head is q's last
  EXPECT_EQ(selected(op(), packed.call()), "invalid");

  packed.tensors[1].data = made_up_address(0, 11 * 128 * 2);  // k's second head is q's first of the next token
  EXPECT_EQ(selected(op(), packed.call()), "invalid");

  // Every head of q lies beside one of k.
  auto alternating = describe({.heads_q = 4, .heads_k = 4}, kPlainSm);
  for (int i : {0, 1}) {
    alternating.tensors[i].stride[0] = 8 * 128;
    alternating.tensors[i].stride[1] = 2 * 128;
  }
  alternating.tensors[1].data = made_up_address(0, 128 * 2);
  EXPECT_EQ(selected(op(), alternating.call()), "vec16");
}

TEST(RopeSelect, DoesNothingWithNoTokens) {
  auto call = describe({.tokens = 0});
  call.device.ordinal = 77;  // no such device: nothing may be launched
  const auto made = call.call();
  for (std::int32_t i = 0; i < op().variant_count; ++i) {
    std::int32_t served = 5;
    EXPECT_EQ(op().launch(&made, i, &served), PLUMB_OK) << opened_library().last_error();
    EXPECT_EQ(served, -1);
  }
}

}  // namespace
}  // namespace plumb
