// Candidates, tests, drift and outliers of one series; the false-discovery rate over all of them.
#include "harness/history/changes.h"

#include <algorithm>
#include <atomic>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>
#include <thread>

#include "harness/history/segments.h"

namespace plumb {
namespace {

static_assert(kLeastNights == 2 * kLeastSegment);
constexpr std::size_t kLeastDrift = 10;   // nights from the begin to the end of a drift; faster ones are steps
constexpr std::size_t kLevelWindow = 14;  // nights that make the level "now" and "at the pinned night"
constexpr double kPriorNights = 4;        // what the neighbourhood's noise weighs in a segment's own variance
constexpr double kCandidateLevel = 0.05;  // chance below which a candidate stays until all series are seen
constexpr double kOutlierSigmas = 4.5;    // 1 night in 150,000 of normal noise
constexpr std::size_t kLeastReturns = 3;  // changes before two states are thought of
constexpr double kMostBetween = 0.04;     // share of nights in the middle quarter between the levels
constexpr int kLeastVisits = 4;           // stays on the rarer of two levels that make them states
constexpr double kLongestStay = 20;       // nights there, for the median night; longer stays are real changes
constexpr double kLeastShare = 0.05;      // of nights there; fewer are outliers
constexpr double kLeastGap = 5;           // between the levels, in standard deviations around them
constexpr double kMostOutliers = 0.1;     // share of a series: more are a second mode, not outliers

struct Test {
  double effect = 0, error = 0, freedom = 1, chance = 1;
};

Test tested(double effect, double error, double freedom, double positions) {
  const boost::math::students_t t(std::max(freedom, 2.0));
  const double chance = 2 * boost::math::cdf(boost::math::complement(t, std::abs(effect) / error));
  return {effect, error, std::max(freedom, 2.0), std::min(1.0, chance * positions)};
}

struct DriftCandidate {
  Drift drift;
  double chance = 1;
};

// One series on its way from values to findings.
class Analysis {
 public:
  Analysis(const NightSeries& series, const ChangeRules& rules)
      : series_(series), rules_(rules), nights_(series.values.size()) {
    if (nights_ < kLeastNights) return;
    settled_ = series.values;
    find_candidates();
    if (changes_.size() >= kLeastReturns && settle_states()) find_candidates();
    find_ramps();
    find_drift();
  }

  // Chances of all that was tested, one at least: a series without candidates was looked at, too.
  void append_chances(std::vector<double>& of_changes, std::vector<double>& of_drifts) const {
    if (tests_.empty()) of_changes.push_back(1);
    for (const Test& test : tests_) of_changes.push_back(test.chance);
    if (drifts_.empty()) of_drifts.push_back(1);
    for (const DriftCandidate& candidate : drifts_) of_drifts.push_back(candidate.chance);
  }

  // The pointers walk over the false-discovery rates, which stand in the order of append_chances.
  Findings findings(const double*& of_changes, const double*& of_drifts) {
    Findings findings;
    std::vector<double> rates(of_changes, of_changes + tests_.size());
    of_changes += std::max<std::size_t>(1, tests_.size());
    drop_unproven(rates);
    const double t95 = 1.96;
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      const Test& test = tests_[i];
      const double reach = test.freedom > 200
                               ? t95 * test.error
                               : boost::math::quantile(boost::math::students_t(test.freedom), 0.975) * test.error;
      findings.changes.push_back({changes_[i], test.effect, test.effect - reach, test.effect + reach, rates[i]});
    }
    for (DriftCandidate& candidate : drifts_) {
      candidate.drift.q = of_drifts[&candidate - drifts_.data()];
      if (candidate.drift.q > rules_.false_discovery) continue;
      if (!findings.drift || std::abs(candidate.drift.effect) > std::abs(findings.drift->effect)) {
        findings.drift = candidate.drift;
      }
    }
    of_drifts += std::max<std::size_t>(1, drifts_.size());
    if (nights_ >= kLeastNights) findings.outliers = outliers();
    findings.states = states_;
    return findings;
  }

