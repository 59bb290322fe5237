// How far apart two runs of identical code may lie: learned from A/A runs, with a bound on how often that fails.
#include "harness/gate/margin.h"

#include <algorithm>
#include <cstddef>

namespace plumb {
namespace {

// P(at most `hits` in `trials`) at this share.
double binomial_cumulative(int hits, int trials, double share) {
  double sum = 0;
  for (int k = 0; k <= hits; ++k) {
    const double choose = std::lgamma(trials + 1.0) - std::lgamma(k + 1.0) - std::lgamma(trials - k + 1.0);
    sum += std::exp(choose + k * std::log(share) + (trials - k) * std::log1p(-share));
  }
  return sum;
}

// The largest distance from 0 and the next: one estimate left out changes no more than that.
struct TwoLargest {
  double first = 0, second = 0;
};

TwoLargest two_largest(std::span<const double> estimates) {
  TwoLargest largest;
  for (const double estimate : estimates) {
    const double distance = std::fabs(estimate);
    largest.second = std::max(largest.second, std::min(distance, largest.first));
    largest.first = std::max(largest.first, distance);
  }
  return largest;
}

}  // namespace

double share_upper_bound(int hits, int trials, double error) {
  if (hits >= trials) return 1;
  double low = 0, high = 1;
  for (int step = 0; step < 60; ++step) {
    const double middle = 0.5 * (low + high);
    (binomial_cumulative(hits, trials, middle) > error ? low : high) = middle;
  }
  return high;
}

std::vector<Margin> learn_margins(std::span<const std::vector<double>> estimates, double floor) {
  std::vector<Margin> margins;
  int outside = 0, all = 0;
  for (const std::vector<double>& of_point : estimates) {
    const TwoLargest largest = two_largest(of_point);
    margins.push_back({.width = std::max(floor, largest.first), .exceedance = 1});
    all += static_cast<int>(of_point.size());
    if (largest.first > std::max(floor, largest.second)) ++outside;
  }
  const double exceedance = share_upper_bound(outside, all, 0.05);
  for (Margin& margin : margins) margin.exceedance = exceedance;
  return margins;
}

}  // namespace plumb
