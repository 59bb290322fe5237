// Wilcoxon's signed-rank test, exact, with the estimate and the confidence bounds that belong to it.
#include "harness/gate/signed_rank.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

namespace plumb {
namespace {

// P(sum = w) for w = 0, 1, ..., where each rank joins the sum with probability 1/2. Every term is positive, so that
// the tails keep their relative precision.
std::vector<double> sum_distribution(std::span<const int> ranks) {
  const int total = std::accumulate(ranks.begin(), ranks.end(), 0);
  std::vector<double> probability(static_cast<std::size_t>(total) + 1, 0.0), next(probability);
  probability[0] = 1;
  std::size_t reach = 0;
  for (const int rank : ranks) {
    const auto step = static_cast<std::size_t>(rank);
    reach += step;
    for (std::size_t w = 0; w < step; ++w) next[w] = 0.5 * probability[w];
    for (std::size_t w = step; w <= reach; ++w) next[w] = 0.5 * (probability[w] + probability[w - step]);
    std::swap(probability, next);
  }
  return probability;
}

// The ranks that take part in the test, in one unit, and their sum over the values above the location.
struct RankedSigns {
  std::vector<int> ranks;
  int positive_sum = 0;
};

RankedSigns rank(std::span<const double> values, double location) {
  std::vector<double> distances;
  for (const double value : values) distances.push_back(value - location);
  std::sort(distances.begin(), distances.end(), [](double a, double b) { return std::fabs(a) < std::fabs(b); });
  RankedSigns ranked;
  for (std::size_t first = 0, end = 0; first < distances.size(); first = end) {
    while (end < distances.size() && std::fabs(distances[end]) == std::fabs(distances[first])) ++end;
    if (distances[first] == 0) continue;                       // Pratt: zeros take the lowest ranks with them
    const int twice_rank = static_cast<int>(first + 1 + end);  // ranks first + 1 .. end; their mean may be a half
    for (std::size_t i = first; i < end; ++i) {
      ranked.ranks.push_back(twice_rank);
      if (distances[i] > 0) ranked.positive_sum += twice_rank;
    }
  }
  const bool whole = std::all_of(ranked.ranks.begin(), ranked.ranks.end(), [](int r) { return r % 2 == 0; });
  if (whole) {
    for (int& r : ranked.ranks) r /= 2;
    ranked.positive_sum /= 2;
  }
  return ranked;
}

// P(sum >= at_least), the smallest terms first. Sum and total - sum have one distribution, so this serves both
// tails.
double upper_tail(std::span<const int> ranks, int at_least) {
  const std::vector<double> probability = sum_distribution(ranks);
  return std::min(1.0, std::accumulate(probability.rbegin(), probability.rend() - at_least, 0.0));
}

}  // namespace

double signed_rank_p_above(std::span<const double> values, double location) {
  const RankedSigns ranked = rank(values, location);
  return upper_tail(ranked.ranks, ranked.positive_sum);
}

double signed_rank_p_below(std::span<const double> values, double location) {
  const RankedSigns ranked = rank(values, location);
  return upper_tail(ranked.ranks, std::accumulate(ranked.ranks.begin(), ranked.ranks.end(), -ranked.positive_sum));
}

LocationEstimate::LocationEstimate(std::span<const double> values) {
  walsh_.reserve(values.size() * (values.size() + 1) / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) walsh_.push_back(0.5 * (values[i] + values[j]));
  }
  std::sort(walsh_.begin(), walsh_.end());
  std::vector<int> ranks(values.size());
  std::iota(ranks.begin(), ranks.end(), 1);
  cumulative_ = sum_distribution(ranks);
  std::partial_sum(cumulative_.begin(), cumulative_.end(), cumulative_.begin());
}

double LocationEstimate::estimate() const {
  if (walsh_.empty()) return std::numeric_limits<double>::quiet_NaN();
  const std::size_t count = walsh_.size();
  return 0.5 * (walsh_[(count - 1) / 2] + walsh_[count / 2]);
}

// The sum of positive ranks about a location is the number of Walsh averages above it (Tukey): the location lies
// below the c-th average, counted from 1, with probability P(sum <= c - 1). This is the largest c that `error`
// allows.
std::size_t LocationEstimate::excluded(double error) const {
  return static_cast<std::size_t>(std::upper_bound(cumulative_.begin(), cumulative_.end(), error) -
                                  cumulative_.begin());
}

double LocationEstimate::lower(double error) const {
  const std::size_t count = std::min(excluded(error), walsh_.size());
  return count == 0 ? -std::numeric_limits<double>::infinity() : walsh_[count - 1];
}

double LocationEstimate::upper(double error) const {
  const std::size_t count = std::min(excluded(error), walsh_.size());
  return count == 0 ? std::numeric_limits<double>::infinity() : walsh_[walsh_.size() - count];
}

}  // namespace plumb