 private:
  std::size_t begin_of(std::size_t segment) const { return segment == 0 ? 0 : changes_[segment - 1]; }
  std::size_t end_of(std::size_t segment) const { return segment == changes_.size() ? nights_ : changes_[segment]; }
  std::size_t segment_of(std::size_t night) const {
    return static_cast<std::size_t>(std::upper_bound(changes_.begin(), changes_.end(), night) - changes_.begin());
  }

  // Variance of a night in the stretch, as far as the stretch itself and its neighbourhood tell.
  double variance(std::size_t begin, std::size_t end) const {
    double prior = 0;
    for (std::size_t i = begin; i < end; ++i) prior += noise_.sigma[i] * noise_.sigma[i];
    prior /= static_cast<double>(end - begin);
    const double own = static_cast<double>(end - begin - 1);
    return (kPriorNights * prior + own * stretches_->variance(begin, end)) / (kPriorNights + own);
  }

  // Welch's test of two stretches' means, the second minus the first.
  Test welch(std::size_t b1, std::size_t e1, std::size_t b2, std::size_t e2, double shift, double positions) const {
    const double n1 = static_cast<double>(e1 - b1), n2 = static_cast<double>(e2 - b2),
                 inflation = noise_.inflation();
    const double v1 = variance(b1, e1) / n1, v2 = variance(b2, e2) / n2, sum = v1 + v2;
    const double freedom =
        sum * sum / (v1 * v1 / (kPriorNights + n1 - 1) + v2 * v2 / (kPriorNights + n2 - 1)) / inflation;
    return tested(stretches_->mean(b2, e2) - stretches_->mean(b1, e1) - shift, std::sqrt(sum * inflation), freedom,
                  positions);
  }

  Test test_of(std::size_t change) const {
    const std::size_t begin = begin_of(change), at = changes_[change], end = end_of(change + 1);
    return welch(begin, at, at, end, 0, static_cast<double>(end - begin));
  }

  // Moves a change to where its two neighbours are told apart best.
  void refine(std::size_t change) {
    const std::size_t begin = begin_of(change), end = end_of(change + 1);
    double least = stretches_->cost(begin, changes_[change]) + stretches_->cost(changes_[change], end);
    for (std::size_t at = begin + kLeastSegment; at + kLeastSegment <= end; ++at) {
      const double cost = stretches_->cost(begin, at) + stretches_->cost(at, end);
      if (cost < least) least = cost, changes_[change] = at;
    }
  }

  void remove(std::size_t change) {
    changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(change));
    if (change > 0) refine(change - 1);
    if (change < changes_.size()) refine(change);
  }

  void retest() {
    tests_.clear();
    for (std::size_t i = 0; i < changes_.size(); ++i) tests_.push_back(test_of(i));
  }

  // Removes the weakest change until all are large enough and unlikely by chance.
  void prune(double level) {
    while (true) {
      retest();
      std::size_t weakest = changes_.size();
      double worst = 0;
      for (std::size_t i = 0; i < changes_.size(); ++i) {
        const bool small = std::abs(tests_[i].effect) < rules_.min_effect;
        if (!small && tests_[i].chance <= level) continue;
        const double badness = tests_[i].chance + (small ? 1 : 0);
        if (badness > worst) worst = badness, weakest = i;
      }
      if (weakest == changes_.size()) return;
      remove(weakest);
    }
  }

  void find_candidates() {
    noise_ = noise_of(settled_, rules_.min_effect / 10);
    bounded_ = bounded(settled_, noise_);
    stretches_.emplace(bounded_, noise_.sigma);
    const double penalty = 2.5 * std::log(static_cast<double>(nights_));
    changes_ = optimal_partition(*stretches_, nights_, penalty * noise_.inflation());
    raise_correlation();
    prune(kCandidateLevel);
  }

