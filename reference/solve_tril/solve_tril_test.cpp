// solve_tril's two judges: inverses by hand, (I + L) X = I, chunks and tails, what is ignored, and the bound.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "reference/numeric/test_tensors.h"
#include "reference/solve_tril/chunks.h"
#include "reference/solve_tril/reference.h"

namespace plumb {
namespace {

using testing::HostTensor;
using testing::kInf;
using testing::kNan;

struct Problem {
  plumb_solve_tril_params params = versioned<plumb_solve_tril_params>();
  HostTensor a, x, cu_seqlens;
  std::int64_t length, heads, bt;

  Problem(plumb_dtype a_dtype, plumb_dtype x_dtype, std::int64_t batches, std::int64_t t, std::int64_t h,
          std::int64_t chunk)
      : a(a_dtype, {batches, t, h, chunk}, {h * t * chunk, chunk, t * chunk, 1}),  // head-first in memory
        x(x_dtype, {batches, t, h, chunk}),
        length(t),
        heads(h),
        bt(chunk) {
    a.fill([](auto) { return 0; });
  }

  std::vector<plumb_tensor> tensors() const { return testing::views({&a, &x, &cu_seqlens}); }

  // Strictly lower elements as a gated delta rule has them: beta * decay * <k_i, k_j> of unit keys whose pairs have
  // the given correlation; NaN on and above the diagonal.
  void fill_with_keys(std::uint64_t seed, double correlation, double beta) {
    testing::Random random(seed);
    a.fill([&](std::int64_t n) {
      const std::int64_t column = n % bt, row = n / (bt * heads) % length % bt;
      const double dot = correlation + (1 - correlation) * 0.1 * random.normal();
      return column < row ? beta * dot * std::pow(0.999, static_cast<double>(row - column)) : double{kNan};
    });
  }
};

void replay(Problem& problem) { solve_tril_replay(problem.params, problem.tensors()); }

testing::Judgement judged(Problem& problem) {
  const auto expected = solve_tril_oracle(problem.params, problem.tensors())[0];
  const HostTensor before = problem.x;
  replay(problem);
  return testing::judge(expected, before, problem.x);
}

TEST(SolveTril, ByHand) {
  // L = [[0 0 0] [2 0 0] [3 4 0]]: X10 = -2, X21 = -4, X20 = -3 + 4 * 2 = 5
  Problem problem(PLUMB_F32, PLUMB_F32, 1, 3, 1, 16);
  problem.a.set({0, 1, 0, 0}, 2);
  problem.a.set({0, 2, 0, 0}, 3);
  problem.a.set({0, 2, 0, 1}, 4);
  const auto expected = solve_tril_oracle(problem.params, problem.tensors())[0];
  replay(problem);
  const float x[3][3] = {{1, 0, 0}, {-2, 1, 0}, {5, -4, 1}};
  for (std::int64_t i = 0; i < 3; ++i) {
    for (std::int64_t j = 0; j < 16; ++j) {
      const float value = j < 3 ? x[i][j] : 0.0f;
      EXPECT_EQ(problem.x.at({0, i, 0, j}), value) << i << ", " << j;
      EXPECT_EQ(expected.value[static_cast<std::size_t>(i * 16 + j)], value) << i << ", " << j;
      if (j >= i) {
        EXPECT_EQ(expected.slack[static_cast<std::size_t>(i * 16 + j)], 0);
        EXPECT_FALSE(std::signbit(problem.x.at({0, i, 0, j}))) << "zeros above the diagonal are +0";
      }
    }
  }
}

TEST(SolveTril, IsAnInverse) {
  for (const std::int64_t bt : {16, 32, 64}) {
    for (const double correlation : {0.0, 0.3, 0.6, 1.0}) {
      Problem problem(PLUMB_F32, PLUMB_F32, 2, 2 * bt + 5, 3, bt);
      problem.fill_with_keys(12, correlation, 0.9);
      const auto expected = solve_tril_oracle(problem.params, problem.tensors())[0];
      const auto true_x = [&](std::int64_t batch, std::int64_t row, std::int64_t head, std::int64_t column) {
        const auto at = ((batch * problem.length + row) * problem.heads + head) * bt + column;
        return expected.value[static_cast<std::size_t>(at)];
      };
      for (std::int64_t n = 0; n < 2 * 3 * problem.length; ++n) {
        const std::int64_t head = n % 3, row = n / 3 % problem.length, batch = n / 3 / problem.length;
        const std::int64_t start = row / bt * bt, i = row - start;
        for (std::int64_t j = 0; j < bt; ++j) {
          double product = true_x(batch, row, head, j), terms = 1;
          for (std::int64_t k = 0; k < i; ++k) {
            const double term = problem.a.at({batch, row, head, k}) * true_x(batch, start + k, head, j);
            product += term;
            terms += std::fabs(term);
          }
          ASSERT_NEAR(product, i == j ? 1 : 0, 1e-14 * terms) << i << ", " << j;
        }
      }
    }
  }
}

TEST(SolveTril, ReplayLiesWithinTheBound) {
  for (const auto x_dtype : testing::kFloatTypes) {
    double worst = 0;
    for (const std::int64_t bt : {16, 32, 64}) {
      for (const double correlation : {0.0, 0.3, 0.6, 1.0}) {
        for (const double beta : {0.5, 1.0, 1.9}) {
          Problem problem(PLUMB_F32, x_dtype, 1, 3 * bt - 3, 4, bt);
          problem.fill_with_keys(13, correlation, beta);
          const auto judgement = judged(problem);
          ASSERT_LE(judgement.worst, 1) << name_of(x_dtype) << " BT " << bt << " correlation " << correlation;
          ASSERT_GT(judgement.judged, problem.x.count() * 9 / 10);
          worst = std::fmax(worst, judgement.worst);
        }
      }
    }
    RecordProperty("worst_" + std::string(name_of(x_dtype)), std::to_string(worst));
    EXPECT_GT(worst, x_dtype == PLUMB_F32 ? 0.05 : 0.5) << "the bound is absurdly loose";
  }
}

// Every precision against its own bound; that the next tighter bound does not hold shows that it was that
// precision.
TEST(SolveTril, EachPrecisionLiesWithinItsBound) {
  double worst[3] = {}, worst_by_ieee[3] = {};
  for (const auto precision : {PLUMB_IEEE, PLUMB_TF32X3, PLUMB_TF32}) {
    for (const double correlation : {0.0, 0.3, 0.6, 1.0}) {
      for (const double beta : {0.5, 1.0, 1.9}) {
        Problem problem(PLUMB_F32, PLUMB_F32, 1, 3 * 64 - 3, 4, 64);
        problem.fill_with_keys(13, correlation, beta);
        const auto by_ieee = solve_tril_oracle(problem.params, problem.tensors())[0];
        problem.params.precision = precision;
        const HostTensor before = problem.x;
        worst[precision] = std::fmax(worst[precision], judged(problem).worst);
        worst_by_ieee[precision] =
            std::fmax(worst_by_ieee[precision], testing::judge(by_ieee, before, problem.x).worst);
      }
    }
    RecordProperty("worst_" + std::to_string(precision), std::to_string(worst[precision]));
    EXPECT_LE(worst[precision], 1) << precision;
    EXPECT_GT(worst[precision], 0.005) << precision << ": the bound is absurdly loose";
  }
  EXPECT_GT(worst_by_ieee[PLUMB_TF32], 100) << "this was not tf32";
  EXPECT_GT(worst_by_ieee[PLUMB_TF32X3], worst_by_ieee[PLUMB_IEEE]) << "this was not tf32x3";
  EXPECT_LT(worst_by_ieee[PLUMB_TF32X3], 4) << "this was tf32";
}

TEST(SolveTril, OneDiagonalBlockHasNoProductToRound) {
  Problem ieee(PLUMB_BF16, PLUMB_F32, 1, 41, 2, 16);
  ieee.fill_with_keys(14, 0.6, 1.9);
  replay(ieee);
  EXPECT_TRUE(solve_tril_replay_is_canonical(ieee.params));
  for (const auto precision : {PLUMB_TF32X3, PLUMB_TF32}) {
    Problem merged = ieee;
    merged.params.precision = precision;
    merged.x.fill([](auto) { return 7; });
    replay(merged);
    EXPECT_TRUE(testing::same_bits(ieee.x, merged.x));
    EXPECT_FALSE(solve_tril_replay_is_canonical(merged.params));
  }
}

// A = tril(beta K K^T * decay, -1) with unit keys and 0 <= beta <= 2 has |X[i][j]| <= beta_i exp(g_i - g_j) for i >
// j. Without decay: let s_i be the sum of X[k][j] key_k over j <= k <= i. Then s_j = key_j, X[i][j] = -beta_i
// <key_i, s_{i-1}> and s_i = (I - beta_i key_i key_i^T) s_{i-1}: that matrix has the eigenvalues 1 and 1 - beta_i,
// both within [-1, 1], so |s_i| <= 1. With decay, X is scaled by exp(g_i) from the left and exp(-g_j) from the
// right, as A is. With identical keys and beta = 1 it is attained: X[i][i-1] = -exp(g_i - g_{i-1}). A is rounded to
// fp32, which moves X by no more than the bound at c = 1.
TEST(SolveTril, UnitKeysKeepTheClosedForm) {
  constexpr std::int64_t kTokens = 64 + 37;
  constexpr int kDim = 24;
  for (const double correlation : {0.0, 0.3, 0.6, 1.0}) {
    for (const double step : {0.0, -0.1, -2.0}) {
      for (const double most_beta : {1.0, 2.0}) {
        testing::Random random(23);
        std::vector<std::array<double, kDim>> keys(kTokens);
        std::vector<double> beta(kTokens);
        std::array<double, kDim> common;
        for (double& c : common) c = random.normal();
        for (std::size_t i = 0; i < keys.size(); ++i) {
          double square = 0;
          for (int d = 0; d < kDim; ++d) {
            const auto at = static_cast<std::size_t>(d);
            keys[i][at] = std::sqrt(correlation) * common[at] + std::sqrt(1 - correlation) * random.normal();
            square += keys[i][at] * keys[i][at];
          }
          for (double& k : keys[i]) k /= std::sqrt(square);
          beta[i] = i % 5 == 0 ? most_beta : random.uniform(0, most_beta);
        }
        Problem problem(PLUMB_F32, PLUMB_F32, 1, kTokens, 1, 64);
        problem.a.fill([&](std::int64_t n) {
          const std::int64_t row = n / 64, column = n % 64, i = row % 64;
          if (column >= i) return double{kNan};
          double dot = 0;
          const auto r = static_cast<std::size_t>(row), c = static_cast<std::size_t>(row - i + column);
          for (std::size_t d = 0; d < kDim; ++d) dot += keys[r][d] * keys[c][d];
          return beta[r] * dot * std::exp(step * static_cast<double>(i - column));
        });
        const auto closed_form = [&](std::int64_t row, std::int64_t column) {
          return beta[static_cast<std::size_t>(row)] * std::exp(step * static_cast<double>(row % 64 - column));
        };
        double nearest = 0;
        for (const auto precision : {PLUMB_IEEE, PLUMB_TF32X3, PLUMB_TF32}) {
          problem.params.precision = precision;
          const auto expected = solve_tril_oracle(problem.params, problem.tensors())[0];
          replay(problem);
          for (std::int64_t row = 0; row < kTokens; ++row) {
            for (std::int64_t column = 0; column < row % 64; ++column) {
              const auto at = static_cast<std::size_t>(row * 64 + column);
              const double limit = closed_form(row, column), slack = expected.slack[at];
              if (precision == PLUMB_IEEE) {  // slack is 8 times what the rounding of A does
                ASSERT_LE(std::fabs(expected.value[at]), limit + slack / 8) << row << ", " << column;
                nearest = std::fmax(nearest, std::fabs(expected.value[at]) / limit);
              }
              ASSERT_LE(std::fabs(problem.x.value(row * 64 + column)), limit + 2 * slack) << row << ", " << column;
            }
          }
        }
        EXPECT_GT(nearest, correlation == 1 ? 0.999 : 0.3) << "the closed form says nothing here";
      }
    }
  }
}

TEST(SolveTril, TheBoundWidensWithThePrecision) {
  Problem problem(PLUMB_F32, PLUMB_F32, 1, 64, 1, 64);
  problem.fill_with_keys(14, 0.3, 1);
  const auto slack_of = [&](plumb_precision precision) {
    problem.params.precision = precision;
    return solve_tril_oracle(problem.params, problem.tensors())[0].slack[64 * 60 + 3] - 1e-30;
  };
  const double ieee = slack_of(PLUMB_IEEE);
  EXPECT_NEAR(slack_of(PLUMB_TF32X3) / ieee, 4, 1e-9);
  EXPECT_NEAR(slack_of(PLUMB_TF32) / ieee, 0x1p13, 1e-9);
}

TEST(SolveTril, AMissingMergeTermIsOutsideEvenTf32sBound) {
  // X of 32 by blocks of 16 without the product of the two halves: as if A were zero there.
  Problem problem(PLUMB_F32, PLUMB_F32, 1, 48, 1, 64);
  problem.params.precision = PLUMB_TF32;
  problem.fill_with_keys(15, 0.3, 1);
  const auto expected = solve_tril_oracle(problem.params, problem.tensors())[0];
  const HostTensor before = problem.x;
  for (std::int64_t i = 32; i < 48; ++i) {
    for (std::int64_t k = 16; k < 32; ++k) problem.a.set({0, i, 0, k}, 0);
  }
  replay(problem);
  EXPECT_GT(testing::judge(expected, before, problem.x).worst, 1);
}

TEST(SolveTril, SequencesTailsAndTheRowsAfterThem) {
  for (const auto index_type : {PLUMB_I32, PLUMB_I64}) {
    Problem problem(PLUMB_BF16, PLUMB_F16, 1, 90, 2, 16);
    // Sequences of 0, 5, 0, 16, 0, 33, 20 rows; then 16 rows of none.
    problem.cu_seqlens = HostTensor::integers(index_type, {0, 0, 5, 5, 21, 21, 54, 74});
    testing::Random random(16);
    problem.a.fill([&](auto) { return 0.2 * random.normal(); });
    problem.x.fill([&](auto) { return random.normal(); });
    const HostTensor before = problem.x;
    const auto judgement = judged(problem);
    EXPECT_LE(judgement.worst, 1);
    EXPECT_EQ(judgement.kept, 16 * 2 * 16);
    EXPECT_EQ(judgement.judged, 74 * 2 * 16);
    // The first chunk of the sequence at row 21 starts there, and the one at row 53 is a tail of one row.
    for (std::int64_t j = 0; j < 16; ++j) {
      for (const std::int64_t row : {0, 5, 21, 37, 53, 54, 70}) {
        EXPECT_EQ(problem.x.at({0, row, 1, j}), j == 0 ? 1.0f : 0.0f) << row;
      }
    }
    EXPECT_EQ(problem.x.at({0, 74, 0, 3}), before.at({0, 74, 0, 3}));
  }
}

TEST(SolveTril, MalformedOffsetsStayInside) {
  const HostTensor a(PLUMB_F32, {1, 40, 1, 16});
  const auto cu_seqlens = HostTensor::integers(PLUMB_I64, {-3, 20, 10, 35, std::int64_t{1} << 40});
  std::int64_t next = 0;
  for (const auto& [batch, first_row, rows] : chunks_of(a.view(), cu_seqlens.view())) {
    EXPECT_EQ(batch, 0);
    EXPECT_EQ(first_row, next);
    EXPECT_GT(rows, 0);
    next = first_row + rows;
  }
  EXPECT_EQ(next, 40);
  EXPECT_TRUE(chunks_of(HostTensor(PLUMB_F32, {1, 0, 1, 16}).view(), absent_tensor()).empty());
}

TEST(SolveTril, WhatStandsAboveTheDiagonalOrPastTheTailIsIgnored) {
  Problem clean(PLUMB_BF16, PLUMB_BF16, 1, 37, 2, 32), dirty = clean;
  clean.fill_with_keys(17, 0.3, 1);
  for (std::int64_t i = 0; i < clean.a.count(); ++i) {
    const float value = clean.a.value(i);
    clean.a.set(i, std::isnan(value) ? 0.0f : value);
    dirty.a.set(i, std::isnan(value) ? (i % 3 ? kNan : i % 2 ? kInf : 1e30f) : value);
  }
  const auto expected_clean = solve_tril_oracle(clean.params, clean.tensors())[0];
  const auto expected_dirty = solve_tril_oracle(dirty.params, dirty.tensors())[0];
  EXPECT_EQ(expected_clean.value, expected_dirty.value);
  EXPECT_EQ(expected_clean.slack, expected_dirty.slack);
  replay(clean);
  replay(dirty);
  EXPECT_TRUE(testing::same_bits(clean.x, dirty.x));
}

TEST(SolveTril, BadNumbersGoWhereTheFormulaTakesThem) {
  // X[i][j] reads L[m][k] for j <= k < m <= i: L[9][4] reaches rows from 9 on, columns up to 4.
  for (const float bad : {kNan, kInf, -kInf}) {
    Problem problem(PLUMB_F32, PLUMB_F32, 1, 16, 2, 16);
    problem.fill_with_keys(18, 0.3, 1);
    problem.a.set({0, 9, 1, 4}, bad);
    const auto expected = solve_tril_oracle(problem.params, problem.tensors())[0];
    const HostTensor before = problem.x;
    replay(problem);
    const auto judgement = testing::judge(expected, before, problem.x);
    EXPECT_LE(judgement.worst, 1) << bad;
    EXPECT_EQ(judgement.unjudged, 0) << bad;
    for (std::int64_t i = 0; i < 16; ++i) {
      for (std::int64_t j = 0; j < 16; ++j) {
        EXPECT_EQ(std::isfinite(problem.x.at({0, i, 1, j})), i < 9 || j > 4) << i << ", " << j;
        EXPECT_TRUE(std::isfinite(problem.x.at({0, i, 0, j})));
      }
    }
    problem.params.precision = PLUMB_TF32;
    const auto merged = testing::judge(solve_tril_oracle(problem.params, problem.tensors())[0], before, problem.x);
    EXPECT_EQ(merged.unjudged, 16 * 15 / 2) << "products of blocks spread what is not finite";
    EXPECT_LE(merged.worst, 1);
  }
}

TEST(SolveTril, WhereTheSignOfAnInfinityIsOpenNothingIsAsked) {
  // X[3][0] = -(0.1 - 0.3 * (1/3)) is a rounding error: times an infinite L[4][3] it may be either infinity.
  Problem problem(PLUMB_F32, PLUMB_F32, 1, 16, 1, 16);
  problem.a.set({0, 1, 0, 0}, 1.0f / 3.0f);
  problem.a.set({0, 3, 0, 0}, 0.1f);
  problem.a.set({0, 3, 0, 1}, 0.3f);
  problem.a.set({0, 3, 0, 2}, 0.5f);
  problem.a.set({0, 4, 0, 3}, kInf);
  const auto judgement = judged(problem);
  EXPECT_LE(judgement.worst, 1);
  EXPECT_EQ(judgement.unjudged, 12) << "column 0 from row 4 on";
}

TEST(SolveTril, ColumnsThatOverflowFp32AreNotJudged) {
  Problem problem(PLUMB_F32, PLUMB_F32, 1, 64, 1, 64);
  problem.a.fill([](auto) { return -100; });  // X grows a hundredfold a row
  const auto judgement = judged(problem);
  EXPECT_LE(judgement.worst, 1);
  EXPECT_GT(judgement.unjudged, 500);
  EXPECT_GT(judgement.judged, 64 * 63 / 2 + 500);
}

}  // namespace
}  // namespace plumb
