// qk_norm_rope's two judges: values by hand, agreement with rms_norm and rope, what must stay untouched, the bound.
#include <gtest/gtest.h>

#include "reference/numeric/test_tensors.h"
#include "reference/qk_norm_rope/reference.h"
#include "reference/rms_norm/reference.h"
#include "reference/rope/reference.h"

namespace plumb {
namespace {

using testing::HostTensor;
using testing::kInf;
using testing::kNan;

struct Shape {
  std::int32_t heads_q = 4, heads_k = 2, heads_v = 2, head_dim = 128, rotary_dim = 128, style = PLUMB_ROPE_NEOX;
};

struct Problem {
  plumb_qk_norm_rope_params params = versioned<plumb_qk_norm_rope_params>();
  HostTensor qkv, q_weight, k_weight, positions, cache;
  std::int64_t width;

  Problem(plumb_dtype dtype, Shape shape, std::vector<std::int64_t> at = {0, 9, 31, 2, 17})
      : q_weight(dtype, {shape.head_dim}),
        k_weight(dtype, {shape.head_dim}),
        positions(HostTensor::integers(PLUMB_I64, at)),
        cache(dtype, {32, shape.rotary_dim}),
        width((shape.heads_q + shape.heads_k + shape.heads_v) * shape.head_dim) {
    params.heads_q = shape.heads_q;
    params.heads_k = shape.heads_k;
    params.heads_v = shape.heads_v;
    params.head_dim = shape.head_dim;
    params.rotary_dim = shape.rotary_dim;
    params.style = shape.style;
    params.heads_per_warp = -1;
    params.eps = 1e-6f;
    qkv = HostTensor(dtype, {std::ssize(at), width}, {width + 8, 1});
    testing::Random random(static_cast<std::uint64_t>(shape.head_dim + shape.rotary_dim));
    qkv.fill([&](auto) { return random.normal(); });
    q_weight.fill([&](auto) { return random.uniform(0.5, 1.5); });
    k_weight.fill([&](auto) { return random.uniform(-3, -2); });
    const std::int64_t half = shape.rotary_dim / 2;
    cache.fill([&](std::int64_t n) {
      const double angle = 0.7 * static_cast<double>(n / (2 * half)) / (1.0 + static_cast<double>(n % half));
      return n % (2 * half) < half ? std::cos(angle) : std::sin(angle);
    });
  }

