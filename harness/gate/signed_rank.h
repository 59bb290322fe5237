// Wilcoxon's signed-rank test, exact, with the estimate and the confidence bounds that belong to it.
//
// The values are taken to be independent and symmetric about an unknown location; nothing else is assumed, so one
// wild value counts by its rank only. Sources: F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics
// Bulletin 1 (1945); M. Hollander, D. Wolfe, "Nonparametric Statistical Methods", sections 3.1 to 3.3 (test,
// Hodges-Lehmann estimate, Tukey's interval); J. Pratt, "Remarks on zeros and ties in the Wilcoxon signed rank
// procedures", JASA 54 (1959). Up to about 1000 values: beyond that the smallest probabilities, 2^-n, leave the
// range of a double.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace plumb {

// The probability, if the values were symmetric about `location`, of a sum of positive ranks at least (at most) as
// large as the one seen: small when the values lie above (below) it. Equal distances get the mean of their ranks,
// and the distribution is the exact one of those ranks. Values equal to `location` are ranked with the others and
// then dropped (Pratt). Finite values; without any the result is 1.
double signed_rank_p_above(std::span<const double> values, double location);
double signed_rank_p_below(std::span<const double> values, double location);

// What the values say of their location, from all averages of two of them (Walsh averages, each value with itself
// too).
class LocationEstimate {
 public:
  explicit LocationEstimate(std::span<const double> values);  // finite

  double estimate() const;  // Hodges and Lehmann: the median of the Walsh averages; NaN without values

  // The location lies below lower(error), or above upper(error), with probability at most `error` each, whatever
  // the symmetric distribution; with ties the bounds err on the wide side. Infinite where so few values cannot say.
  double lower(double error) const;
  double upper(double error) const;

 private:
  std::size_t excluded(double error) const;  // how many Walsh averages a bound leaves out at its end

  std::vector<double> walsh_;       // ascending
  std::vector<double> cumulative_;  // P(sum of positive ranks <= w)
};

}  // namespace plumb
