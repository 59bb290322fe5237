// rope's two judges: values by hand, invariants, what must stay untouched, and each judge against the other.
#include <gtest/gtest.h>

#include "reference/numeric/test_tensors.h"
#include "reference/rope/reference.h"

namespace plumb {
namespace {

using testing::HostTensor;
using testing::kInf;
using testing::kNan;

// [positions, rotary_dim]: cosines, then sines, of position * 10000^(-2i/r)
HostTensor make_cache(plumb_dtype dtype, std::int64_t positions, std::int64_t rotary_dim) {
  return HostTensor(dtype, {positions, rotary_dim}).fill([&](std::int64_t n) {
    const std::int64_t i = n % rotary_dim, pair = i % (rotary_dim / 2);
    const double exponent = -2.0 * static_cast<double>(pair) / static_cast<double>(rotary_dim);
    const double angle = static_cast<double>(n / rotary_dim) * std::pow(1e4, exponent);
    return i < rotary_dim / 2 ? std::cos(angle) : std::sin(angle);
  });
}

struct Problem {
  plumb_rope_params params = versioned<plumb_rope_params>();
  HostTensor q, k, positions, cache;

  Problem(plumb_dtype dtype, std::int32_t style, std::int64_t head_dim, std::int32_t rotary_dim,
          std::vector<std::int64_t> at = {0, 5, 1, 31, 7})
      : q(dtype, {std::ssize(at), 4, head_dim}),
        k(dtype, {std::ssize(at), 2, head_dim}, {head_dim * 3, 1, 3}),  // heads interleaved, the last axis strided
        positions(HostTensor::integers(PLUMB_I64, at)),
        cache(make_cache(dtype, 32, rotary_dim)) {
    params.style = style;
    params.rotary_dim = rotary_dim;
    testing::Random random(static_cast<std::uint64_t>(head_dim + rotary_dim));
    for (auto* tensor : {&q, &k}) tensor->fill([&](auto) { return random.normal(); });
  }

