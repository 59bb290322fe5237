// The judge on made-up results: what passes, what fails, and that nothing is forgiven.
#include "harness/compare/judge.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "harness/cases/random.h"
#include "harness/testing.h"
#include "reference/numeric/ulp.h"

namespace plumb {
namespace {

using testing_support::OwnedTensor;
using testing_support::tensor_of;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint16_t kPoison = 0xffe3;

Expectation expectation(const std::vector<double>& value, double slack = 0) {
  Expectation expected(static_cast<std::int64_t>(value.size()));
  expected.value = value;
  expected.slack.assign(value.size(), slack);
  return expected;
}

// One element against one expectation.
Judgement judge_one(plumb_dtype dtype, double got, double value, double slack = 0) {
  const OwnedTensor result = tensor_of(dtype, {got});
  return judge(result.view(), result.view(), expectation({value}, slack), kPoison);
}
bool passes(plumb_dtype dtype, double got, double value, double slack = 0) {
  return judge_one(dtype, got, value, slack).within_bounds();
}

TEST(Judge, AllowsHalfAnUlpAndTheSlackAndNotAHairMore) {
  // Around 1 bf16 steps by 2^-7 upwards and half of it is 2^-8.
  EXPECT_TRUE(passes(PLUMB_BF16, 1.0, 1.0));
  EXPECT_TRUE(passes(PLUMB_BF16, 1.0, 1.0 + 0x1p-8));             // exactly on the bound
  EXPECT_FALSE(passes(PLUMB_BF16, 1.0, 1.0 + 0x1p-8 + 0x1p-40));  // past it
  EXPECT_TRUE(passes(PLUMB_BF16, 1.0, 1.0 + 0x1p-8 + 0x1p-20, 0x1p-20));
  EXPECT_FALSE(passes(PLUMB_BF16, 1.0, 1.0 + 0x1p-8 + 0x1p-20, 0x1p-21));
  EXPECT_DOUBLE_EQ(judge_one(PLUMB_BF16, 1.0, 1.0 + 0x1p-8).worst_share, 1.0);
  EXPECT_DOUBLE_EQ(judge_one(PLUMB_BF16, 1.0, 1.0 + 0x1p-9).worst_share, 0.5);
  EXPECT_TRUE(passes(PLUMB_F16, 1.0, 1.0 + 0x1p-11));
  EXPECT_FALSE(passes(PLUMB_F16, 1.0, 1.0 + 0x1p-10));
  EXPECT_TRUE(passes(PLUMB_F32, 1.0, 1.0 + 0x1p-24));
  EXPECT_FALSE(passes(PLUMB_F32, 1.0 + 0x1p-23, 1.0));
}

TEST(Judge, ZeroIsNoAnswerWhereAValueIsExpected) {
  EXPECT_FALSE(passes(PLUMB_BF16, 0.0, 1e-30));
  EXPECT_FALSE(passes(PLUMB_F32, 0.0, 1e-38));
  EXPECT_TRUE(passes(PLUMB_F32, 0.0, 0.0));
  EXPECT_TRUE(passes(PLUMB_F32, -0.0, 0.0));
  EXPECT_FALSE(passes(PLUMB_F32, 1e-44, 0.0));
  EXPECT_TRUE(passes(PLUMB_F32, 0.0, 0x1p-150));  // half of the smallest subnormal rounds to zero
}

TEST(Judge, NanIsRightExactlyWhereItIsExpected) {
  for (const plumb_dtype dtype : {PLUMB_F32, PLUMB_BF16, PLUMB_F16}) {
    EXPECT_TRUE(passes(dtype, kNan, kNan));
    EXPECT_TRUE(passes(dtype, 1.0, 1.0));
    EXPECT_FALSE(passes(dtype, kNan, 1.0));
    EXPECT_FALSE(passes(dtype, 1.0, kNan));
    EXPECT_FALSE(passes(dtype, kInf, kNan));
    EXPECT_FALSE(passes(dtype, kNan, kInf));
    EXPECT_FALSE(passes(dtype, kNan, 1.0, 1e30));  // no slack buys a NaN
  }
}

TEST(Judge, InfinityIsRightWhereAnHonestValueMayRoundToIt) {
  const double largest = float_format(PLUMB_BF16).max_finite, half = 0x1p119;  // its ulp is 2^120
  EXPECT_TRUE(passes(PLUMB_BF16, kInf, largest + half));
  EXPECT_FALSE(passes(PLUMB_BF16, kInf, largest + half / 2));
  EXPECT_TRUE(passes(PLUMB_BF16, kInf, largest + half / 2, half / 2));
  EXPECT_FALSE(passes(PLUMB_BF16, -kInf, largest + half));
  EXPECT_FALSE(passes(PLUMB_BF16, kInf, 1.0));
  EXPECT_TRUE(passes(PLUMB_F16, kInf, 65520.0));
  EXPECT_FALSE(passes(PLUMB_F16, kInf, 65519.0));
  for (const plumb_dtype dtype : {PLUMB_F32, PLUMB_BF16, PLUMB_F16}) {
    EXPECT_TRUE(passes(dtype, kInf, kInf));
    EXPECT_TRUE(passes(dtype, -kInf, -kInf));
    EXPECT_FALSE(passes(dtype, -kInf, kInf));
    EXPECT_FALSE(passes(dtype, float_format(dtype).max_finite, kInf));
  }
}

TEST(Judge, ABoundThatIsNoNumberPassesNothing) { EXPECT_FALSE(passes(PLUMB_F32, 2.0, 1.0, kNan)); }

TEST(Judge, KeptElementsMustKeepEveryBit) {
  OwnedTensor before = tensor_of(PLUMB_BF16, {1.0, 0.0, kNan, 3.0}),
              after = tensor_of(PLUMB_BF16, {1.0, 0.0, kNan, 3.0});
  const Expectation expected = expectation({1.0, 0.0, kNan, 3.0}, Expectation::kKeep);
  const Judgement same = judge(after.view(), before.view(), expected, kPoison);
  EXPECT_EQ(same.touched, 0);
  EXPECT_EQ(same.kept, 4);
  EXPECT_EQ(same.judged, 0);
  EXPECT_EQ(same.informative, 4);
  after.set(1, -0.0);         // equal as numbers
  after.set_bits(2, 0x7fc1);  // another NaN
  const Judgement changed = judge(after.view(), before.view(), expected, kPoison);
  EXPECT_EQ(changed.touched, 2);
  ASSERT_EQ(changed.first.size(), 2u);
  EXPECT_EQ(changed.first[0].index, 1);
  EXPECT_EQ(changed.first[0].what, "untouched");
}

TEST(Judge, FindsWhatWasNeverWritten) {
  for (const plumb_dtype dtype : {PLUMB_F32, PLUMB_BF16, PLUMB_F16}) {
    OwnedTensor result = tensor_of(dtype, {1.0, 2.0, 3.0});
    result.set_bits(1, dtype == PLUMB_F32 ? std::uint32_t{kPoison} << 16 | kPoison : kPoison);
    for (const double slack : {0.0, Expectation::kUnjudged}) {
      const Judgement verdict = judge(result.view(), result.view(), expectation({1, kNan, 3}, slack), kPoison);
      EXPECT_EQ(verdict.unwritten, 1);  // although NaN is expected there
      EXPECT_EQ(verdict.out_of_bound, 0);
      ASSERT_EQ(verdict.first.size(), 1u);
      EXPECT_EQ(verdict.first[0].what, "unwritten");
    }
    EXPECT_EQ(judge(result.view(), result.view(), expectation({1, kNan, 3}), 0).unwritten, 0);
  }
}

TEST(Judge, UnjudgedElementsCountForNothing) {
  const OwnedTensor result = tensor_of(PLUMB_F32, {1e30, kNan});
  const Judgement verdict = judge(result.view(), result.view(), expectation({1, 2}, Expectation::kUnjudged), 0);
  EXPECT_TRUE(verdict.within_bounds());
  EXPECT_EQ(verdict.elements, 2);
  EXPECT_EQ(verdict.judged, 0);
  EXPECT_EQ(verdict.informative, 0);
}

TEST(Judge, NanInfinityAndZeroProveNothing) {
  const OwnedTensor result = tensor_of(PLUMB_F32, {kNan, kInf, 0.0, 2.0});
  const Judgement verdict = judge(result.view(), result.view(), expectation({kNan, kInf, 0, 2}), 0);
  EXPECT_TRUE(verdict.within_bounds());
  EXPECT_EQ(verdict.judged, 4);
  EXPECT_EQ(verdict.informative, 1);
}

TEST(Judge, CountsErrorsByTheirSizeInUlp) {
  // Around 1 fp32 steps by 2^-23; slack lets everything pass that is not of interest here.
  const double ulp = 0x1p-23;
  const std::vector<double> steps = {0, 0.125, 0.126, 0.25, 0.5, 0.6, 1, 2, 8, 64, 65, 1024, 1025, 1e5};
  std::vector<double> value, got;
  for (const double step : steps) {
    got.push_back(1.0);
    value.push_back(1.0 + step * ulp);
  }
  for (const double special : {kNan, kInf, -kInf, 1.0}) {  // only the last has a finite expectation
    value.push_back(special);
    got.push_back(kNan);
  }
  const OwnedTensor result = tensor_of(PLUMB_F32, got);
  const Judgement judgement = judge(result.view(), result.view(), expectation(value, 1), kPoison);
  EXPECT_EQ(judgement.ulp_histogram, (UlpHistogram{1, 1, 2, 1, 2, 1, 0, 1, 0, 1, 2, 3}));
}

TEST(Judge, AnHonestOverflowIsNoErrorInUlp) {
  EXPECT_EQ(judge_one(PLUMB_F16, kInf, 65520.0).ulp_histogram.front(), 1);
  EXPECT_EQ(judge_one(PLUMB_F16, kInf, 65000.0).ulp_histogram.back(), 1);
}

TEST(Judge, FindsOneBadElementAmongAMillion) {
  constexpr std::int64_t kCount = 1'000'000;
  for (const std::int64_t bad : {std::int64_t{0}, std::int64_t{765'432}, kCount - 1}) {
    OwnedTensor result(PLUMB_F32, {100, 100, 100});
    for (std::int64_t i = 0; i < kCount; ++i) result.set(i, 1.0);
    result.set(bad, 1.0 + 0x1p-22);
    const Judgement verdict =
        judge(result.view(), result.view(), expectation(std::vector<double>(kCount, 1.0)), kPoison);
    EXPECT_EQ(verdict.out_of_bound, 1);
    EXPECT_EQ(verdict.offenders, std::vector<std::int64_t>{bad});
  }
}

TEST(Judge, WalksStridedTensorsInRowMajorOrder) {
  OwnedTensor result(PLUMB_BF16, {2, 3, 4}, {4, 16, 1}), before(PLUMB_BF16, {2, 3, 4}, {4, 16, 1});
  std::vector<double> values;
  for (std::int64_t i = 0; i < 24; ++i) {
    values.push_back(static_cast<double>(i + 1));
    result.set(i, values.back());
  }
  EXPECT_TRUE(judge(result.view(), before.view(), expectation(values), kPoison).within_bounds());
  result.set(17, 0.0);
  const Judgement verdict = judge(result.view(), before.view(), expectation(values), kPoison);
  EXPECT_EQ(verdict.offenders, std::vector<std::int64_t>{17});
  EXPECT_EQ(verdict.first.at(0).expected, 18.0);
}

TEST(Judge, AnAllZeroOutputFailsEverywhere) {
  const RandomStream random(7, 0);
  std::vector<double> values(4096);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = random.normal(i);
  for (const plumb_dtype dtype : {PLUMB_F32, PLUMB_BF16, PLUMB_F16}) {
    const OwnedTensor zeros = tensor_of(dtype, std::vector<double>(values.size()));
    const Judgement verdict = judge(zeros.view(), zeros.view(), expectation(values, 1e-6), kPoison);
    EXPECT_GT(verdict.out_of_bound, 4090);
  }
}

TEST(Judge, ListsTheFirstAndTheWorst) {
  std::vector<double> got;
  for (int i = 0; i < 10; ++i) got.push_back(1.0 + (i * 7 % 10) * 0x1p-10);  // errors 0 7 4 1 8 5 2 9 6 3
  const OwnedTensor result = tensor_of(PLUMB_F32, got);
  const Judgement verdict = judge(result.view(), result.view(), expectation(std::vector<double>(10, 1.0)), 0);
  EXPECT_EQ(verdict.out_of_bound, 9);
  const auto indices = [](const std::vector<Offence>& list) {
    std::vector<std::int64_t> found;
    for (const Offence& offence : list) found.push_back(offence.index);
    return found;
  };
  EXPECT_EQ(indices(verdict.first), (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(indices(verdict.worst), (std::vector<std::int64_t>{7, 4, 1, 8}));
  EXPECT_EQ(verdict.offenders.size(), 9u);
  EXPECT_EQ(verdict.worst[0].what, "bound");
  EXPECT_EQ(verdict.worst[0].bits, bits_of_float(1.0f + 9 * 0x1p-10f, PLUMB_F32));
}

TEST(Judge, CountsAllOffendersAndRemembersSome) {
  const std::vector<double> values(10'000, 1.0);
  const OwnedTensor zeros = tensor_of(PLUMB_BF16, std::vector<double>(values.size()));
  const Judgement verdict = judge(zeros.view(), zeros.view(), expectation(values), 0);
  EXPECT_EQ(verdict.out_of_bound, 10'000);
  EXPECT_EQ(verdict.offenders.size(), Judgement::kRemembered);
  EXPECT_EQ(verdict.worst.size(), Judgement::kShown);
}

TEST(Judge, NamesItsBlindSpot) {
  const OwnedTensor result = tensor_of(PLUMB_BF16, {1.0, 2.0});
  EXPECT_DOUBLE_EQ(judge(result.view(), result.view(), expectation({1, 2}), 0).blind_spot, 0.5);
  const double ulp = ulp_at(2.0, PLUMB_BF16);
  EXPECT_DOUBLE_EQ(judge(result.view(), result.view(), expectation({1, 2}, 3 * ulp), 0).blind_spot, 3.5);
}

// The 16-bit value next to `value` towards zero.
double truncated(double value, plumb_dtype dtype) {
  const double ulp = ulp_at(value, dtype);
  return std::trunc(value / ulp) * ulp;
}

Judgement judge_rounding(plumb_dtype dtype, std::uint64_t seed, std::size_t count, bool truncating) {
  const RandomStream random(seed, 0);
  std::vector<double> values(count), got(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = random.normal(i);
    got[i] = truncating ? truncated(values[i], dtype) : values[i];
  }
  const OwnedTensor result = tensor_of(dtype, got);
  return judge(result.view(), result.view(), expectation(values, 1e-9), 0);
}

TEST(Bias, TruncationIsSeenAndRoundingToNearestNeverAccused) {
  for (const plumb_dtype dtype : {PLUMB_BF16, PLUMB_F16}) {
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
      const Judgement nearest = judge_rounding(dtype, seed, 2048, false);
      ASSERT_FALSE(is_biased(nearest, dtype)) << name_of(dtype) << " seed " << seed << " bias " << nearest.bias;
      ASSERT_GE(nearest.bias_samples, 64);
    }
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Judgement truncating = judge_rounding(dtype, seed, 2048, true);
      ASSERT_TRUE(is_biased(truncating, dtype));
      EXPECT_NEAR(truncating.bias, -0.5, 0.05);
    }
  }
}

TEST(Bias, IsNotJudgedOfFp32OrOfFewDistinctResults) {
  const Judgement narrow = judge_rounding(PLUMB_BF16, 7, 2048, true);
  EXPECT_FALSE(is_biased(narrow, PLUMB_F32));
  EXPECT_EQ(judge_rounding(PLUMB_F32, 7, 2048, false).bias_samples, 0);
  // A thousand times the same inexact value is one piece of evidence.
  const OwnedTensor result = tensor_of(PLUMB_BF16, std::vector<double>(1000, 1.0));
  const Judgement constant =
      judge(result.view(), result.view(), expectation(std::vector<double>(1000, 1.0 + 0x1p-9)), 0);
  EXPECT_EQ(constant.bias_samples, 1);
  EXPECT_DOUBLE_EQ(constant.bias, -0.25);  // in ulp, which is 2^-7 here
  EXPECT_FALSE(is_biased(constant, PLUMB_BF16));
}

TEST(DescribeOffenders, ShowsWhereTheyLie) {
  OwnedTensor result(PLUMB_F32, {4, 64});
  for (std::int64_t i = 0; i < 256; ++i) result.set(i, i % 8 == 3 && i >= 64 ? 2.0 : 1.0);
  const Judgement verdict = judge(result.view(), result.view(), expectation(std::vector<double>(256, 1.0)), 0);
  const std::string text = describe_offenders(verdict, result.view());
  const auto line = [&](const std::string& title) {
    const std::size_t begin = text.find(title);
    return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
  };
  EXPECT_NE(line("axis 0 (of 4)").find(" 1:8 2:8 3:8"), std::string::npos) << text;
  EXPECT_NE(line("element modulo 8").find(" 3:24"), std::string::npos) << text;
  EXPECT_NE(line("element modulo 32").find(" 3:6 11:6 19:6 27:6"), std::string::npos) << text;
  EXPECT_EQ(describe_offenders(Judgement{}, result.view()), "");
}

}  // namespace
}  // namespace plumb