  // A series that comes and goes between two levels, and never stays for long on the one it is on less, has two
  // states, of a clock for instance. Which state a night is in is taken off its value; true when that was so.
  bool settle_states() {
    double low = order_statistic(settled_, 0.02), high = order_statistic(settled_, 0.98);
    std::vector<double> below, above;
    for (int round = 0; round < 10; ++round) {  // two medians, Lloyd's way
      below.clear(), above.clear();
      for (const double value : settled_) (value < (low + high) / 2 ? below : above).push_back(value);
      if (below.empty() || above.empty()) return false;
      low = order_statistic(below, 0.5), high = order_statistic(above, 0.5);
    }
    const double gap = high - low, middle = (low + high) / 2;
    const bool rare_is_high = above.size() < below.size();
    std::vector<double> apart;  // distances of nights from their state
    for (const double value : settled_) apart.push_back(std::abs(value - (value < middle ? low : high)));
    if (gap < std::max(rules_.min_effect, kLeastGap * order_statistic(apart, 0.68)))
      return false;  // 0.68: one sigma
    const auto between = std::count_if(settled_.begin(), settled_.end(),
                                       [&](double value) { return std::abs(value - middle) < gap / 8; });
    if (static_cast<double>(between) > kMostBetween * static_cast<double>(nights_)) return false;
    std::vector<double> stays;  // of each night on the rarer level: how long that stay is
    int visits = 0;
    for (std::size_t i = 0; i < nights_;) {
      std::size_t end = i;
      while (end < nights_ && (settled_[end] >= middle) == (settled_[i] >= middle)) ++end;
      if ((settled_[i] >= middle) == rare_is_high) {
        ++visits;
        stays.insert(stays.end(), end - i, static_cast<double>(end - i));
      }
      i = end;
    }
    const double share = static_cast<double>(stays.size()) / static_cast<double>(nights_);
    if (visits < kLeastVisits || share < kLeastShare || order_statistic(stays, 0.5) > kLongestStay) return false;
    states_ = TwoStates{.gap = gap, .share = share};
    for (double& value : settled_) value -= value >= middle ? gap : 0;
    return true;
  }

  // The correlation that the candidates leave over counts when it is the greater one: differences do not see a slow
  // wander. It is low rather than high, since candidates follow the noise.
  void raise_correlation() {
    double product = 0, square = 0, before = 0;
    for (std::size_t segment = 0; segment <= changes_.size(); ++segment) {
      const double mean = stretches_->mean(begin_of(segment), end_of(segment));
      for (std::size_t i = begin_of(segment); i < end_of(segment); ++i) {
        const double residual = (bounded_[i] - mean) / noise_.sigma[i];
        if (i > begin_of(segment)) product += residual * before;
        square += residual * residual;
        before = residual;
      }
    }
    if (square > 0) noise_.correlation = std::max(noise_.correlation, std::min(0.8, product / square));
  }

