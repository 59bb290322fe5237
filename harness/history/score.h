// Precision and recall of find_changes, and of the simple baseline, on made-up series.
#pragma once

#include <cstdlib>
#include <vector>

#include "harness/history/changes.h"
#include "harness/history/made_series.h"

namespace plumb::made {

inline constexpr double kNear = 5;          // nights: a change found so near to a true one is that one
inline constexpr double kThreshold = 0.01;  // of the baseline

struct Score {
  int truth = 0, found = 0, hits = 0, series_with_changes = 0;
  int baseline_found = 0, baseline_hits = 0;
  int outlier_truth = 0, outliers_found = 0, outlier_hits = 0;
  int drifts = 0;
  double recall() const { return truth ? static_cast<double>(hits) / truth : 1; }
  double precision() const { return found ? static_cast<double>(hits) / found : 1; }
  double baseline_recall() const { return truth ? static_cast<double>(baseline_hits) / truth : 1; }
  double baseline_precision() const {
    return baseline_found ? static_cast<double>(baseline_hits) / baseline_found : 1;
  }
};

// True nights that have a found one near, each found one used once.
inline int hits_of(const std::vector<std::size_t>& truth, std::vector<std::size_t> found) {
  int hits = 0;
  for (const std::size_t night : truth) {
    const auto near = std::find_if(found.begin(), found.end(), [&](std::size_t other) {
      return std::abs(static_cast<double>(other) - static_cast<double>(night)) <= kNear;
    });
    if (near == found.end()) continue;
    found.erase(near);
    ++hits;
  }
  return hits;
}

inline Score score_of(const Recipe& recipe, int count) {
  std::vector<Labelled> labelled;
  std::vector<NightSeries> series;
  for (int i = 0; i < count; ++i) {
    labelled.push_back(make(recipe, static_cast<std::uint64_t>(i) + 1));
    series.push_back(labelled.back().series);
  }
  const std::vector<Findings> findings = find_changes(series);
  Score score;
  for (std::size_t i = 0; i < series.size(); ++i) {
    std::vector<std::size_t> found;
    for (const Change& change : findings[i].changes) found.push_back(change.at);
    const std::vector<std::size_t> baseline = moving_mean_changes(series[i].values, kThreshold);
    score.truth += static_cast<int>(labelled[i].changes.size());
    score.found += static_cast<int>(found.size());
    score.hits += hits_of(labelled[i].changes, found);
    score.series_with_changes += !found.empty();
    score.baseline_found += static_cast<int>(baseline.size());
    score.baseline_hits += hits_of(labelled[i].changes, baseline);
    score.outlier_truth += static_cast<int>(labelled[i].outliers.size());
    score.outliers_found += static_cast<int>(findings[i].outliers.size());
    for (const std::size_t night : findings[i].outliers) {
      score.outlier_hits += std::count(labelled[i].outliers.begin(), labelled[i].outliers.end(), night) > 0;
    }
    score.drifts += findings[i].drift.has_value();
  }
  return score;
}

}  // namespace plumb::made
