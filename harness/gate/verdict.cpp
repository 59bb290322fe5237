// The regression gate's decision: from the log ratios of blocks to one verdict per point, with its numbers.
#include "harness/gate/verdict.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "harness/gate/holm.h"
#include "harness/gate/signed_rank.h"

namespace plumb {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool finite(std::span<const double> blocks) {
  return std::all_of(blocks.begin(), blocks.end(), [](double block) { return std::isfinite(block); });
}

bool usable(const PointEvidence& point) {
  return !point.disturbed && finite(point.screen) &&
         std::all_of(point.confirm.begin(), point.confirm.end(),
                     [](const auto& blocks) { return !blocks.empty() && finite(blocks); });
}

// The p_k that every process must reach when the first of `family` hypotheses is to fall; not positive if none can.
double process_level(const GateRules& rules, double exceedance, int processes, int family) {
  const double joint = std::pow(rules.family_level / std::max(family, 1), 1.0 / processes);
  return (joint - exceedance) / (1 - exceedance);
}

double detectable_effect(const LocationEstimate& blocks, const Margin& margin, const GateRules& rules,
                         int processes, int family) {
  const double level = std::min(rules.screen_level, process_level(rules, margin.exceedance, processes, family));
  if (!(level > 0)) return kInfinity;
  const double miss = (1 - rules.power) / (processes + 1);  // the screen may miss it, too
  return 2 * margin.width + (blocks.upper(miss) - blocks.lower(level));
}

PointVerdict summary(const LocationEstimate& location, double allowance, double detectable,
                     const GateRules& rules) {
  PointVerdict point;
  point.effect = location.estimate();
  point.lower = location.lower(rules.bound_error) - allowance;
  point.upper = location.upper(rules.bound_error) + allowance;
  point.detectable = detectable;
  point.certified = detectable <= rules.promised_effect;
  if (point.certified && point.upper < rules.promised_effect) point.verdict = Verdict::kPass;
  return point;
}

PointVerdict screened(const PointEvidence& point, const GateRules& rules, int family) {
  const LocationEstimate blocks(point.screen);
  const int processes = processes_needed(rules, point.margin.exceedance, family);
  return summary(blocks, point.margin.width, detectable_effect(blocks, point.margin, rules, processes, family),
                 rules);
}

struct Confirmation {
  PointVerdict point;
  double p_slower = 1, p_faster = 1;  // before Holm
};

Confirmation confirm(const PointEvidence& point, const GateRules& rules, int family) {
  const double width = point.margin.width, exceedance = point.margin.exceedance;
  const int processes = static_cast<int>(point.confirm.size());
  std::vector<double> estimates;
  double detectable = 0, p_slower = 0, p_faster = 0;
  for (const std::vector<double>& sample : point.confirm) {
    const LocationEstimate blocks(sample);
    estimates.push_back(blocks.estimate());
    detectable = std::max(detectable, detectable_effect(blocks, point.margin, rules, processes, family));
    p_slower = std::max(p_slower, signed_rank_p_above(sample, width));
    p_faster = std::max(p_faster, signed_rank_p_below(sample, -width));
  }
  const auto joint = [&](double p) { return std::pow(exceedance + (1 - exceedance) * p, processes); };
  Confirmation result{summary(LocationEstimate(estimates), 0, detectable, rules), joint(p_slower), joint(p_faster)};
  result.point.processes = processes;
  return result;
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  constexpr std::string_view kNames[] = {"pass", "regressed", "improved", "inconclusive"};
  return kNames[static_cast<std::size_t>(verdict)];
}

int processes_needed(const GateRules& rules, double exceedance, int family) {
  int processes = 6;
  while (processes < 32 && process_level(rules, exceedance, processes, family) < 0.01) ++processes;
  return processes;
}

std::optional<PointVerdict> screen(const PointEvidence& point, const GateRules& rules, int family) {
  if (!usable(point)) return std::nullopt;
  PointVerdict verdict = screened(point, rules, family);
  const bool slower = signed_rank_p_above(point.screen, point.margin.width) <= rules.screen_level;
  const bool faster = signed_rank_p_below(point.screen, -point.margin.width) <= rules.screen_level;
  if (slower || faster || verdict.verdict != Verdict::kPass) return std::nullopt;
  return verdict;
}

std::vector<PointVerdict> decide(std::span<const PointEvidence> points, const GateRules& rules) {
  const int family = static_cast<int>(points.size());
  std::vector<PointVerdict> verdicts(points.size());
  std::vector<std::size_t> suspects;
  std::vector<double> slower, faster;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const PointEvidence& point = points[i];
    if (!usable(point)) {
      verdicts[i] = {.effect = std::nan(""), .lower = -kInfinity, .upper = kInfinity, .detectable = kInfinity};
    } else if (!point.confirm.empty()) {
      const Confirmation confirmed = confirm(point, rules, family);
      verdicts[i] = confirmed.point;
      suspects.push_back(i);
      slower.push_back(confirmed.p_slower);
      faster.push_back(confirmed.p_faster);
    } else if (const auto passed = screen(point, rules, family)) {
      verdicts[i] = *passed;
    } else {
      verdicts[i] = screened(point, rules, family);
      verdicts[i].verdict = Verdict::kInconclusive;
    }
  }
  slower = holm_adjust(slower);
  faster = holm_adjust(faster);
  for (std::size_t k = 0; k < suspects.size(); ++k) {
    PointVerdict& verdict = verdicts[suspects[k]];
    verdict.p_slower = slower[k];
    verdict.p_faster = faster[k];
    if (faster[k] <= rules.family_level) verdict.verdict = Verdict::kImproved;
    if (slower[k] <= rules.family_level) verdict.verdict = Verdict::kRegressed;
  }
  return verdicts;
}

Verdict overall(std::span<const PointVerdict> points) {
  const auto any = [&](Verdict verdict) {
    return std::any_of(points.begin(), points.end(), [&](const auto& point) { return point.verdict == verdict; });
  };
  if (any(Verdict::kRegressed)) return Verdict::kRegressed;
  return points.empty() || any(Verdict::kInconclusive) ? Verdict::kInconclusive : Verdict::kPass;
}

}  // namespace plumb