  std::vector<plumb_tensor> tensors() const {
    return testing::views({&qkv, &q_weight, &k_weight, &positions, &cache});
  }
};

void replay(Problem& problem) { qk_norm_rope_replay(problem.params, problem.tensors()); }

testing::Judgement judged(Problem& problem) {
  const auto expected = qk_norm_rope_oracle(problem.params, problem.tensors())[0];
  const HostTensor before = problem.qkv;
  replay(problem);
  return testing::judge(expected, before, problem.qkv);
}

TEST(QkNormRope, ByHand) {
  // q head (3, 4, 0, 0): rms 2.5, weights 1 2 3 4, so n = (1.2, 3.2, 0, 0); the pair (n0, n1) turns by a quarter.
  Problem problem(PLUMB_F32, {1, 1, 1, 4, 2, PLUMB_ROPE_NEOX}, {0});
  problem.params.eps = 0;
  problem.qkv = HostTensor::of(PLUMB_F32, {1, 12}, {3, 4, 0, 0, 0, 5, 0, 5, 7, 8, 9, 10});
  problem.q_weight = HostTensor::of(PLUMB_F32, {4}, {1, 2, 3, 4});
  problem.k_weight = HostTensor::of(PLUMB_F32, {4}, {1, 1, 1, -1});
  problem.cache = HostTensor::of(PLUMB_F32, {1, 2}, {0, 1});
  const auto expected = qk_norm_rope_oracle(problem.params, problem.tensors())[0];
  const double root_half = 5 / std::sqrt(12.5);
  const std::vector<double> values = {-3.2, 1.2, 0, 0, -root_half, 0, 0, -root_half, 7, 8, 9, 10};
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(expected.value[i], values[i], 1e-12) << i;
  EXPECT_EQ(expected.slack[8], Expectation::kKeep);
  replay(problem);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(problem.qkv.value(static_cast<std::int64_t>(i)), values[i], 1e-6) << i;
  }
}

TEST(QkNormRope, NothingIsRoundedBetweenNormAndRope) {
  // In fp32 the operator is rms_norm and then rope, bit for bit; in bf16 it is not, because those round in between.
  for (const auto dtype : {PLUMB_F32, PLUMB_BF16}) {
    for (const auto style : {PLUMB_ROPE_NEOX, PLUMB_ROPE_INTERLEAVED}) {
      Problem problem(dtype, {1, 0, 0, 128, 96, style});
      auto norm = versioned<plumb_rms_norm_params>();
      norm.eps = problem.params.eps;
      HostTensor y(dtype, {5, 1, 128});
      auto flat = y.view();
      flat = make_tensor(flat.data, dtype, {5, 128});
      rms_norm_replay(norm, std::vector{problem.qkv.view(), problem.q_weight.view(), absent_tensor(), flat});
      auto rope = versioned<plumb_rope_params>();
      rope.rotary_dim = 96;
      rope.style = style;
      rope_replay(rope, std::vector{y.view(), absent_tensor(), problem.positions.view(), problem.cache.view()});
      replay(problem);
      std::int64_t differing = 0;
      for (std::int64_t i = 0; i < y.count(); ++i) differing += y.bits(i) != problem.qkv.bits(i);
      EXPECT_EQ(differing == 0, dtype == PLUMB_F32) << differing;
    }
  }
}

TEST(QkNormRope, EachHeadHasItsOwnWeight) {
  // With x = 1, position 0 and eps = 0, every head gives its weight back: the boundary shows.
  Problem problem(PLUMB_BF16, {3, 2, 1, 64, 64, PLUMB_ROPE_NEOX}, {0});
  problem.params.eps = 0;
  problem.qkv.fill([](auto) { return 1; });
  EXPECT_LE(judged(problem).worst, 1);
  for (std::int64_t h = 0; h < 6; ++h) {
    for (std::int64_t i = 0; i < 64; ++i) {
      const float y = problem.qkv.at({0, h * 64 + i});
      EXPECT_EQ(y, h < 3 ? problem.q_weight.value(i) : h < 5 ? problem.k_weight.value(i) : 1.0f) << h << ", " << i;
    }
  }
}

TEST(QkNormRope, SwappedWeightsAtTheBoundaryAreOutsideTheBound) {
  Problem problem(PLUMB_BF16, {3, 2, 1, 64, 64, PLUMB_ROPE_NEOX});
  const auto expected = qk_norm_rope_oracle(problem.params, problem.tensors())[0];
  const HostTensor before = problem.qkv;
  problem.params.heads_q = 4;
  problem.params.heads_k = 1;
  replay(problem);
  EXPECT_GT(testing::judge(expected, before, problem.qkv).worst, 1);
}

TEST(QkNormRope, VAndPaddedTokensKeepEveryBit) {
  for (const auto dtype : testing::kFloatTypes) {
    Problem problem(dtype, {4, 2, 2, 128, 96, PLUMB_ROPE_NEOX}, {-1, 3, 32, 31, -(std::int64_t{1} << 40)});
    problem.qkv.set({0, 0}, kNan);
    problem.qkv.set({1, 6 * 128 + 1}, kNan);  // in V
    const auto judgement = judged(problem);
    EXPECT_LE(judgement.worst, 1);
    EXPECT_EQ(judgement.judged, 2 * 6 * 128);
    EXPECT_EQ(judgement.kept, 5 * 8 * 128 - 2 * 6 * 128);
  }
}

TEST(QkNormRope, BadNumbersStayInTheirHead) {
  Problem problem(PLUMB_BF16, {4, 2, 2, 64, 12, PLUMB_ROPE_INTERLEAVED}), clean = problem;
  problem.qkv.set({1, 64 + 3}, kNan);
  problem.qkv.set({2, 2 * 64 + 40}, kInf);
  replay(clean);
  const auto judgement = judged(problem);
  EXPECT_LE(judgement.worst, 1);
  EXPECT_EQ(judgement.unjudged, 0);
  for (std::int64_t i = 0; i < problem.qkv.count(); ++i) {
    const std::int64_t token = i / problem.width, head = i % problem.width / 64;
    if (token == 1 && head == 1) {
      EXPECT_TRUE(std::isnan(problem.qkv.value(i)));
    } else if (token == 2 && head == 2) {
      EXPECT_EQ(std::isnan(problem.qkv.value(i)), i % 64 == 40);
    } else {
      ASSERT_EQ(problem.qkv.bits(i), clean.qkv.bits(i)) << i;
    }
  }
}

TEST(QkNormRope, KeepsTheNormOfTheHead) {
  // With all weights 1 the rotated head has rms 1; a sine taken from the wrong column would change that.
  for (const std::int32_t rotary_dim : {96, 128}) {
    Problem problem(PLUMB_F32, {4, 2, 0, 128, rotary_dim, PLUMB_ROPE_NEOX});
    problem.q_weight.fill([](auto) { return 1; });
    problem.k_weight.fill([](auto) { return 1; });
    replay(problem);
    for (std::int64_t head = 0; head < 5 * 6; ++head) {
      double squares = 0;
      for (std::int64_t i = 0; i < 128; ++i) squares += std::pow(problem.qkv.value(head * 128 + i), 2);
      EXPECT_NEAR(squares / 128, 1, 1e-5);
    }
  }
}

TEST(QkNormRope, ReplayLiesWithinTheBound) {
  for (const auto dtype : testing::kFloatTypes) {
    double worst = 0;
    for (const auto style : {PLUMB_ROPE_NEOX, PLUMB_ROPE_INTERLEAVED}) {
      for (const auto& [head_dim, rotary_dim] :
           {std::pair{64, 64}, {128, 128}, {128, 96}, {8, 6}, {128, 2}, {256, 64}, {512, 192}, {80, 12}}) {
        for (const double scale : {1.0, 1e-3}) {
          Problem problem(dtype, {4, 2, 1, head_dim, rotary_dim, style});
          problem.qkv.fill([&](std::int64_t i) { return scale * problem.qkv.value(i); });
          const auto judgement = judged(problem);
          ASSERT_LE(judgement.worst, 1) << name_of(dtype) << " D " << head_dim << " rotary " << rotary_dim;
          ASSERT_EQ(judgement.judged, 5 * 6 * head_dim);
          worst = std::fmax(worst, judgement.worst);
        }
      }
    }
    RecordProperty("worst_" + std::string(name_of(dtype)), std::to_string(worst));
    EXPECT_GT(worst, dtype == PLUMB_F32 ? 0.05 : 0.5) << "the bound is absurdly loose";
  }
}

}  // namespace
}  // namespace plumb
