// Bit equality of tensors and of the memory around them.
#include "harness/compare/bits.h"

#include <gtest/gtest.h>

#include "harness/cases/problem.h"
#include "harness/testing.h"

namespace plumb {
namespace {

using testing_support::OwnedTensor;
using testing_support::tensor_of;

TEST(CompareBits, NanEqualsNanAndTheZerosDiffer) {
  OwnedTensor a = tensor_of(PLUMB_BF16, {0.0, 0.0, 1.0, 1.0}), b = tensor_of(PLUMB_BF16, {0.0, 0.0, 1.0, 1.0});
  EXPECT_EQ(compare_bits(a.view(), b.view()).differing, 0);
  EXPECT_EQ(compare_bits(a.view(), b.view()).first_index, -1);
  a.set_bits(2, 0x7fc0);
  b.set_bits(2, 0xffff);
  EXPECT_EQ(compare_bits(a.view(), b.view()).differing, 0);
  b.set(1, -0.0);
  const BitDifference zeros = compare_bits(a.view(), b.view());
  EXPECT_EQ(zeros.differing, 1);
  EXPECT_EQ(zeros.first_index, 1);
  EXPECT_EQ(zeros.largest_ulp, 0);
  b.set_bits(3, 0x7fc0);
  EXPECT_EQ(compare_bits(a.view(), b.view()).differing, 2);  // a number is no NaN
}

TEST(CompareBits, CountsEveryElementAndMeasuresTheWorst) {
  for (const plumb_dtype dtype : {PLUMB_F32, PLUMB_BF16, PLUMB_F16}) {
    OwnedTensor a(dtype, {4, 8}), b(dtype, {4, 8});
    for (std::int64_t i = 0; i < 32; ++i) {
      a.set_bits(i, 0x3c00);
      b.set_bits(i, 0x3c00u + (i >= 5 && i % 3 == 0 ? static_cast<std::uint32_t>(i) : 0u));
    }
    const BitDifference difference = compare_bits(a.view(), b.view());
    EXPECT_EQ(difference.differing, 9);  // 6, 9, ... 30
    EXPECT_EQ(difference.first_index, 6);
    EXPECT_EQ(difference.largest_ulp, 30);
  }
}

TEST(CompareBits, SeesADifferenceInTheLastBatchAlone) {
  OwnedTensor a(PLUMB_F32, {3, 5, 2, 4}), b(PLUMB_F32, {3, 5, 2, 4});
  b.set_bits(119, 1);
  const BitDifference difference = compare_bits(a.view(), b.view());
  EXPECT_EQ(difference.differing, 1);
  EXPECT_EQ(difference.first_index, 119);
}

TEST(CompareBits, FollowsStridesAndIgnoresWhatLiesBetween) {
  for (const std::int64_t step : {1, 2}) {
    OwnedTensor a(PLUMB_BF16, {3, 4}, {11, step}), b(PLUMB_BF16, {3, 4}, {4, 1});
    for (std::int64_t i = 0; i < 12; ++i) {
      a.set(i, static_cast<double>(i));
      b.set(i, static_cast<double>(i));
    }
    a.bytes()[2 * 9] = std::byte{0x55};  // between the rows
    EXPECT_EQ(compare_bits(a.view(), b.view()).differing, 0);
    a.set(7, -7.0);
    EXPECT_EQ(compare_bits(a.view(), b.view()).first_index, 7);
    EXPECT_EQ(compare_bits(b.view(), a.view()).first_index, 7);
  }
}

TEST(CompareBits, EmptyTensorsAreEqual) {
  const HostTensor a = allocate("a", 0, Role::kOutput, PLUMB_F32, {0, 8});
  const HostTensor b = allocate("b", 1, Role::kOutput, PLUMB_F32, {0, 8});
  EXPECT_EQ(compare_bits(a.view, b.view).differing, 0);
}

class StrayBytes : public testing::Test {
 protected:
  StrayBytes() : image_(tensor_.storage) {}
  // Writes one byte at an offset from the first element.
  void touch(std::int64_t offset) {
    std::byte& byte = image_.at(tensor_.data_offset() + static_cast<std::size_t>(offset));
    byte ^= std::byte{0xff};
  }
  std::int64_t strays() {
    return stray_bytes(tensor_.storage, image_, tensor_.view, tensor_.data_offset(), &first_);
  }

  // Rows of 5 bf16, 16 bytes apart; the third axis is strided where `gap` is.
  HostTensor tensor_ = allocate("t", 0, Role::kOutput, PLUMB_BF16, {3, 5}, {8, 1}, 6);
  std::vector<std::byte> image_;
  std::int64_t first_ = 0;
};

TEST_F(StrayBytes, NoneWhereOnlyElementsChanged) {
  EXPECT_EQ(strays(), 0);
  for (const std::int64_t row : {0, 16, 32}) {
    for (std::int64_t byte = 0; byte < 10; ++byte) touch(row + byte);
  }
  EXPECT_EQ(strays(), 0);
}

TEST_F(StrayBytes, FindsAByteBeforeTheTensor) {
  touch(-1);
  EXPECT_EQ(strays(), 1);
  EXPECT_EQ(first_, -1);
}

TEST_F(StrayBytes, FindsTheFirstByteOfTheBand) {
  touch(-static_cast<std::int64_t>(tensor_.data_offset()));
  EXPECT_EQ(strays(), 1);
  EXPECT_EQ(first_, -static_cast<std::int64_t>(tensor_.data_offset()));
}

TEST_F(StrayBytes, FindsBytesBetweenRowsAndBehind) {
  touch(0);  // an element: allowed
  touch(10);
  touch(15);
  touch(42);
  EXPECT_EQ(strays(), 3);
  EXPECT_EQ(first_, 10);
}

TEST_F(StrayBytes, FindsTheVeryLastByte) {
  image_.back() ^= std::byte{1};
  EXPECT_EQ(strays(), 1);
  EXPECT_EQ(first_, static_cast<std::int64_t>(image_.size() - 1 - tensor_.data_offset()));
}

TEST_F(StrayBytes, FindsBytesBetweenStridedElements) {
  const HostTensor sparse = allocate("s", 0, Role::kOutput, PLUMB_BF16, {2, 3}, {6, 2});
  auto image = sparse.storage;
  const std::size_t data = sparse.data_offset();
  image[data + 4] ^= std::byte{1};  // element 1
  EXPECT_EQ(stray_bytes(sparse.storage, image, sparse.view, data, &first_), 0);
  image[data + 2] ^= std::byte{1};  // between elements 0 and 1
  EXPECT_EQ(stray_bytes(sparse.storage, image, sparse.view, data, &first_), 1);
  EXPECT_EQ(first_, 2);
}

TEST_F(StrayBytes, AnEmptyTensorOwnsNothing) {
  const HostTensor empty = allocate("e", 0, Role::kOutput, PLUMB_BF16, {0, 64});
  auto image = empty.storage;
  image[empty.data_offset()] ^= std::byte{1};
  EXPECT_EQ(stray_bytes(empty.storage, image, empty.view, empty.data_offset(), &first_), 1);
}

}  // namespace
}  // namespace plumb
