// rms_norm's two judges: values by hand, invariants, each against the other, and the errors that the bound must
// see.
#include <gtest/gtest.h>

#include <functional>

#include "reference/numeric/canonical_sum.h"
#include "reference/numeric/test_tensors.h"
#include "reference/rms_norm/reference.h"

namespace plumb {
namespace {

using testing::HostTensor;
using testing::kInf;
using testing::kNan;

struct Problem {
  plumb_rms_norm_params params = versioned<plumb_rms_norm_params>();
  HostTensor x, weight, residual, y;

  Problem(plumb_dtype dtype, std::int64_t rows, std::int64_t hidden, float eps = 1e-6f)
      : x(dtype, {rows, hidden}, {hidden + 3, 1}),
        weight(dtype, {hidden}),
        y(dtype, {rows, hidden}, {hidden + 5, 1}) {
    params.eps = eps;
  }

  std::vector<plumb_tensor> tensors() const { return testing::views({&x, &weight, &residual, &y}); }

  void fill_at_random(std::uint64_t seed, double scale = 1) {
    testing::Random random(seed);
    x.fill([&](auto) { return scale * random.normal(); });
    weight.fill([&](auto) { return params.weight_offset != 0 ? 0.1 * random.normal() : random.uniform(0.5, 1.5); });
    if (is_present(residual.view())) residual.fill([&](auto) { return scale * random.normal(); });
  }
};

// Oracle first (it sees the tensors before the call), then `run`, then the judgement of y.
testing::Judgement judged(Problem& problem, const std::function<void(Problem&)>& run) {
  const auto expected = rms_norm_oracle(problem.params, problem.tensors());
  const HostTensor before = problem.y;
  run(problem);
  return testing::judge(expected[1], before, problem.y);
}

void replay(Problem& problem) { rms_norm_replay(problem.params, problem.tensors()); }

TEST(RmsNorm, ByHand) {
  // mean(3^2, 4^2, 0, 0) = 6.25, its root 2.5
  Problem problem(PLUMB_F32, 1, 4, 0.0f);
  problem.x = HostTensor::of(PLUMB_F32, {1, 4}, {3, -4, 0, 0});
  problem.weight = HostTensor::of(PLUMB_F32, {4}, {1, 2, 3, 4});
  const auto expected = rms_norm_oracle(problem.params, problem.tensors());
  EXPECT_TRUE(expected[0].value.empty());
  const double values[] = {1.2, -3.2, 0, 0};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_DOUBLE_EQ(expected[1].value[i], values[i]);
  replay(problem);
  EXPECT_EQ(problem.y.value(0), 3.0f * (1.0f / 2.5f) * 1.0f);
  EXPECT_EQ(problem.y.value(1), -4.0f * (1.0f / 2.5f) * 2.0f);
  EXPECT_EQ(problem.y.value(2), 0.0f);
}

TEST(RmsNorm, EpsStandsBesideTheMean) {
  // mean = 4 and eps = 5: their root is 3
  Problem problem(PLUMB_F32, 1, 16, 5.0f);
  problem.x.fill([](auto) { return 2; });
  problem.weight.fill([](auto) { return 1; });
  EXPECT_DOUBLE_EQ(rms_norm_oracle(problem.params, problem.tensors())[1].value[7], 2.0 / 3.0);
  replay(problem);
  EXPECT_EQ(problem.y.value(7), 2.0f * (1.0f / 3.0f));
}

TEST(RmsNorm, ResidualIsStoredRoundedAndNormedRounded) {
  // 256 + 1 in bf16 is a tie and goes to 256; 258 + 1 goes to 260.
  Problem problem(PLUMB_BF16, 1, 2, 0.0f);
  problem.x = HostTensor::of(PLUMB_BF16, {1, 2}, {1, 1});
  problem.residual = HostTensor::of(PLUMB_BF16, {1, 2}, {256, 258});
  problem.weight = HostTensor::of(PLUMB_BF16, {2}, {1, 1});
  const auto expected = rms_norm_oracle(problem.params, problem.tensors());
  EXPECT_EQ(expected[0].value, (std::vector<double>{256, 260}));
  EXPECT_EQ(expected[0].slack, (std::vector<double>{0, 0}));
  EXPECT_DOUBLE_EQ(expected[1].value[0], 256 / std::sqrt((256.0 * 256 + 260.0 * 260) / 2));
  const HostTensor before = problem.residual;
  replay(problem);
  EXPECT_EQ(testing::judge(expected[0], before, problem.residual).worst, 0);
  EXPECT_EQ(problem.residual.value(1), 260.0f);
  EXPECT_EQ(problem.x.value(1), 1.0f);
}

TEST(RmsNorm, GemmaAddsOneInFp32) {
  // 1 + 2^-12 is no bf16: added there, the weight would be 1 and y exactly 1.
  Problem problem(PLUMB_F32, 1, 8, 0.0f);
  problem.params.weight_offset = 1.0f;
  problem.x.fill([](auto) { return 4; });
  problem.weight = HostTensor(PLUMB_BF16, {8}).fill([](auto) { return 0x1p-12; });
  EXPECT_EQ(rms_norm_oracle(problem.params, problem.tensors())[1].value[0], 1 + 0x1p-12);
  replay(problem);
  EXPECT_EQ(problem.y.value(0), 1 + 0x1p-12f);
}

TEST(RmsNorm, RoundingBeforeTheWeight) {
  // h / rms = 1/sqrt(2.5) and 2/sqrt(2.5), rounded to bf16 before they meet the weight
  Problem problem(PLUMB_BF16, 1, 2, 0.0f);
  problem.params.rounding = PLUMB_ROUND_BEFORE_WEIGHT;
  problem.x = HostTensor::of(PLUMB_BF16, {1, 2}, {1, 2});
  problem.weight = HostTensor::of(PLUMB_F32, {2}, {1.1f, 1.1f});
  const auto expected = rms_norm_oracle(problem.params, problem.tensors())[1];
  for (int i = 0; i < 2; ++i) {
    const double rounded = round_to(static_cast<float>((i + 1) / std::sqrt(2.5)), PLUMB_BF16);
    EXPECT_DOUBLE_EQ(expected.value[static_cast<std::size_t>(i)], rounded * 1.1f);
    EXPECT_LT(expected.slack[static_cast<std::size_t>(i)], 3 * kUnitRoundoff);
  }
  replay(problem);
  EXPECT_LT(testing::judge(expected, problem.y, problem.y).worst, 1);
}

TEST(RmsNorm, ScalingByAPowerOfTwoChangesNoBit) {
  for (const auto dtype : testing::kFloatTypes) {
    Problem problem(dtype, 5, 769, 0.0f), scaled(dtype, 5, 769, 0.0f);
    problem.fill_at_random(7);
    scaled.fill_at_random(7);
    scaled.x.fill([&](std::int64_t i) { return 16 * problem.x.value(i); });
    replay(problem);
    replay(scaled);
    EXPECT_TRUE(testing::same_bits(problem.y, scaled.y)) << name_of(dtype);
  }
}

TEST(RmsNorm, BadNumbersStayInTheirRow) {
  for (const auto dtype : testing::kFloatTypes) {
    Problem problem(dtype, 4, 100), clean(dtype, 4, 100);
    problem.fill_at_random(8);
    clean.fill_at_random(8);
    problem.x.set({1, 3}, kNan);
    problem.x.set({2, 5}, -kInf);
    replay(clean);
    const auto judgement = judged(problem, replay);
    EXPECT_LE(judgement.worst, 1) << name_of(dtype);
    EXPECT_EQ(judgement.judged, 400);
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(problem.y.at({0, i}), clean.y.at({0, i}));
      EXPECT_TRUE(std::isnan(problem.y.at({1, i})));
      if (i == 5) {
        EXPECT_TRUE(std::isnan(problem.y.at({2, i})));
      } else {
        EXPECT_EQ(problem.y.at({2, i}), 0.0f);
      }
      EXPECT_EQ(problem.y.at({3, i}), clean.y.at({3, i}));
    }
  }
}

TEST(RmsNorm, RowsThatFp32CannotSumAreNotJudged) {
  Problem problem(PLUMB_F32, 3, 8, 0.0f);
  problem.fill_at_random(9);
  for (int i = 0; i < 8; ++i) problem.x.set({1, i}, 3e19f);   // squares overflow
  for (int i = 0; i < 8; ++i) problem.x.set({2, i}, 1e-23f);  // squares underflow to zero
  const auto judgement = judged(problem, replay);
  EXPECT_EQ(judgement.unjudged, 16);
  EXPECT_LE(judgement.worst, 1);
}

TEST(RmsNorm, InPlaceAndEmpty) {
  Problem problem(PLUMB_BF16, 3, 40), in_place(PLUMB_BF16, 3, 40);
  problem.fill_at_random(10);
  in_place.fill_at_random(10);
  replay(problem);
  const auto tensors = testing::views({&in_place.x, &in_place.weight, &in_place.residual, &in_place.x});
  rms_norm_replay(in_place.params, tensors);
  EXPECT_TRUE(testing::same_bits(problem.y, in_place.x));
  Problem empty(PLUMB_BF16, 0, 40);
  replay(empty);
  EXPECT_TRUE(rms_norm_oracle(empty.params, empty.tensors())[1].value.empty());
}

TEST(RmsNorm, ReplayLiesWithinTheBound) {
  for (const auto dtype : testing::kFloatTypes) {
    double worst_of_type = 0;
    for (const int option : {0, 1, 2, 3, 4, 5, 6, 7}) {
      for (const std::int64_t hidden : {1, 7, 64, 769, 4096}) {
        for (const double scale : {1.0, 1e-3, 1e-20}) {
          Problem problem(dtype, 16, hidden);
          problem.params.rounding = option & 1 ? PLUMB_ROUND_BEFORE_WEIGHT : PLUMB_ROUND_ONCE;
          problem.params.weight_offset = option & 2 ? 1.0f : 0.0f;
          if (option & 4) problem.residual = HostTensor(dtype, {16, hidden});
          problem.fill_at_random(static_cast<std::uint64_t>(hidden + option), scale);
          const auto judgement = judged(problem, replay);
          ASSERT_LE(judgement.worst, 1) << name_of(dtype) << " option " << option << " hidden " << hidden;
          ASSERT_EQ(judgement.judged, 16 * hidden);
          worst_of_type = std::fmax(worst_of_type, judgement.worst);
        }
      }
    }
    RecordProperty("worst_" + std::string(name_of(dtype)), std::to_string(worst_of_type));
    EXPECT_GT(worst_of_type, dtype == PLUMB_F32 ? 0.05 : 0.5) << "the bound is absurdly loose";
  }
}

// Kernels with a mistake in them; the bound must refuse each on ordinary data.
struct Slip {
  const char* name;
  float eps;
  plumb_rms_norm_rounding rounding;
  double scale;
  float (*inverse)(std::span<const float> h, float eps);
  float (*finish)(float h, float inverse, float w);
};

float right_inverse(std::span<const float> h, float eps) {
  return canonical_inverse_rms(canonical_sum_of_squares(h), h.size(), eps);
}
float right_finish(float h, float inverse, float w) { return h * inverse * w; }
float truncated(float value) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0xffff0000u); }
float bf16(float value) { return round_to(value, PLUMB_BF16); }

