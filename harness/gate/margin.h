// How far apart two runs of identical code may lie: learned from A/A runs, with a bound on how often that fails.
#pragma once

#include <cmath>
#include <span>
#include <vector>

namespace plumb {

// Effects are logarithms of time(candidate) / time(baseline): log_ratio(0.02) is 2% slower.
inline double log_ratio(double slowdown) { return std::log1p(slowdown); }

// The largest share that is still compatible, with probability above `error`, with `hits` in `trials` independent
// trials; 1 without trials. C. Clopper, E. Pearson, Biometrika 26 (1934): 0 hits in n trials give 1 - error^(1/n).
double share_upper_bound(int hits, int trials, double error);

// Where the buffers and the code of two builds happen to lie shifts their ratio for as long as the process lives.
struct Margin {
  double width = log_ratio(0.003);  // the shift of a process is taken to stay within +-width
  // ... but for this share of processes. By default what the first H200 runs allow: 28 shifts, none above 0.21%.
  double exceedance = share_upper_bound(0, 28, 0.05);
};

// One margin per point from its A/A estimates, each of a process of its own: the largest shift seen, or `floor`
// where that is larger. The exceedance is one number for all points, the upper 95% bound of how often an estimate
// lies outside the margin that the other estimates of its point would have given. Averaged over calibrations, the
// chance that k new shifts all exceed the largest of n is 1 / (n + k choose k); for n of 20 or more and k up to 6,
// the k-th power of this bound is larger.
std::vector<Margin> learn_margins(std::span<const std::vector<double>> estimates, double floor);

}  // namespace plumb
