// Guarded tensors: where elements stand, what surrounds them, and that inputs are the same on every machine.
#include "harness/cases/problem.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "harness/cases/block.h"
#include "harness/compare/elements.h"
#include "harness/operators/suite.h"
#include "harness/testing.h"
#include "reference/numeric/digest.h"

namespace plumb {
namespace {

using testing_support::complaint_of;

std::uint16_t word_at(const HostTensor& tensor, std::size_t byte) {
  std::uint16_t word;
  std::memcpy(&word, tensor.storage.data() + byte, sizeof word);
  return word;
}

// Which bytes of the storage belong to elements.
std::vector<bool> element_bytes(const HostTensor& tensor) {
  std::vector<bool> owned(tensor.storage.size());
  const std::size_t size = size_of(dtype_of(tensor.view));
  for_each_run(tensor.view, [&](std::int64_t offset, std::int64_t length) {
    const std::size_t first = tensor.data_offset() + static_cast<std::size_t>(offset) * size;
    for (std::size_t i = 0; i < static_cast<std::size_t>(length) * size; ++i) owned.at(first + i) = true;
  });
  return owned;
}

TEST(Allocate, PlacesTheFirstElementAtTheAskedOffset) {
  for (const plumb_dtype dtype : {PLUMB_F32, PLUMB_BF16, PLUMB_F16, PLUMB_I32, PLUMB_I64}) {
    for (std::int64_t offset = 0; offset <= 64; offset += static_cast<std::int64_t>(size_of(dtype))) {
      const HostTensor tensor = allocate("t", 1, Role::kInput, dtype, {3, 5}, {9, 1}, offset);
      EXPECT_EQ(tensor.data_offset() % 256, static_cast<std::size_t>(offset));
      EXPECT_GE(tensor.data_offset(), kBandBytes);
    }
  }
}

TEST(Allocate, SurroundsElementsWithCanariesAndFillsOutputsWithPoison) {
  for (const plumb_dtype dtype : {PLUMB_F32, PLUMB_BF16, PLUMB_F16, PLUMB_I64}) {
    for (const auto& stride : {std::initializer_list<std::int64_t>{}, {100, 10, 1}, {100, 10, 2}, {10, 40, 1}}) {
      const HostTensor tensor = allocate("t", 2, Role::kOutput, dtype, {3, 4, 5}, stride, 16);
      const std::vector<bool> owned = element_bytes(tensor);
      EXPECT_EQ(std::count(owned.begin(), owned.end(), true), static_cast<std::ptrdiff_t>(60 * size_of(dtype)));
      for (std::size_t i = 0; i < owned.size(); i += 2) {
        ASSERT_EQ(word_at(tensor, i), owned[i] ? poison_word(2) : canary_word(2)) << "byte " << i;
      }
      const auto last = std::find(owned.rbegin(), owned.rend(), true) - owned.rbegin();
      EXPECT_GE(last, static_cast<std::ptrdiff_t>(kBandBytes));
    }
  }
}

TEST(Allocate, GuardsAnEmptyTensorToo) {
  const HostTensor tensor = allocate("t", 0, Role::kOutput, PLUMB_BF16, {0, 128});
  EXPECT_GE(tensor.storage.size(), 2 * kBandBytes);
  for (std::size_t i = 0; i < tensor.storage.size(); i += 2) ASSERT_EQ(word_at(tensor, i), canary_word(0));
}

TEST(Allocate, PatternsAreNanNegativeAndDistinct) {
  std::set<std::uint16_t> words;
  for (int index = 0; index < 8; ++index) {
    for (const std::uint32_t word : {canary_word(index), poison_word(index)}) {
      words.insert(static_cast<std::uint16_t>(word));
      EXPECT_TRUE(std::isnan(float_of_bits(word, PLUMB_BF16)));
      EXPECT_TRUE(std::isnan(float_of_bits(word, PLUMB_F16)));
      EXPECT_TRUE(std::isnan(float_of_bits(word << 16 | word, PLUMB_F32)));
      EXPECT_LT(static_cast<std::int32_t>(word << 16 | word), 0);
    }
  }
  EXPECT_EQ(words.size(), 16u);
}

TEST(Allocate, RefusesWhatCannotBe) {
  const auto complaint = [](std::initializer_list<std::int64_t> shape, std::initializer_list<std::int64_t> stride,
                            std::int64_t offset) {
    return complaint_of([&] { allocate("weight", 0, Role::kInput, PLUMB_F32, shape, stride, offset); });
  };
  const std::int64_t huge = std::int64_t{1} << 40;
  EXPECT_NE(complaint({huge}, {}, 0).find("tensor weight would take more than 24 GiB"), std::string::npos);
  EXPECT_NE(complaint({huge, huge}, {}, 0).find("more than"), std::string::npos);
  EXPECT_NE(complaint({huge, huge, huge, huge}, {}, 0).find("more than"), std::string::npos);
  EXPECT_NE(complaint({2, 8}, {huge, 1}, 0).find("more than"), std::string::npos);
  EXPECT_NE(complaint({2, 8}, {-8, 1}, 0).find("stride"), std::string::npos);
  EXPECT_EQ(complaint({8}, {}, 2), "offset.weight is 2, expected a multiple of the element's 4 bytes");
  EXPECT_NE(complaint({8}, {}, -4).find("offset.weight is -4"), std::string::npos);
}

TEST(Clone, SharesNothingWithItsOriginal) {
  const Case point = parse_case("rms_norm/bf16/rows=3,hidden=64/residual=yes,inplace=yes,pad.x=8/seed=7");
  const Problem problem = find_suite("rms_norm")->build(point);
  Problem copy = clone(problem);
  const Block before = pack(problem, layout_of(problem));
  EXPECT_EQ(pack(copy, layout_of(copy)), before);
  for (std::size_t i = 0; i < copy.tensors.size(); ++i) {
    HostTensor& tensor = copy.tensors[i];
    if (!is_present(tensor.view)) continue;
    const HostTensor& owner =
        tensor.alias_of >= 0 ? copy.tensors[static_cast<std::size_t>(tensor.alias_of)] : tensor;
    EXPECT_GE(tensor.view.data, owner.storage.data()) << tensor.name;
    EXPECT_LT(tensor.view.data, owner.storage.data() + owner.storage.size()) << tensor.name;
    std::fill(tensor.storage.begin(), tensor.storage.end(), std::byte{0});
  }
  EXPECT_EQ(pack(problem, layout_of(problem)), before);
}

TEST(Block, KeepsEveryTensorsAlignmentAndAliasesShareMemory) {
  const Problem problem =
      find_suite("rms_norm")
          ->build(parse_case("rms_norm/bf16/rows=3,hidden=64/inplace=yes,offset.x=6,offset.weight=10/seed=7"));
  const BlockLayout layout = layout_of(problem);
  alignas(256) static const std::byte base[1] = {};
  const auto views = views_in(problem, layout, base);
  const auto misalignment = [](const plumb_tensor& view) {
    return reinterpret_cast<std::uintptr_t>(view.data) % 256;
  };
  EXPECT_EQ(misalignment(views[0]), 6u);
  EXPECT_EQ(misalignment(views[1]), 10u);
  EXPECT_EQ(views[3].data, views[0].data);
  EXPECT_EQ(layout.bytes % 256, 0u);
}

// The digests were computed once and must never change: recorded goldens speak of these very inputs. They hold on
// every machine and compiler, because inputs are made of exact and correctly rounded operations only.
TEST(Inputs, AreTheSameOnEveryMachine) {
  const std::pair<const char*, const char*> rows[] = {
      {"rms_norm/bf16/rows=17,hidden=769/residual=yes,magnitude=near_eps,pad.x=8,offset.weight=2/seed=7",
       "3ddd5a75e1c15bf4cbd22785be4eafe2"},
      {"rope/fp16/tokens=37,hq=4,hk=2,D=128,rotary=96/positions=padded,cache=fp32/seed=7",
       "790d65ef73ecafc81e7335860194f66f"},
      {"qk_norm_rope/bf16/tokens=17,hq=32,hk=8,hv=8,D=128,rotary=64/offset.qkv=2,style=interleaved/seed=7",
       "0329476781ac79d264a7ac6ca948fd35"},
      {"solve_tril/fp32/B=1,T=150,H=2,BT=64/seqs=mixed,keys=corr06,decay=weak,special=yes/seed=7",
       "82b75bedc4569935278f62e068419c10"},
  };
  for (const auto& [name, digest] : rows) {
    const Case point = parse_case(name);
    const Problem problem = find_suite(point.schema->operator_name)->build(point);
    const Block block = pack(problem, layout_of(problem));
    EXPECT_EQ(to_hex(murmur3_128(block)), digest) << name;
  }
}

}  // namespace
}  // namespace plumb