  // Steps one way, one after the other, that a ramp explains better become a ramp.
  void find_ramps() {
    std::size_t first = 0;
    while (first < changes_.size()) {
      std::size_t last = first;
      while (last + 1 < changes_.size() && (tests_[last + 1].effect > 0) == (tests_[first].effect > 0)) ++last;
      const std::size_t begin = begin_of(first), end = end_of(last + 1);
      const double n = static_cast<double>(end - begin), steps = static_cast<double>(last - first + 1);
      double stairs = 0;
      for (std::size_t segment = first; segment <= last + 1; ++segment) {
        stairs += stretches_->cost(begin_of(segment), end_of(segment));
      }
      const Ramp ramp = best_ramp(bounded_, noise_.sigma, begin, end);
      const auto criterion = [&](double cost, double parameters) {
        return n * std::log(std::max(cost, 1e-9) / n) / noise_.inflation() + parameters * std::log(n);
      };
      const bool slow = ramp.end - ramp.begin >= kLeastDrift && std::abs(ramp.height) >= rules_.min_effect;
      if (slow && criterion(ramp.cost, 4) + std::log(n) < criterion(stairs, 2 * steps + 1)) {
        double chance = 1;
        for (std::size_t i = first; i <= last; ++i) chance = std::min(chance, tests_[i].chance);
        changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(first),
                       changes_.begin() + static_cast<std::ptrdiff_t>(last + 1));
        ramps_.push_back({.ramp = ramp, .begin = begin, .end = end, .chance = chance});
        retest();
      } else {
        first = last + 1;
      }
    }
    // A change next to a ramp is measured against the ramp's near end, not against its mean.
    if (!ramps_.empty()) retest();
  }

  bool has_ramp(std::size_t segment) const {
    return std::any_of(ramps_.begin(), ramps_.end(),
                       [&](const RampStretch& ramp) { return ramp.begin == begin_of(segment); });
  }

  void find_drift() {
    for (const RampStretch& stretch : ramps_)
      add_drift(stretch.ramp.height, stretch.ramp.begin, stretch.ramp.end, stretch.chance);
    for (std::size_t segment = 0; segment <= changes_.size(); ++segment) {
      const std::size_t begin = begin_of(segment), end = end_of(segment);
      if (has_ramp(segment) || end - begin < 2 * kLeastDrift) continue;
      const Slope slope = slope_of(bounded_, begin, end);
      const double n = static_cast<double>(end - begin), inflation = noise_.inflation();
      const double floor = std::sqrt(12 * variance(begin, end) / n) * 0.5;  // of a straight line through noise
      const Test test =
          tested(slope.height, std::max(slope.error, floor) * std::sqrt(inflation), (n - 2) / inflation, 1);
      if (std::abs(slope.height) >= rules_.min_effect) add_drift(slope.height, begin, end, test.chance);
    }
    if (series_.pinned) compare_with_pinned(*series_.pinned);
  }

  // Drift that is over before the pinned night is part of what was released.
  void add_drift(double height, std::size_t begin, std::size_t end, double chance) {
    if (series_.pinned) {
      if (end <= *series_.pinned + 1) return;
      if (begin < *series_.pinned) {
        height *= static_cast<double>(end - 1 - *series_.pinned) / static_cast<double>(end - 1 - begin);
        begin = *series_.pinned;
      }
      if (std::abs(height) < rules_.min_effect) return;
    }
    drifts_.push_back({.drift = {.effect = height, .since = begin, .q = 1}, .chance = chance});
  }

  // The level now against the level at the pinned night, less the steps between.
  void compare_with_pinned(std::size_t pinned) {
    const std::size_t then = segment_of(pinned), now = changes_.size();
    std::size_t begin = std::max(begin_of(then), pinned >= kLevelWindow / 2 ? pinned - kLevelWindow / 2 : 0);
    const std::size_t end = std::min(end_of(then), begin + kLevelWindow);
    if (end - begin < kLevelWindow) begin = std::max(begin_of(then), end >= kLevelWindow ? end - kLevelWindow : 0);
    const std::size_t recent = std::max(begin_of(now), nights_ - std::min(nights_, kLevelWindow));
    if (recent < end) return;  // nothing lies between
    double steps = 0;
    for (std::size_t i = then; i < now; ++i) steps += tests_[i].effect;
    const Test test = welch(begin, end, recent, nights_, steps, 1);
    if (std::abs(test.effect) < rules_.min_effect) return;
    // Steps carry an error of their own, which the two short windows do not know.
    double square = test.error * test.error;
    for (std::size_t i = then; i < now; ++i) square += tests_[i].error * tests_[i].error;
    drifts_.push_back({.drift = {.effect = test.effect, .since = pinned, .q = 1},
                       .chance = tested(test.effect, std::sqrt(square), test.freedom, 1).chance});
  }

  void drop_unproven(std::vector<double>& rates) {
    bool dropped = false;
    for (std::size_t i = changes_.size(); i-- > 0;) {
      if (rates[i] <= rules_.false_discovery) continue;
      changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(i));
      rates.erase(rates.begin() + static_cast<std::ptrdiff_t>(i));
      dropped = true;
    }
    if (dropped) retest();
  }

  std::vector<std::size_t> outliers() const {
    std::vector<std::size_t> found;
    for (std::size_t segment = 0; segment <= changes_.size(); ++segment) {
      const std::size_t begin = begin_of(segment), end = end_of(segment);
      const auto ramp = std::find_if(ramps_.begin(), ramps_.end(), [&](const RampStretch& stretch) {
        return stretch.begin >= begin && stretch.end <= end;
      });
      const double middle = order_statistic({settled_.begin() + static_cast<std::ptrdiff_t>(begin),
                                             settled_.begin() + static_cast<std::ptrdiff_t>(end)},
                                            0.5);
      for (std::size_t i = begin; i < end; ++i) {
        const double level = ramp == ramps_.end() ? middle : ramp->ramp.at(i);
        if (std::abs(settled_[i] - level) > std::max(kOutlierSigmas * noise_.sigma[i], rules_.min_effect)) {
          found.push_back(i);
        }
      }
    }
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < found.size();) {
      std::size_t next = i + 1;
      while (next < found.size() && found[next] == found[next - 1] + 1) ++next;
      if (next - i < kLeastSegment) {
        kept.insert(kept.end(), found.begin() + static_cast<std::ptrdiff_t>(i),
                    found.begin() + static_cast<std::ptrdiff_t>(next));
      }
      i = next;
    }
    if (static_cast<double>(kept.size()) > std::max(1.0, kMostOutliers * static_cast<double>(nights_)))
      kept.clear();
    return kept;
  }

  struct RampStretch {
    Ramp ramp;
    std::size_t begin = 0, end = 0;  // of the segment that it explains
    double chance = 1;
  };

  const NightSeries& series_;
  const ChangeRules& rules_;
  std::size_t nights_;
  NoiseModel noise_;
  std::optional<TwoStates> states_;
  std::vector<double> settled_;  // the values, less the state of the night where there are two
  std::vector<double> bounded_;
  std::optional<Stretches> stretches_;
  std::vector<std::size_t> changes_;
  std::vector<Test> tests_;  // of the changes
  std::vector<RampStretch> ramps_;
  std::vector<DriftCandidate> drifts_;
};

