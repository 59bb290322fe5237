// What find_changes is built of: noise, outlier-bounded values, optimal partitions, ramps. Pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace plumb {

inline constexpr std::size_t kLeastSegment = 4;  // nights; Hampel's window of 7 takes excursions of 3 for outliers

struct NoiseModel {
  std::vector<double> sigma;  // standard deviation of each night
  double correlation = 0;     // of neighbouring nights, 0 to 0.8
  // The variance of a mean, over what it would be without correlation.
  double inflation() const { return (1 + correlation) / (1 - correlation); }
};

// Order statistic at `share` of the values (0 the least, 1 the greatest), which must not be empty.
double order_statistic(std::vector<double> values, double share);

// floor: the least standard deviation of a night.
NoiseModel noise_of(std::span<const double> values, double floor);

// Values further than 3 sigma from their running median of 7 pulled in to 3 sigma.
std::vector<double> bounded(std::span<const double> values, const NoiseModel& noise);

// Sums from the start, for weighted means and squares of any stretch in constant time.
class Stretches {
 public:
  Stretches(std::span<const double> values, std::span<const double> sigma);

  double cost(std::size_t begin, std::size_t end) const;      // weighted squares around the weighted mean
  double mean(std::size_t begin, std::size_t end) const;      // unweighted
  double variance(std::size_t begin, std::size_t end) const;  // unweighted, n - 1; 0 for one night

 private:
  double origin_ = 0;  // taken off first, so that squares do not cancel
  std::vector<double> weight_, first_, second_, plain_, square_;
};

// First nights of the segments after the first, ascending, that minimise cost + penalty per segment.
std::vector<std::size_t> optimal_partition(const Stretches& stretches, std::size_t nights, double penalty);

struct Ramp {
  std::size_t begin = 0, end = 0;  // level before `begin`, level + height from `end` on, straight between
  double level = 0, height = 0, cost = 0;
  double at(std::size_t night) const;
};

// The ramp of least cost inside [begin, end).
Ramp best_ramp(std::span<const double> values, std::span<const double> sigma, std::size_t begin, std::size_t end);

struct Slope {
  double height = 0, error = 0;  // rise from the first to the last night of the stretch, and its standard error
};

Slope slope_of(std::span<const double> values, std::size_t begin, std::size_t end);  // three nights at least

}  // namespace plumb