constexpr Slip kSlips[] = {
    {"eps_on_the_sum", 1e-5f, PLUMB_ROUND_ONCE, 0.05,
     [](std::span<const float> h, float eps) {
       const auto n = static_cast<float>(h.size());
       return 1 / std::sqrt((canonical_sum_of_squares(h) + eps) / n);
     },
     right_finish},
    {"eps_outside_the_root", 1e-5f, PLUMB_ROUND_ONCE, 0.05,
     [](std::span<const float> h, float eps) {
       const auto n = static_cast<float>(h.size());
       return 1 / (std::sqrt(canonical_sum_of_squares(h) / n) + eps);
     },
     right_finish},
    {"sum_in_bf16", 1e-6f, PLUMB_ROUND_ONCE, 1,
     [](std::span<const float> h, float eps) {
       float sum = 0;
       for (const float v : h) sum = bf16(sum + v * v);
       return canonical_inverse_rms(sum, h.size(), eps);
     },
     right_finish},
    {"weight_before_the_rounding", 1e-6f, PLUMB_ROUND_BEFORE_WEIGHT, 1, right_inverse, right_finish},
    {"weight_after_the_rounding", 1e-6f, PLUMB_ROUND_ONCE, 1, right_inverse,
     [](float h, float inverse, float w) { return bf16(h * inverse) * w; }},
    {"truncated", 1e-6f, PLUMB_ROUND_ONCE, 1, right_inverse,
     [](float h, float inverse, float w) { return truncated(h * inverse * w); }},
};

class RmsNormSlip : public ::testing::TestWithParam<Slip> {};
INSTANTIATE_TEST_SUITE_P(Slips, RmsNormSlip, ::testing::ValuesIn(kSlips),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(RmsNormSlip, IsOutsideTheBound) {
  const Slip& slip = GetParam();
  Problem problem(PLUMB_BF16, 8, 1024, slip.eps);
  problem.params.rounding = slip.rounding;
  problem.fill_at_random(11, slip.scale);
  const auto judgement = judged(problem, [&](Problem& p) {
    std::vector<float> h(1024);
    for (std::int64_t row = 0; row < 8; ++row) {
      for (std::int64_t i = 0; i < 1024; ++i) h[static_cast<std::size_t>(i)] = p.x.at({row, i});
      const float inverse = slip.inverse(h, slip.eps);
      for (std::int64_t i = 0; i < 1024; ++i) {
        p.y.set({row, i}, slip.finish(h[static_cast<std::size_t>(i)], inverse, p.weight.value(i)));
      }
    }
  });
  EXPECT_GT(judgement.worst, 1);
}

}  // namespace
}  // namespace plumb
