// The signed-rank test against published tables, a published example, and the enumeration of all signs.
#include "harness/gate/signed_rank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "harness/cases/random.h"

namespace plumb {
namespace {

// Values of distances 1 .. n whose positive ranks add up to `sum`, the largest first.
std::vector<double> with_positive_sum(int n, int sum) {
  std::vector<double> values;
  for (int rank = n; rank >= 1; --rank) {
    values.push_back(rank <= sum ? rank : -rank);
    if (rank <= sum) sum -= rank;
  }
  return values;
}

// The definition: of all ways to give the distances signs, the share with a sum at least as large.
double enumerated_p_above(const std::vector<double>& values, double location) {
  std::vector<double> distances, ranks;
  for (const double value : values) distances.push_back(value - location);
  double observed = 0;
  for (const double d : distances) {
    double rank = 0.5;
    for (const double other : distances) {
      rank += std::fabs(other) < std::fabs(d) ? 1 : std::fabs(other) == std::fabs(d) ? 0.5 : 0;
    }
    if (d == 0) continue;
    ranks.push_back(rank);
    if (d > 0) observed += rank;
  }
  int reached = 0;
  const unsigned ways = 1u << ranks.size();
  for (unsigned signs = 0; signs < ways; ++signs) {
    double sum = 0;
    for (std::size_t i = 0; i < ranks.size(); ++i) sum += signs >> i & 1 ? ranks[i] : 0;
    reached += sum >= observed;
  }
  return static_cast<double>(reached) / ways;
}

// Counts by hand: subsets of {1, 2, ...} with sum at most w are 5 for w = 3 and 25 for w = 8.
TEST(SignedRank, AgreesWithCountsByHand) {
  EXPECT_EQ(signed_rank_p_below(with_positive_sum(8, 3), 0), 5 / 256.0);
  EXPECT_EQ(signed_rank_p_below(with_positive_sum(10, 8), 0), 25 / 1024.0);
  EXPECT_EQ(signed_rank_p_above(with_positive_sum(8, 36 - 3), 0), 5 / 256.0);
  EXPECT_EQ(signed_rank_p_above(with_positive_sum(8, 36), 0), 1 / 256.0);
  EXPECT_EQ(signed_rank_p_below(with_positive_sum(8, 36), 0), 1);
  EXPECT_EQ(signed_rank_p_above(std::vector<double>{}, 0), 1);
  EXPECT_EQ(signed_rank_p_above(std::vector<double>{2, 2, 2}, 2), 1);
}

// F. Wilcoxon, R. Wilcox, "Some rapid approximate statistical procedures" (1964), the table in every textbook: the
// largest sum that is significant at 5% (1%), two-sided.
TEST(SignedRank, GivesThePublishedCriticalValues) {
  struct Row {
    int n, at_5, at_1;
  };
  for (const auto& [n, at_5, at_1] : {Row{8, 3, 0}, Row{10, 8, 3}, Row{15, 25, 15}, Row{20, 52, 37},
                                      Row{25, 89, 68}, Row{30, 137, 109}, Row{40, 264, 220}, Row{50, 434, 373}}) {
    EXPECT_LE(signed_rank_p_below(with_positive_sum(n, at_5), 0), 0.025) << n;
    EXPECT_GT(signed_rank_p_below(with_positive_sum(n, at_5 + 1), 0), 0.025) << n;
    EXPECT_LE(signed_rank_p_below(with_positive_sum(n, at_1), 0), 0.005) << n;
    EXPECT_GT(signed_rank_p_below(with_positive_sum(n, at_1 + 1), 0), 0.005) << n;
  }
}

// Hollander and Wolfe, example 3.1 (a depression scale before and after a tranquilizer): sum 40 of n = 9, p =
// 0.0195, estimate 0.46 and 96.1% interval (0.010, 0.786).
TEST(SignedRank, RepeatsAPublishedExample) {
  const std::vector<double> change = {0.952, -0.147, 1.022, 0.430, 0.620, 0.590, 0.490, -0.080, 0.010};
  EXPECT_EQ(signed_rank_p_above(change, 0), 10 / 512.0);
  const LocationEstimate location(change);
  EXPECT_NEAR(location.estimate(), 0.460, 1e-12);
  EXPECT_NEAR(location.lower(0.0196), 0.010, 1e-12);
  EXPECT_NEAR(location.upper(0.0196), 0.786, 1e-12);
}

TEST(SignedRank, AgreesWithTheEnumerationOfAllSigns) {
  const RandomStream random(11, 0);
  std::uint64_t index = 0;
  for (int n = 1; n <= 11; ++n) {
    for (const std::uint32_t grid : {3u, 7u, 1u << 20}) {  // many ties and zeros, some, none
      std::vector<double> values;
      for (int i = 0; i < n; ++i) values.push_back(static_cast<double>(random.below(index++, grid)) - (grid / 3));
      std::vector<double> mirrored;
      for (const double value : values) mirrored.push_back(-value);
      EXPECT_DOUBLE_EQ(signed_rank_p_above(values, 0), enumerated_p_above(values, 0)) << n << " " << grid;
      EXPECT_DOUBLE_EQ(signed_rank_p_above(values, 1), enumerated_p_above(values, 1)) << n << " " << grid;
      EXPECT_DOUBLE_EQ(signed_rank_p_below(values, 0), enumerated_p_above(mirrored, 0)) << n << " " << grid;
    }
  }
}

TEST(SignedRank, RanksZerosAsPrattDid) {
  // Ranks 2.5, 2.5, 4: of the 8 subsets, three reach 6.5.
  EXPECT_EQ(signed_rank_p_above(std::vector<double>{0, 1, -1, 3}, 0), 3 / 8.0);
  // Ranks 4, 5, 6: four subsets reach 4 + 5. Without the zeros the ranks 1, 2, 3 let {3} reach 1 + 2, too.
  EXPECT_EQ(signed_rank_p_above(std::vector<double>{0, 0, 0, 1, 2, -3}, 0), 4 / 8.0);
  EXPECT_EQ(signed_rank_p_above(std::vector<double>{1, 2, -3}, 0), 5 / 8.0);
}

// Mean n (n + 1) / 4, variance n (n + 1) (2 n + 1) / 24; and far tails are exact, not cancelled to 0.
TEST(SignedRank, HoldsUpTo200Values) {
  constexpr int kN = 200, kTotal = kN * (kN + 1) / 2;
  EXPECT_DOUBLE_EQ(signed_rank_p_above(with_positive_sum(kN, kTotal), 0), std::ldexp(1, -kN));
  EXPECT_DOUBLE_EQ(signed_rank_p_below(with_positive_sum(kN, 8), 0), std::ldexp(25, -kN));
  const double sd = std::sqrt(kN * (kN + 1.0) * (2 * kN + 1) / 24);
  const int sum = kTotal / 2 + static_cast<int>(2 * sd);
  const double normal = 0.5 * std::erfc((sum - 0.5 - kTotal / 2.0) / sd / std::sqrt(2.0));
  EXPECT_NEAR(signed_rank_p_above(with_positive_sum(kN, sum), 0) / normal, 1, 0.01);
  EXPECT_NEAR(
      signed_rank_p_above(with_positive_sum(kN, sum), 0) + signed_rank_p_below(with_positive_sum(kN, sum - 1), 0),
      1, 1e-12);
}

TEST(LocationEstimate, IsTheMedianOfTheWalshAverages) {
  EXPECT_EQ(LocationEstimate(std::vector<double>{1, 2, 6}).estimate(), 2.75);  // 1 1.5 2 3.5 4 6
  EXPECT_EQ(LocationEstimate(std::vector<double>{5}).estimate(), 5);
  EXPECT_TRUE(std::isnan(LocationEstimate(std::vector<double>{}).estimate()));
}

// n = 6: only the extremes are excluded at 1/64, and nothing can be at less; 2/64 excludes one more average.
TEST(LocationEstimate, BoundsAreInfiniteWhereTheValuesAreTooFew) {
  const std::vector<double> values = {3, 1, 4, 1.5, 9, 2.5};
  const LocationEstimate location(values);
  EXPECT_EQ(location.lower(1 / 64.0), 1);
  EXPECT_EQ(location.upper(1 / 64.0), 9);
  EXPECT_EQ(location.lower(0.0156), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(location.upper(0.0156), std::numeric_limits<double>::infinity());
  EXPECT_EQ(location.lower(2 / 64.0), 1.25);
  EXPECT_EQ(location.upper(2 / 64.0), 6.5);
  EXPECT_EQ(LocationEstimate(std::vector<double>{}).lower(1), -std::numeric_limits<double>::infinity());
}

// A bound is where the test changes its mind: just inside it rejects, just outside it does not.
TEST(LocationEstimate, BoundsInvertTheTest) {
  const RandomStream random(12, 0);
  for (const int n : {6, 13, 40}) {
    std::vector<double> values;
    for (int i = 0; i < n; ++i) values.push_back(random.normal(static_cast<std::uint64_t>(100 * n + i)));
    const LocationEstimate location(values);
    for (const double error : {0.02, 0.1, 0.3}) {
      const double lower = location.lower(error), upper = location.upper(error);
      EXPECT_LE(signed_rank_p_above(values, lower - 1e-9), error) << n;
      EXPECT_GT(signed_rank_p_above(values, lower + 1e-9), error) << n;
      EXPECT_LE(signed_rank_p_below(values, upper + 1e-9), error) << n;
      EXPECT_GT(signed_rank_p_below(values, upper - 1e-9), error) << n;
    }
  }
}

// 4000 samples of 12: each side misses with exactly the largest attainable probability below 5%, here 190 / 4096;
// five standard errors are 0.0167.
TEST(LocationEstimate, BoundsMissAsOftenAsTheySay) {
  const RandomStream random(13, 0);
  int low = 0, high = 0;
  constexpr int kSamples = 4000;
  for (std::uint64_t sample = 0; sample < kSamples; ++sample) {
    std::vector<double> values;
    for (std::uint64_t i = 0; i < 12; ++i) values.push_back(random.normal(sample * 12 + i));
    const LocationEstimate location(values);
    low += location.lower(0.05) > 0;
    high += location.upper(0.05) < 0;
  }
  EXPECT_NEAR(low / double{kSamples}, 0.0464, 0.0167);
  EXPECT_NEAR(high / double{kSamples}, 0.0464, 0.0167);
}

}  // namespace
}  // namespace plumb