  std::vector<plumb_tensor> tensors() const { return testing::views({&q, &k, &positions, &cache}); }
};

void replay(Problem& problem) { rope_replay(problem.params, problem.tensors()); }

TEST(Rope, ByHand) {
  // A quarter turn takes (x1, x2) to (-x2, x1), whichever elements are the pair.
  struct Row {
    std::int32_t style;
    std::vector<float> y;
  };
  for (const auto& [style, y] :
       {Row{PLUMB_ROPE_NEOX, {-3, -4, 1, 2, 9}}, Row{PLUMB_ROPE_INTERLEAVED, {-2, 1, -4, 3, 9}}}) {
    Problem problem(PLUMB_F32, style, 6, 4, {0});
    problem.q = HostTensor::of(PLUMB_F32, {1, 1, 5}, {1, 2, 3, 4, 9});
    problem.k = HostTensor();
    problem.cache = HostTensor::of(PLUMB_F32, {1, 4}, {0, 0, 1, 1});
    const auto expected = rope_oracle(problem.params, problem.tensors());
    EXPECT_TRUE(expected[1].value.empty());
    EXPECT_EQ(expected[0].slack[4], Expectation::kKeep);
    replay(problem);
    for (std::int64_t i = 0; i < 5; ++i) {
      EXPECT_EQ(problem.q.value(i), y[static_cast<std::size_t>(i)]);
      EXPECT_EQ(expected[0].value[static_cast<std::size_t>(i)], y[static_cast<std::size_t>(i)]);
    }
  }
}

TEST(Rope, TheCanonicalFmaSwallowsTheCosineProduct) {
  // x1 c = 1 + 2^-11 + 2^-24 and x2 s = 1 + 2^-11: only an exact x1 c and a rounded x2 s leave 2^-24.
  Problem problem(PLUMB_F32, PLUMB_ROPE_NEOX, 2, 2, {0});
  problem.k = HostTensor();
  problem.q = HostTensor::of(PLUMB_F32, {1, 1, 2}, {1 + 0x1p-12f, 1 + 0x1p-12f});
  problem.cache = HostTensor::of(PLUMB_F32, {1, 2}, {1 + 0x1p-12f, 1 + 0x1p-12f});
  replay(problem);
  EXPECT_EQ(problem.q.value(0), 0x1p-24f);
  EXPECT_EQ(problem.q.value(1), 2 + 0x1p-10f);
}

TEST(Rope, PositionZeroIsTheIdentity) {
  for (const auto style : {PLUMB_ROPE_NEOX, PLUMB_ROPE_INTERLEAVED}) {
    Problem problem(PLUMB_BF16, style, 64, 64, {0, 0, 0});
    const HostTensor q = problem.q, k = problem.k;
    replay(problem);
    EXPECT_TRUE(testing::same_bits(q, problem.q));
    EXPECT_TRUE(testing::same_bits(k, problem.k));
  }
}

TEST(Rope, KeepsTheNormOfEveryHead) {
  for (const auto style : {PLUMB_ROPE_NEOX, PLUMB_ROPE_INTERLEAVED}) {
    Problem problem(PLUMB_F32, style, 128, 96);
    const HostTensor before = problem.k;
    const auto expected = rope_oracle(problem.params, problem.tensors())[1];
    replay(problem);
    for (std::int64_t head = 0; head < 5 * 2; ++head) {
      double old_norm = 0, true_norm = 0, new_norm = 0;
      for (std::int64_t i = head * 128; i < (head + 1) * 128; ++i) {
        old_norm += std::pow(before.value(i), 2);
        true_norm += std::pow(expected.value[static_cast<std::size_t>(i)], 2);
        new_norm += std::pow(problem.k.value(i), 2);
      }
      EXPECT_NEAR(true_norm / old_norm, 1, 1e-6);  // the cache itself is fp32
      EXPECT_NEAR(new_norm / old_norm, 1, 1e-6);
    }
  }
}

TEST(Rope, TailsAndPaddedTokensKeepEveryBit) {
  for (const auto dtype : testing::kFloatTypes) {
    for (const std::int32_t rotary_dim : {2, 6, 12, 96}) {
      // Before the first and after the last row of the cache, and far outside.
      Problem problem(dtype, PLUMB_ROPE_NEOX, 128, rotary_dim, {-1, 31, 32, std::int64_t{1} << 40, INT64_MIN, 0});
      problem.q.set({0, 0, 0}, kNan);
      const HostTensor q = problem.q, k = problem.k;
      const auto expected = rope_oracle(problem.params, problem.tensors());
      replay(problem);
      const auto judgement = testing::judge(expected[0], q, problem.q);
      EXPECT_LE(judgement.worst, 1);
      EXPECT_EQ(judgement.judged, 2 * 4 * rotary_dim);
      EXPECT_EQ(judgement.kept, 6 * 4 * 128 - 2 * 4 * rotary_dim);
      EXPECT_LE(testing::judge(expected[1], k, problem.k).worst, 1);
      EXPECT_NE(problem.q.at({1, 3, 0}), q.at({1, 3, 0})) << "the token at the last position was not rotated";
    }
  }
}

TEST(Rope, StridesDoNotMatterAndGapsStay) {
  Problem problem(PLUMB_F16, PLUMB_ROPE_INTERLEAVED, 32, 20);
  Problem dense = problem;
  dense.k = HostTensor(PLUMB_F16, {5, 2, 32}).fill([&](std::int64_t i) { return problem.k.value(i); });
  replay(problem);
  replay(dense);
  EXPECT_TRUE(testing::same_bits(problem.k, dense.k));
  // Its heads lie at element offsets 0 and 1 of every three; the third is a gap.
  EXPECT_EQ(problem.k.bytes()[4], std::byte{0xff});
  EXPECT_EQ(problem.k.bytes()[5], std::byte{0xff});
}

TEST(Rope, BadNumbersStayInTheirPair) {
  Problem problem(PLUMB_F32, PLUMB_ROPE_NEOX, 8, 8, {3});
  problem.q.set({0, 0, 1}, kNan);
  problem.q.set({0, 1, 2}, kInf);
  problem.q.set({0, 2, 0}, 3e38f);
  problem.q.set({0, 2, 4}, -3e38f);
  const HostTensor before = problem.q;
  const auto expected = rope_oracle(problem.params, problem.tensors())[0];
  replay(problem);
  const auto judgement = testing::judge(expected, before, problem.q);
  EXPECT_LE(judgement.worst, 1);
  EXPECT_EQ(judgement.judged, 32);
  for (std::int64_t i = 0; i < 8; ++i) EXPECT_EQ(std::isnan(problem.q.at({0, 0, i})), i % 4 == 1) << i;
  EXPECT_TRUE(std::isinf(problem.q.at({0, 1, 2})));
}

TEST(Rope, ReplayLiesWithinTheBound) {
  for (const auto dtype : testing::kFloatTypes) {
    double worst = 0;
    for (const auto style : {PLUMB_ROPE_NEOX, PLUMB_ROPE_INTERLEAVED}) {
      for (const std::int32_t rotary_dim : {2, 6, 64, 96, 128}) {
        for (const auto cache_dtype : {dtype, PLUMB_F32}) {
          Problem problem(dtype, style, 128, rotary_dim);
          problem.cache = make_cache(cache_dtype, 32, rotary_dim);
          const HostTensor q = problem.q, k = problem.k;
          const auto expected = rope_oracle(problem.params, problem.tensors());
          replay(problem);
          const auto of_q = testing::judge(expected[0], q, problem.q);
          worst = std::fmax(worst, std::fmax(of_q.worst, testing::judge(expected[1], k, problem.k).worst));
          ASSERT_LE(worst, 1) << name_of(dtype) << " rotary " << rotary_dim;
          ASSERT_EQ(of_q.judged, 5 * 4 * rotary_dim);
        }
      }
    }
    RecordProperty("worst_" + std::string(name_of(dtype)), std::to_string(worst));
    EXPECT_GT(worst, dtype == PLUMB_F32 ? 0.05 : 0.5) << "the bound is absurdly loose";
  }
}

TEST(Rope, RotatingInTheOutputTypeIsOutsideTheBound) {
  Problem problem(PLUMB_BF16, PLUMB_ROPE_NEOX, 64, 64);
  const HostTensor before = problem.q;
  const auto expected = rope_oracle(problem.params, problem.tensors())[0];
  for (std::int64_t row = 0; row < 5 * 4; ++row) {
    const auto position = load_integer(problem.positions.element(row / 4), PLUMB_I64);
    for (std::int64_t i = 0; i < 32; ++i) {
      const float x1 = before.value(row * 64 + i), x2 = before.value(row * 64 + 32 + i);
      const float c = problem.cache.at({position, i}), s = problem.cache.at({position, 32 + i});
      problem.q.set(row * 64 + i, round_to(x1 * c, PLUMB_BF16) - round_to(x2 * s, PLUMB_BF16));
      problem.q.set(row * 64 + 32 + i, round_to(x2 * c, PLUMB_BF16) + round_to(x1 * s, PLUMB_BF16));
    }
  }
  EXPECT_GT(testing::judge(expected, before, problem.q).worst, 1);
}

}  // namespace
}  // namespace plumb