// Benjamini and Hochberg's adjusted chances, in the order given.
std::vector<double> false_discovery_rates(const std::vector<double>& chances) {
  std::vector<std::size_t> order(chances.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return chances[a] > chances[b]; });
  std::vector<double> rates(chances.size());
  double least = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double rank = static_cast<double>(order.size() - i);
    least = std::min(least, chances[order[i]] * static_cast<double>(order.size()) / rank);
    rates[order[i]] = least;
  }
  return rates;
}

}  // namespace

std::vector<Findings> find_changes(std::span<const NightSeries> series, const ChangeRules& rules) {
  std::vector<std::optional<Analysis>> analyses(series.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < series.size(); i = next++) analyses[i].emplace(series[i], rules);
  };
  std::vector<std::jthread> helpers;
  const std::size_t cores = std::min<std::size_t>(std::thread::hardware_concurrency(), series.size() / 8);
  for (std::size_t i = 1; i < cores; ++i) helpers.emplace_back(work);
  work();
  helpers.clear();  // joins

  // Two families: what is easily found in the one must not lend its level to the other.
  std::vector<double> changes, drifts;
  for (const auto& analysis : analyses) analysis->append_chances(changes, drifts);
  changes = false_discovery_rates(changes);
  drifts = false_discovery_rates(drifts);
  const double *of_changes = changes.data(), *of_drifts = drifts.data();
  std::vector<Findings> findings;
  for (auto& analysis : analyses) findings.push_back(analysis->findings(of_changes, of_drifts));
  return findings;
}

std::vector<std::size_t> moving_mean_changes(std::span<const double> values, double threshold) {
  constexpr std::size_t kNights = 5;
  std::vector<std::size_t> changes;
  const auto gap = [&](std::size_t at) {
    double sum = 0;
    for (std::size_t i = 0; i < kNights; ++i) sum += values[at + i] - values[at - 1 - i];
    return std::abs(sum / kNights);
  };
  std::size_t best = 0;  // 0: not beyond the threshold now
  for (std::size_t at = kNights; at + kNights <= values.size(); ++at) {
    if (gap(at) > threshold) {
      if (best == 0 || gap(at) > gap(best)) best = at;
    } else if (best != 0) {
      changes.push_back(best);
      best = 0;
    }
  }
  if (best != 0) changes.push_back(best);
  return changes;
}

}  // namespace plumb
