// The digest: the published hash, and what it does and does not depend on.
#include "reference/numeric/digest.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>

#include "reference/numeric/test_tensors.h"

namespace plumb {
namespace {

using testing::HostTensor;

std::string hash_of(std::string_view text) {
  return to_hex(murmur3_128(std::as_bytes(std::span(text.data(), text.size()))));
}

std::string hex_of(std::initializer_list<const HostTensor*> tensors) {
  return to_hex(digest_of(testing::views(tensors)));
}

HostTensor counting(plumb_dtype dtype, std::initializer_list<std::int64_t> shape,
                    std::initializer_list<std::int64_t> stride = {}) {
  return HostTensor(dtype, shape, stride).fill([](std::int64_t i) {
    return 0.5 * static_cast<double>(i % 97) - 7;
  });
}

TEST(Murmur3, PublishedValues) {
  EXPECT_EQ(hash_of(""), "00000000000000000000000000000000");
  EXPECT_EQ(hash_of("hello"), "cbd8a7b341bd9b025b1e906a48ae1d19");
  EXPECT_EQ(hash_of("The quick brown fox jumps over the lazy dog"), "e34bbc7bbc071b6c7a433ca9c49a9347");
}

TEST(Murmur3, VerificationValueOfItsAuthor) {
  // SMHasher's own test: keys {}, {0}, {0, 1}, ... with seeds 256, 255, ...; the hash of all their hashes.
  std::vector<std::byte> key, hashes;
  for (std::uint32_t i = 0; i < 256; ++i) {
    const Digest digest = murmur3_128(key, 256 - i);
    for (const std::uint64_t half : {digest.high, digest.low}) {
      const auto* bytes = reinterpret_cast<const std::byte*>(&half);
      hashes.insert(hashes.end(), bytes, bytes + sizeof half);
    }
    key.push_back(static_cast<std::byte>(i));
  }
  EXPECT_EQ(static_cast<std::uint32_t>(murmur3_128(hashes).high), 0x6384ba69u);
}

// Recorded digests live in golden/: these may never change.
TEST(Digest, IsStable) {
  EXPECT_EQ(hex_of({}), "00000000000000000000000000000000");
  const HostTensor bf16 = counting(PLUMB_BF16, {3, 50, 41}), f16 = counting(PLUMB_F16, {3, 50, 41}),
                   f32 = counting(PLUMB_F32, {3, 50, 41}),
                   i64 = HostTensor::integers(PLUMB_I64, {0, -1, 1LL << 40}),
                   i32 = HostTensor::integers(PLUMB_I32, {0, -1, 7}), absent;
  EXPECT_EQ(hex_of({&bf16}), "87b99628a50f4e1274acdfad04211c85");
  EXPECT_EQ(hex_of({&f16}), "9a5c6008f76d0acef1d30f9b6e9a40ad");
  EXPECT_EQ(hex_of({&f32}), "5def126ffc7914f957b64732859ed3e7");
  EXPECT_EQ(hex_of({&i64, &absent, &i32}), "522fafdaee3f00a443c4fa4b66a69b07");
}

TEST(Digest, IsTheHashOfHeaderAndElements) {
  const auto tensor = HostTensor::of(PLUMB_F32, {2, 1}, {1.5f, -2.0f});
  std::vector<std::byte> bytes(4 * sizeof(std::int64_t) + 2 * sizeof(float));
  const std::int64_t header[] = {PLUMB_F32, 2, 2, 1};
  const float elements[] = {1.5f, -2.0f};
  std::memcpy(bytes.data(), header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, elements, sizeof elements);
  EXPECT_EQ(digest_of({&tensor.view(), 1}), murmur3_128(bytes));
}

TEST(Digest, StridesDoNotMatter) {
  for (const auto dtype : testing::kFloatTypes) {
    const HostTensor dense = counting(dtype, {4, 60, 33});
    const HostTensor padded_rows = counting(dtype, {4, 60, 33}, {60 * 40, 40, 1});
    const HostTensor transposed = counting(dtype, {4, 60, 33}, {33, 4 * 33, 1});
    const HostTensor every_other = counting(dtype, {4, 60, 33}, {2 * 60 * 33, 2 * 33, 2});
    EXPECT_EQ(hex_of({&dense}), hex_of({&padded_rows}));
    EXPECT_EQ(hex_of({&dense}), hex_of({&transposed}));
    EXPECT_EQ(hex_of({&dense}), hex_of({&every_other}));
  }
}

TEST(Digest, ShapeTypeOrderAndAbsenceMatter) {
  const HostTensor a = counting(PLUMB_BF16, {6, 4}), b = counting(PLUMB_BF16, {4, 6}),
                   c = counting(PLUMB_BF16, {24});
  HostTensor as_fp16(PLUMB_F16, {6, 4});
  for (std::int64_t i = 0; i < a.count(); ++i) std::memcpy(as_fp16.element(i), a.element(i), 2);
  const HostTensor absent, empty(PLUMB_BF16, {0, 4});
  const std::vector<std::string> all = {
      hex_of({&a}),     hex_of({&b}),          hex_of({&c}),          hex_of({&as_fp16}), hex_of({&a, &b}),
      hex_of({&b, &a}), hex_of({&absent, &a}), hex_of({&a, &absent}), hex_of({&empty}),   hex_of({&absent})};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) EXPECT_NE(all[i], all[j]) << i << " and " << j;
  }
}

TEST(Digest, EveryBitMattersButNaNPayloads) {
  for (const auto dtype : testing::kFloatTypes) {
    HostTensor tensor = counting(dtype, {5, 7});
    const std::string before = hex_of({&tensor});
    for (const std::int64_t i : {0, 17, 34}) {
      tensor.element(i)[0] ^= std::byte{1};
      EXPECT_NE(hex_of({&tensor}), before) << i;
      tensor.element(i)[0] ^= std::byte{1};
    }
    EXPECT_EQ(hex_of({&tensor}), before);

    tensor.set(3, testing::kNan);
    const std::string with_nan = hex_of({&tensor});
    tensor.element(3)[0] ^= std::byte{1};                      // another payload
    tensor.element(3)[size_of(dtype) - 1] ^= std::byte{0x80};  // and another sign
    EXPECT_EQ(hex_of({&tensor}), with_nan);
    EXPECT_NE(with_nan, before);

    tensor.set(4, 0.0f);
    const std::string with_zero = hex_of({&tensor});
    tensor.set(4, -0.0f);
    EXPECT_NE(hex_of({&tensor}), with_zero);
  }
}

}  // namespace
}  // namespace plumb
