// solve_tril's selection on described devices: what is served by which variant, and what each bad argument is told.
#include <functional>

#include "optimized/host/test_library.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb {
namespace {

const plumb_operator& op() { return opened_operator("solve_tril"); }

struct Shape {
  plumb_dtype a_dtype = PLUMB_F32;
  plumb_dtype x_dtype = PLUMB_BF16;
  std::int64_t batches = 1, tokens = 8192, heads = 32, chunk = 64;
  std::int64_t a_padding = 0, x_padding = 0;  // elements between heads
  std::uintptr_t a = 0, x = 0;                // byte offsets of the addresses
  std::int64_t sequences = 0;                 // 0: no cu_seqlens
  plumb_precision precision = PLUMB_IEEE;
  plumb_tma tma = PLUMB_TMA_AUTO;
};

DescribedCall<plumb_solve_tril_params> describe(const Shape& s, int sm = 90) {
  DescribedCall<plumb_solve_tril_params> made;
  made.device = described_device(sm);
  made.params.precision = s.precision;
  made.params.tma = s.tma;
  const auto tensor = [&](int region, std::uintptr_t offset, plumb_dtype dtype, std::int64_t padding) {
    const auto head = s.chunk + padding;
    return make_tensor(made_up_address(region, offset), dtype, {s.batches, s.tokens, s.heads, s.chunk},
                       {s.tokens * s.heads * head, s.heads * head, head, 1});
  };
  made.tensors = {
      tensor(0, s.a, s.a_dtype, s.a_padding), tensor(1, s.x, s.x_dtype, s.x_padding),
      s.sequences > 0 ? make_tensor(made_up_address(2), PLUMB_I32, {s.sequences + 1}) : absent_tensor()};
  return made;
}

constexpr plumb_dtype kDtypes[] = {PLUMB_F32, PLUMB_BF16, PLUMB_F16};

bool in_16_bytes(plumb_dtype dtype, std::uintptr_t offset, std::int64_t padding) {
  return offset % 16 == 0 && padding * static_cast<std::int64_t>(size_of(dtype)) % 16 == 0;
}

// Every way in which one of a and x can be off a multiple of 16 bytes, of every chunk size.
template <class Visit>
void for_each_layout(Visit visit) {
  for (const std::int64_t chunk : {16, 32, 64}) {
    for (const auto a_dtype : kDtypes) {
      for (const auto x_dtype : kDtypes) {
        for (const std::uintptr_t a : {0, 2, 4, 8, 16}) {
          for (const std::uintptr_t x : {0, 2, 4, 8, 16}) {
            if (a % size_of(a_dtype) != 0 || x % size_of(x_dtype) != 0) continue;
            for (const std::int64_t a_padding : {0, 1, 4, 8}) {
              for (const std::int64_t x_padding : {0, 1, 4, 8}) {
                visit(Shape{.a_dtype = a_dtype,
                            .x_dtype = x_dtype,
                            .chunk = chunk,
                            .a_padding = a_padding,
                            .x_padding = x_padding,
                            .a = a,
                            .x = x});
              }
            }
          }
        }
      }
    }
  }
}

// By device, switch and environment: whether TMA is taken where the layout allows it, and what is answered where
// the layout does not (or the device has none).
struct TmaRow {
  int sm;
  int has_tensor_map;
  plumb_tma tma;
  const char* fla_use_tma;
  bool taken;
  const char* why;
};
constexpr TmaRow kTmaRows[] = {
    {80, 0, PLUMB_TMA_OFF, "1", false, "off is off"},
    {80, 0, PLUMB_TMA_ON, "1", false, "sm_80 has no TMA"},
    {80, 0, PLUMB_TMA_AUTO, "1", false, "sm_80 has no TMA"},
    {80, 1, PLUMB_TMA_ON, nullptr, false, "a new driver does not give sm_80 a copy engine"},
    {80, 1, PLUMB_TMA_AUTO, "1", false, "a new driver does not give sm_80 a copy engine"},
    {90, 1, PLUMB_TMA_OFF, nullptr, false, "off is off"},
    {90, 1, PLUMB_TMA_OFF, "1", false, "off is off, whatever the environment says"},
    {90, 1, PLUMB_TMA_ON, nullptr, true, "on is on"},
    {90, 1, PLUMB_TMA_ON, "0", true, "on is on, whatever the environment says"},
    {90, 1, PLUMB_TMA_AUTO, nullptr, false, "upstream's opt-in is off by default"},
    {90, 1, PLUMB_TMA_AUTO, "0", false, "opted out"},
    {90, 1, PLUMB_TMA_AUTO, "", false, "only 1 opts in"},
    {90, 1, PLUMB_TMA_AUTO, "true", false, "only 1 opts in, as upstream compares"},
    {90, 1, PLUMB_TMA_AUTO, "11", false, "only 1 opts in"},
    {90, 1, PLUMB_TMA_AUTO, "1", true, "opted in"},
    {90, 0, PLUMB_TMA_ON, "1", false, "the driver cannot make tensor maps"},
    {90, 0, PLUMB_TMA_AUTO, "1", false, "the driver cannot make tensor maps"},
    {100, 1, PLUMB_TMA_OFF, "1", false, "off is off"},
    {100, 1, PLUMB_TMA_ON, nullptr, true, "on is on"},
    {100, 1, PLUMB_TMA_AUTO, "1", true, "opted in, on a newer device"},
    {100, 1, PLUMB_TMA_AUTO, "true", false, "only 1 opts in"},
    {100, 0, PLUMB_TMA_AUTO, "1", false, "the driver cannot make tensor maps"},
};

TEST(SolveTrilSelect, EveryLayoutUnderEverySwitch) {
  int calls = 0;
  for_each_layout([&](const Shape& shape) {
    const bool aligned = in_16_bytes(shape.a_dtype, shape.a, shape.a_padding) &&
                         in_16_bytes(shape.x_dtype, shape.x, shape.x_padding);
    for (const auto& row : kTmaRows) {
      auto described = describe(shape, row.sm);
      described.params.tma = row.tma;
      described.device.has_tensor_map = row.has_tensor_map;
      described.device.fla_use_tma = row.fla_use_tma;
      const std::string expected = row.taken && aligned      ? "tma"
                                   : row.tma == PLUMB_TMA_ON ? "unsupported"
                                   : aligned                 ? "vec16"
                                                             : "scalar";
      ASSERT_EQ(choice(op(), described.call(), expected), expected)
          << row.why << ": sm_" << row.sm << " tma " << row.tma << " FLA_USE_TMA "
          << (row.fla_use_tma != nullptr ? row.fla_use_tma : "unset") << ", BT " << shape.chunk << " a "
          << name_of(shape.a_dtype) << "+" << shape.a << " padding " << shape.a_padding << ", x "
          << name_of(shape.x_dtype) << "+" << shape.x << " padding " << shape.x_padding;
      ASSERT_EQ(selected(op(), described.call()).rfind("tma", 0) == 0, row.taken && aligned) << row.why;
      ++calls;
    }
  });
  EXPECT_GT(calls, 50000);
}

TEST(SolveTrilSelect, ChosenByHand) {
  struct Row {
    const char* variant;
    const char* why;
    Shape shape;
    int sm = 90;
  };
  const Row rows[] = {
      {"vec16", "many tiles", {}},
      {"vec16_split", "one tile per head: 32", {.tokens = 64}, kPlainSm},
      {"vec16_split", "two tiles for each of 108 multiprocessors", {.tokens = 64, .heads = 216}, kPlainSm},
      {"vec16", "217 tiles", {.tokens = 64, .heads = 217}, kPlainSm},
      {"vec16_split", "a tail counts as a tile", {.tokens = 1, .heads = 216}, kPlainSm},
      {"vec16_split", "batches count", {.batches = 2, .tokens = 33, .heads = 54, .chunk = 32}, kPlainSm},
      {"vec16", "batches count", {.batches = 3, .tokens = 33, .heads = 54, .chunk = 32}, kPlainSm},
      {"vec16_split", "1 + 3 slots of 54 heads", {.tokens = 64, .heads = 54, .sequences = 3}, kPlainSm},
      {"vec16",
       "1 + 4 slots of 54 heads: any sequence may have a tail",
       {.tokens = 64, .heads = 54, .sequences = 4},
       kPlainSm},
      {"vec16", "a tile of one block is not split", {.tokens = 16, .heads = 1, .chunk = 16}},
      {"scalar", "a's address counts", {.a = 4}},
      {"scalar", "x's address counts", {.x = 2}},
      {"scalar", "x's stride counts", {.x_padding = 1}},
      {"tma", "on", {.tma = PLUMB_TMA_ON}},
      {"tma", "on, however few the tiles", {.tokens = 64, .tma = PLUMB_TMA_ON}},
      {"unsupported", "never without TMA when it is asked for", {.a = 4, .tma = PLUMB_TMA_ON}},
      {"unsupported", "sm_80 cannot", {.tma = PLUMB_TMA_ON}, 80},
      {"merge_tf32", "the caller's precision", {.precision = PLUMB_TF32}},
      {"merge_tf32x3", "the caller's precision", {.precision = PLUMB_TF32X3}},
      {"merge_tf32x3", "the caller's precision, however few the tiles", {.tokens = 1, .precision = PLUMB_TF32X3}},
      {"merge_tf32", "one block is no reason for another precision", {.chunk = 16, .precision = PLUMB_TF32}},
      {"merge_tf32", "16-bit inputs are exact in tf32", {.a_dtype = PLUMB_F16, .precision = PLUMB_TF32}},
      {"merge_tf32x3", "sm_80 has tf32", {.precision = PLUMB_TF32X3}, 80},
      {"merge_tf32", "sm_100 has tf32", {.precision = PLUMB_TF32}, 100},
      {"unsupported", "ieee does not stand in for tf32", {.a = 4, .precision = PLUMB_TF32}},
  };
  for (const auto& row : rows)
    EXPECT_EQ(selected(op(), describe(row.shape, row.sm).call()), row.variant) << row.why;
}

// A precision is a promise about bits and bounds: each is served by variants of its own class alone, in every
// layout or not at all.
TEST(SolveTrilSelect, NeverChangesThePrecision) {
  const auto class_of = [](const std::string& name) {
    for (std::int32_t i = 0; i < op().variant_count; ++i) {
      if (name == op().variant(i)->name) return std::string(op().variant(i)->bit_class);
    }
    return name;
  };
  const std::pair<plumb_precision, const char*> classes[] = {
      {PLUMB_IEEE, "canonical"}, {PLUMB_TF32X3, "tf32x3"}, {PLUMB_TF32, "tf32"}};
  for_each_layout([&](Shape shape) {
    const bool aligned = in_16_bytes(shape.a_dtype, shape.a, shape.a_padding) &&
                         in_16_bytes(shape.x_dtype, shape.x, shape.x_padding);
    for (const auto& [precision, bit_class] : classes) {
      shape.precision = precision;
      const auto described = describe(shape);
      const std::string expected = precision == PLUMB_IEEE || aligned ? bit_class : "unsupported";
      ASSERT_EQ(class_of(selected(op(), described.call())), expected);
    }
  });
}

TEST(SolveTrilSelect, MeasuresTheStridesThatAreStepped) {
  auto head_first = describe({});  // [B, H, T, BT] in memory
  for (int i : {0, 1}) {
    head_first.tensors[i].stride[1] = 64;
    head_first.tensors[i].stride[2] = 8192 * 64;
  }
  EXPECT_EQ(selected(op(), head_first.call()), "vec16");

  auto one_batch = describe({});
  one_batch.tensors[0].stride[0] = 1;
  EXPECT_EQ(selected(op(), one_batch.call()), "vec16") << "a batch alone is never stepped over";
  one_batch.params.tma = PLUMB_TMA_ON;
  EXPECT_EQ(selected(op(), one_batch.call()), "tma");

  auto shared_heads = describe({});  // every head reads the same A
  shared_heads.tensors[0].stride[2] = 0;
  EXPECT_EQ(selected(op(), shared_heads.call()), "vec16");
  expect_unsupported(op(), shared_heads.call(), "tma", "a has stride[2] of 0 bytes");

  auto in_one_buffer = describe({.x_dtype = PLUMB_F32});  // a and x are the halves of rows of 128
  for (int i : {0, 1}) {
    in_one_buffer.tensors[i].stride[0] = 8192 * 32 * 128;
    in_one_buffer.tensors[i].stride[1] = 32 * 128;
    in_one_buffer.tensors[i].stride[2] = 128;
  }
  in_one_buffer.tensors[1].data = made_up_address(0, 64 * 4);
  EXPECT_EQ(selected(op(), in_one_buffer.call()), "vec16");
}

TEST(SolveTrilSelect, SaysWhyAVariantCannotServe) {
  for (const char* variant : {"scalar", "vec16", "vec16_split", "stream"}) {
    expect_unsupported(op(), describe({.tma = PLUMB_TMA_ON}).call(), variant, "params.tma is on");
  }
  for (const char* variant : {"scalar", "vec16", "vec16_split", "stream", "tma"}) {
    expect_unsupported(op(), describe({.precision = PLUMB_TF32}).call(), variant,
                       "params.precision is tf32, and this variant computes in ieee");
    expect_unsupported(op(), describe({.precision = PLUMB_TF32X3}).call(), variant, "params.precision is tf32x3");
    auto huge = describe({.tokens = 1 << 20, .heads = 1 << 18});
    huge.tensors[1].data = made_up_address(1000);
    expect_unsupported(op(), huge.call(), variant, "there are 4294967296 tiles; a launch takes 2^31 - 1");
  }
  expect_unsupported(op(), describe({.tma = PLUMB_TMA_OFF}).call(), "tma", "params.tma is off");
  expect_unsupported(op(), describe({}, 80).call(), "tma", "device.sm is 80");
  expect_unsupported(op(), describe({.chunk = 16}).call(), "vec16_split", "a.shape[3] (BT) is 16, below 32");
  expect_unsupported(op(), describe({.chunk = 32}).call(), "stream", "a.shape[3] (BT) is 32, below 64");
  expect_unsupported(op(), describe({.a = 8}).call(), "vec16", "a has address 0x100000000008, no multiple of 16");
  expect_unsupported(op(), describe({.x_padding = 1}).call(), "vec16_split", "x has stride[2] of 130 bytes");
  expect_unsupported(op(), describe({.a = 8}).call(), "tma", "a has address");
  expect_unsupported(op(), describe({.x_padding = 4}).call(), "tma", "x has stride[2] of 136 bytes");
  auto old_driver = describe({});
  old_driver.device.has_tensor_map = 0;
  expect_unsupported(op(), old_driver.call(), "tma", "device.has_tensor_map is 0");
  auto far = describe({.batches = 2});
  far.tensors[0].stride[0] = std::int64_t{1} << 38;
  expect_unsupported(op(), far.call(), "tma", "a has stride[0] of 1099511627776 bytes");

  expect_unsupported(op(), describe({}).call(), "merge_tf32",
                     "params.precision is ieee, and this variant computes in");
  expect_unsupported(op(), describe({.precision = PLUMB_TF32}).call(), "merge_tf32x3", "params.precision is tf32,");
  expect_unsupported(op(), describe({.precision = PLUMB_TF32X3, .tma = PLUMB_TMA_ON}).call(), "merge_tf32x3",
                     "params.tma is on");
  expect_unsupported(op(), describe({.x = 8, .precision = PLUMB_TF32X3}).call(), "merge_tf32x3",
                     "x has address 0x200000000008, no multiple of 16");

  // Without a row of the precision that can serve, select answers with the reason of the first that has it.
  const auto odd = describe({.a = 4, .precision = PLUMB_TF32X3});
  EXPECT_EQ(selected(op(), odd.call()), "unsupported");
  EXPECT_EQ(std::string(opened_library().last_error()),
            "merge_tf32x3: a has address 0x100000000004, no multiple of 16");

  // What select answers with TMA switched on is the reason of the variant that has it.
  const auto refused = describe({.a = 8, .tma = PLUMB_TMA_ON});
  EXPECT_EQ(selected(op(), refused.call()), "unsupported");
  EXPECT_EQ(std::string(opened_library().last_error()), "tma: a has address 0x100000000008, no multiple of 16");
}

TEST(SolveTrilSelect, TellsTheBadArgument) {
  using Call = DescribedCall<plumb_solve_tril_params>;
  struct Row {
    const char* words;
    std::function<void(Call&)> spoil;
  };
  const Row rows[] = {
      {"precision is 3; expected 0 .. 2", [](Call& c) { c.params.precision = 3; }},
      {"tma is -1; expected 0 .. 2", [](Call& c) { c.params.tma = -1; }},
      {"tma is 3; expected 0 .. 2", [](Call& c) { c.params.tma = 3; }},
      {"a.rank is 3; expected 4", [](Call& c) { c.tensors[0].rank = 3; }},
      {"a.dtype is i32; expected", [](Call& c) { c.tensors[0].dtype = PLUMB_I32; }},
      {"a.data is NULL", [](Call& c) { c.tensors[0].data = nullptr; }},
      {"a.stride[3] is 2; expected 1", [](Call& c) { c.tensors[0].stride[3] = 2; }},
      {"a.shape[3] (BT) is 48; expected 16, 32 or 64", [](Call& c) { c.tensors[0].shape[3] = 48; }},
      {"a.shape[3] (BT) is 0; expected 16, 32 or 64", [](Call& c) { c.tensors[0].shape[3] = 0; }},
      {"x.dtype is 9, no plumb_dtype", [](Call& c) { c.tensors[1].dtype = 9; }},
      {"x.stride[3] is 2; expected 1", [](Call& c) { c.tensors[1].stride[3] = 2; }},
      {"x has an axis with a stride of", [](Call& c) { c.tensors[1].stride[2] = 32; }},
      {"x has an axis with a stride of 0 bytes", [](Call& c) { c.tensors[1].stride[1] = 0; }},
      {"x.shape[0] is 2; expected 1, as a has", [](Call& c) { c.tensors[1].shape[0] = 2; }},
      {"x.shape[1] is 8191; expected 8192, as a has", [](Call& c) { c.tensors[1].shape[1] = 8191; }},
      {"x.shape[2] is 31; expected 32, as a has", [](Call& c) { c.tensors[1].shape[2] = 31; }},
      {"x.shape[3] is 32; expected 64, as a has", [](Call& c) { c.tensors[1].shape[3] = 32; }},
      {"x.data is", [](Call& c) { c.tensors[1].data = c.tensors[0].data; }},
      {"a's elements at", [](Call& c) { c.tensors[1].data = made_up_address(0, 64); }},
      {"cu_seqlens.dtype is fp32; expected i32 or i64", [](Call& c) { c.tensors[2].dtype = PLUMB_F32; }},
      {"cu_seqlens.rank is 2; expected 1", [](Call& c) { c.tensors[2].rank = 2; }},
      {"cu_seqlens.stride[0] is 2; expected 1", [](Call& c) { c.tensors[2].stride[0] = 2; }},
      {"cu_seqlens.shape[0] (sequences + 1) is 0; expected 1", [](Call& c) { c.tensors[2].shape[0] = 0; }},
      {"cu_seqlens's", [](Call& c) { c.tensors[2].data = made_up_address(1, 256); }},
      {"a.shape[0] is 2; expected 1, as there are cu_seqlens",
       [](Call& c) {
         for (int i : {0, 1}) c.tensors[i].shape[0] = 2;
       }},
      {"tensor_count is 2; expected 3", [](Call& c) { c.tensors.pop_back(); }},
  };
  for (const auto& row : rows) {
    auto call = describe({.sequences = 4});
    row.spoil(call);
    expect_invalid(op(), call.call(), row.words);
  }
}

TEST(SolveTrilSelect, DoesNothingWithoutRows) {
  auto no_sequence = describe({.a_dtype = PLUMB_BF16});  // which every variant takes
  no_sequence.tensors[2] = make_tensor(made_up_address(2), PLUMB_I64, {1});
  DescribedCall<plumb_solve_tril_params> calls[] = {describe({.a_dtype = PLUMB_BF16, .tokens = 0}),
                                                    describe({.a_dtype = PLUMB_BF16, .batches = 0}),
                                                    describe({.a_dtype = PLUMB_BF16, .heads = 0}), no_sequence};
  for (auto& described : calls) {
    described.device.ordinal = 77;  // no such device: nothing may be launched
    for (std::int32_t i = 0; i < op().variant_count; ++i) {
      const std::string bit_class = op().variant(i)->bit_class;
      described.params.precision = bit_class == "tf32"     ? PLUMB_TF32
                                   : bit_class == "tf32x3" ? PLUMB_TF32X3
                                                           : PLUMB_IEEE;
      const auto call = described.call();
      std::int32_t served = 5;
      EXPECT_EQ(op().launch(&call, i, &served), PLUMB_OK) << opened_library().last_error();
      EXPECT_EQ(served, -1);
    }
  }
}

}  // namespace
}  // namespace plumb
