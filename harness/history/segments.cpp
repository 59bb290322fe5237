// Noise, bounded values, optimal partitions and ramps.
#include "harness/history/segments.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace plumb {
namespace {

constexpr double kShare = 0.8;            // quantile of |difference|: two clock states in turn still count as noise
constexpr double kNormalShare = 1.2816;   // of a standard normal's absolute value
constexpr std::size_t kNoiseWindow = 30;  // nights either side for the local noise

std::vector<double> absolute_differences(std::span<const double> values, std::size_t lag) {
  std::vector<double> differences;
  for (std::size_t i = lag; i < values.size(); ++i) differences.push_back(std::abs(values[i] - values[i - lag]));
  return differences;
}

// E[(x2 - x0)^2] / E[(x1 - x0)^2] - 1 is the correlation of an AR(1); with quantiles in the place of means. Drawn
// towards 0 for short series, whose estimate is mostly chance.
double correlation_of(std::span<const double> values) {
  if (values.size() < 8) return 0;
  double product = 0;
  for (const double share : {0.5, 0.7}) {
    const double one = order_statistic(absolute_differences(values, 1), share);
    const double two = order_statistic(absolute_differences(values, 2), share);
    product += 0.5 * (one > 0 ? two * two / (one * one) - 1 : 0);
  }
  const double n = static_cast<double>(values.size());
  return std::clamp(product * n / (n + 20), 0.0, 0.8);
}

}  // namespace

double order_statistic(std::vector<double> values, double share) {
  const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

NoiseModel noise_of(std::span<const double> values, double floor) {
  NoiseModel noise;
  noise.sigma.assign(values.size(), floor);
  if (values.size() < 3) return noise;
  noise.correlation = correlation_of(values);
  const std::vector<double> differences = absolute_differences(values, 1);
  const double scale = 1 / (kNormalShare * std::sqrt(2 * (1 - noise.correlation)));
  const double overall = order_statistic(differences, kShare) * scale;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t begin = i > kNoiseWindow ? i - kNoiseWindow : 0;
    const std::size_t end = std::min(i + kNoiseWindow, differences.size());
    const double local =
        order_statistic({differences.begin() + static_cast<std::ptrdiff_t>(std::min(begin, end - 1)),
                         differences.begin() + static_cast<std::ptrdiff_t>(end)},
                        kShare);
    noise.sigma[i] = std::max({local * scale, 0.5 * overall, floor});
  }
  return noise;
}

std::vector<double> bounded(std::span<const double> values, const NoiseModel& noise) {
  constexpr std::size_t kSide = 3;
  std::vector<double> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t begin = i > kSide ? i - kSide : 0, end = std::min(i + kSide + 1, values.size());
    const double middle = order_statistic(
        {values.begin() + static_cast<std::ptrdiff_t>(begin), values.begin() + static_cast<std::ptrdiff_t>(end)},
        0.5);
    result[i] = std::clamp(values[i], middle - 3 * noise.sigma[i], middle + 3 * noise.sigma[i]);
  }
  return result;
}

Stretches::Stretches(std::span<const double> values, std::span<const double> sigma)
    : weight_(1), first_(1), second_(1), plain_(1), square_(1) {
  origin_ = values.empty() ? 0 : values.front();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i] - origin_, w = 1 / (sigma[i] * sigma[i]);
    weight_.push_back(weight_.back() + w);
    first_.push_back(first_.back() + w * x);
    second_.push_back(second_.back() + w * x * x);
    plain_.push_back(plain_.back() + x);
    square_.push_back(square_.back() + x * x);
  }
}

double Stretches::cost(std::size_t begin, std::size_t end) const {
  const double first = first_[end] - first_[begin];
  return std::max(0.0, second_[end] - second_[begin] - first * first / (weight_[end] - weight_[begin]));
}

double Stretches::mean(std::size_t begin, std::size_t end) const {
  return origin_ + (plain_[end] - plain_[begin]) / static_cast<double>(end - begin);
}

double Stretches::variance(std::size_t begin, std::size_t end) const {
  const double n = static_cast<double>(end - begin), sum = plain_[end] - plain_[begin];
  return n < 2 ? 0 : std::max(0.0, (square_[end] - square_[begin] - sum * sum / n) / (n - 1));
}

