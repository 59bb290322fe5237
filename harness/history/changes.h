// Change points, outliers and slow drift in series of nightly measurements: pure functions, no I/O.
//
// The method, and why this one:
// 1. Noise per night from quantiles of first differences (a step spoils one difference, not the scale), with the
//    lag-one correlation by the ratio of second to first differences (Chakar, Lebarbier, Levy-Leduc, Robin, "A
//    robust approach for estimating change-points in the mean of an AR(1) process", Bernoulli 23, 2017).
// 2. Nights further than 3 sigma from their running median of 7 are pulled in to that distance (Hampel's
// identifier),
//    which bounds what a night, or three in a row, can say, as the bounded losses of Fearnhead and Rigaill do
//    ("Changepoint detection in the presence of outliers", JASA 114, 2019).
// 3. Candidates by penalised optimal partitioning, pruned as PELT (Killick, Fearnhead, Eckley, JASA 107, 2012):
// exact
//    for all changes at once, so that two changes do not mask each other as in binary segmentation. E-divisive with
//    permutations, used for the same purpose at MongoDB (Daly et al., ICPE 2020), costs O(n^2) for each of hundreds
//    of permutations; 500 series of 365 nights would take minutes.
// 4. Each candidate is tested against the neighbouring segments by Welch's t (variances may differ), with moderated
//    variances (Smyth 2004) so that short segments can be judged, a factor for correlation, and Bonferroni's factor
//    for the positions that were searched. Weak ones go, the weakest first. A run of steps one way that a ramp
//    explains better (Schwarz's criterion) is drift, not steps.
// 5. The false-discovery rate over the tests of all series: Benjamini and Hochberg, JRSS B 57, 1995.
// harness/history/README.md has precision and recall on made-up and published series.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace plumb {

struct ChangeRules {
  double min_effect = 0.005;  // in the unit of the values: log ratios, so 0.5%; smaller changes are not reported
  double false_discovery = 0.01;  // q: the expected share of false ones among what is reported
};

inline constexpr std::size_t kLeastNights = 8;  // fewer find nothing

// Values in the order of time; missing nights are simply absent.
struct NightSeries {
  std::vector<double> values;         // finite; log(time / limit)
  std::optional<std::size_t> pinned;  // the night of the pinned release
};

struct Change {
  std::size_t at = 0;                       // the first night on the new level
  double effect = 0, lower = 0, upper = 0;  // new minus old level, with its 95% interval
  double q = 1;                             // smallest false-discovery rate at which it is reported
};

struct Drift {
  double effect = 0;      // slow change that no step explains: since the pinned night where there is one
  std::size_t since = 0;  // the night where it begins
  double q = 1;
};

// Nights in two states, of a clock for instance, coming and going: not changes, and taken off before looking for
// them.
struct TwoStates {
  double gap = 0, share = 0;  // between the levels; of the nights on the rarer one
};

struct Findings {
  std::vector<Change> changes;        // ascending
  std::vector<std::size_t> outliers;  // single nights (three in a row at most) far from their level; ascending
  std::optional<Drift> drift;
  std::optional<TwoStates> states;
};

// Findings of each series, in the order given. Deterministic; uses all cores.
std::vector<Findings> find_changes(std::span<const NightSeries> series, const ChangeRules& rules = {});

// What is held beside it: the mean of 5 nights against the mean of the 5 before, a change where they are furthest
// apart and further than `threshold`.
std::vector<std::size_t> moving_mean_changes(std::span<const double> values, double threshold);

}  // namespace plumb