std::vector<std::size_t> optimal_partition(const Stretches& stretches, std::size_t nights, double penalty) {
  if (nights < 2 * kLeastSegment) return {};
  constexpr double kNever = std::numeric_limits<double>::infinity();
  std::vector<double> best(nights + 1, kNever);  // of the nights before; a segment's penalty is paid at its start
  std::vector<std::size_t> from(nights + 1, 0);
  best[0] = 0;
  std::vector<std::size_t> starts;  // of a last segment, those that can still win
  for (std::size_t end = kLeastSegment; end <= nights; ++end) {
    if (best[end - kLeastSegment] < kNever) starts.push_back(end - kLeastSegment);
    for (const std::size_t start : starts) {
      const double total = best[start] + stretches.cost(start, end) + penalty;
      if (total < best[end]) best[end] = total, from[end] = start;
    }
    // A start that is behind by more than a new segment costs stays behind. The new segment could begin only
    // kLeastSegment nights before its end, so a start is dropped by what was known that much earlier.
    if (end >= 2 * kLeastSegment) {
      const std::size_t known = end - kLeastSegment;
      if (best[known] < kNever) {
        std::erase_if(starts, [&](std::size_t start) {
          return start + kLeastSegment <= known && best[start] + stretches.cost(start, known) > best[known];
        });
      }
    }
  }
  std::vector<std::size_t> changes;
  for (std::size_t at = from[nights]; at > 0; at = from[at]) changes.push_back(at);
  std::reverse(changes.begin(), changes.end());
  return changes;
}

double Ramp::at(std::size_t night) const {
  if (night < begin) return level;
  if (night >= end) return level + height;
  return level + height * static_cast<double>(night - begin + 1) / static_cast<double>(end - begin + 1);
}

Ramp best_ramp(std::span<const double> values, std::span<const double> sigma, std::size_t begin, std::size_t end) {
  const std::size_t step = std::max<std::size_t>(1, (end - begin) / 32);
  Ramp best;
  best.cost = std::numeric_limits<double>::infinity();
  for (std::size_t from = begin; from < end; from += step) {
    for (std::size_t to = from + step; to <= end; to += step) {
      const Ramp unit{.begin = from, .end = to, .level = 0, .height = 1};
      double w0 = 0, wr = 0, wrr = 0, wy = 0, wry = 0, wyy = 0;
      for (std::size_t i = begin; i < end; ++i) {
        const double w = 1 / (sigma[i] * sigma[i]), r = unit.at(i), y = values[i] - values[begin];
        w0 += w, wr += w * r, wrr += w * r * r, wy += w * y, wry += w * r * y, wyy += w * y * y;
      }
      const double determinant = w0 * wrr - wr * wr;
      if (determinant <= 1e-12 * w0 * wrr) continue;
      const double height = (w0 * wry - wr * wy) / determinant, level = (wy - height * wr) / w0;
      const double cost = wyy - level * wy - height * wry;
      if (cost < best.cost) {
        best = {.begin = from, .end = to, .level = level + values[begin], .height = height, .cost = cost};
      }
    }
  }
  best.cost = std::max(best.cost, 0.0);
  return best;
}

Slope slope_of(std::span<const double> values, std::size_t begin, std::size_t end) {
  const double n = static_cast<double>(end - begin), middle = (n - 1) / 2;
  double xx = 0, xy = 0, mean = 0, rest = 0;
  for (std::size_t i = begin; i < end; ++i) mean += values[i] / n;
  for (std::size_t i = begin; i < end; ++i) {
    const double x = static_cast<double>(i - begin) - middle;
    xx += x * x, xy += x * (values[i] - mean);
  }
  const double slope = xy / xx;
  for (std::size_t i = begin; i < end; ++i) {
    const double residual = values[i] - mean - slope * (static_cast<double>(i - begin) - middle);
    rest += residual * residual;
  }
  return {.height = slope * (n - 1), .error = std::sqrt(rest / (n - 2) / xx) * (n - 1)};
}

}  // namespace plumb
