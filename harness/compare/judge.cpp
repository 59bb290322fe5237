// Judging elements against bounds.
#include "harness/compare/judge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <vector>

#include "harness/compare/elements.h"
#include "reference/numeric/ulp.h"

namespace plumb {
namespace {

// Error as a share of the bound; above 1 is an offence. The bound comes back for the report.
double share_of_bound(double got, double expected, double slack, plumb_dtype dtype, double& bound) {
  const FloatFormat format = float_format(dtype);
  bound = slack + 0.5 * ulp_at(std::fabs(expected) + slack, dtype);
  if (std::isnan(expected)) return std::isnan(got) ? 0.0 : HUGE_VAL;
  if (std::isnan(got)) return HUGE_VAL;
  if (std::isinf(got) || std::isinf(expected)) {
    const bool same_sign = std::signbit(got) == std::signbit(expected);
    // rounding to nearest gives infinity from half an ulp past the largest finite value on
    const double overflow = format.max_finite + 0.5 * ulp_at(format.max_finite, dtype);
    const bool may_overflow = std::fabs(expected) + slack >= overflow;
    return std::isinf(got) && same_sign && may_overflow ? 0.0 : HUGE_VAL;
  }
  const double error = std::fabs(got - expected);
  return error == 0 ? 0.0 : error / bound;
}

bool is_poison(std::uint32_t bits, std::uint16_t poison, plumb_dtype dtype) {
  if (poison == 0) return false;
  return size_of(dtype) == 2 ? bits == poison : bits == (std::uint32_t{poison} << 16 | poison);
}

// The bucket of an error of `steps` ulp. Every edge is a power of two, so that the exponent finds it; one bit less
// puts an edge itself below it.
std::size_t ulp_bucket(double steps) {
  if (steps == 0) return 0;
  constexpr int kLow = -3, kHigh = 11;  // exponents of the smallest edge, and past the largest
  constexpr std::array<std::uint8_t, kHigh - kLow + 1> kBucket = {1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 10, 10, 10, 11};
  const auto below = std::bit_cast<std::uint64_t>(steps) - 1;
  const int exponent = static_cast<int>(below >> 52) - 1022;
  return kBucket[static_cast<std::size_t>(std::clamp(exponent, kLow, kHigh) - kLow)];
}

class Clerk {
 public:
  explicit Clerk(Judgement& judgement) : judgement_(judgement) {}

  void note(const Offence& offence, double share) {
    if (judgement_.first.size() < Judgement::kShown) judgement_.first.push_back(offence);
    if (judgement_.offenders.size() < Judgement::kRemembered) judgement_.offenders.push_back(offence.index);
    const auto place = std::lower_bound(shares_.begin(), shares_.end(), share, std::greater<>());
    const auto at = place - shares_.begin();
    if (at >= static_cast<std::ptrdiff_t>(Judgement::kShown)) return;
    shares_.insert(place, share);
    judgement_.worst.insert(judgement_.worst.begin() + at, offence);
    if (shares_.size() > Judgement::kShown) {
      shares_.pop_back();
      judgement_.worst.pop_back();
    }
  }

 private:
  Judgement& judgement_;
  std::vector<double> shares_;  // of judgement_.worst, descending
};

}  // namespace

Judgement judge(const plumb_tensor& result, const plumb_tensor& before, const Expectation& expected,
                std::uint16_t poison) {
  Judgement judgement;
  Clerk clerk(judgement);
  const plumb_dtype dtype = dtype_of(result);
  const auto element_bytes = static_cast<std::int64_t>(size_of(dtype));
  const auto* got_base = static_cast<const std::byte*>(result.data);
  const auto* old_base = static_cast<const std::byte*>(before.data);
  double bias_sum = 0;
  // Distinct results of a 16-bit type: equal results have equal errors, which prove nothing together.
  std::vector<bool> seen(size_of(dtype) == 2 ? 0x8000 : 0);
  double largest_bound = 0, largest_value = 0;
  const double smallest_normal = std::ldexp(1.0, float_format(dtype).min_exponent);
  std::int64_t inexact = 0;
  std::size_t index = 0;
  for_each_run(result, [&](std::int64_t offset, std::int64_t length) {
    for (std::int64_t i = 0; i < length; ++i, ++index) {
      const std::int64_t at = (offset + i) * element_bytes;
      const std::uint32_t bits = load_bits(got_base + at, dtype);
      const double value = expected.value[index], slack = expected.slack[index];
      const auto number = static_cast<std::int64_t>(index);
      ++judgement.elements;
      if (slack == Expectation::kKeep) {
        ++judgement.kept;
        ++judgement.informative;
        if (const std::uint32_t old = load_bits(old_base + at, dtype); bits != old) {
          ++judgement.touched;
          clerk.note({number, bits, float_of_bits(bits, dtype), float_of_bits(old, dtype), 0, "untouched"},
                     HUGE_VAL);
        }
        continue;
      }
      if (is_poison(bits, poison, dtype)) {
        ++judgement.unwritten;
        clerk.note({number, bits, float_of_bits(bits, dtype), value, 0, "unwritten"}, HUGE_VAL);
        continue;
      }
      if (slack == Expectation::kUnjudged) continue;
      ++judgement.judged;
      if (std::isfinite(value) && value != 0) ++judgement.informative;
      const double got = float_of_bits(bits, dtype);
      double bound = 0;
      const double share = share_of_bound(got, value, slack, dtype, bound);
      if (!std::isnan(value)) judgement.worst_share = std::max(judgement.worst_share, share);
      if (!(share <= 1)) {  // a bound that is no number lets nothing pass
        ++judgement.out_of_bound;
        clerk.note({number, bits, got, value, bound, "bound"}, share);
      }
      if (!std::isfinite(value)) continue;
      const double ulp = ulp_at(value, dtype);
      // an infinity that an honest value may round to has the share 0, any other got that is no number an infinite
      // one
      ++judgement.ulp_histogram[ulp_bucket(std::isfinite(got) ? std::fabs(got - value) / ulp : share)];
      if (!std::isfinite(got) || value == 0) continue;
      largest_bound = std::max(largest_bound, bound);
      largest_value = std::max(largest_value, std::fabs(value));
      if (!seen.empty() && got != value && slack < 0.05 * ulp && std::fabs(value) >= smallest_normal) {
        bias_sum += (std::fabs(got) - std::fabs(value)) / ulp;
        ++inexact;
        seen[bits & 0x7fffu] = true;
      }
    }
  });
  if (inexact > 0) judgement.bias = bias_sum / static_cast<double>(inexact);
  judgement.bias_samples = std::count(seen.begin(), seen.end(), true);
  judgement.largest_bound = largest_bound;
  if (largest_bound > 0) judgement.blind_spot = largest_bound / ulp_at(largest_value, dtype);
  return judgement;
}

bool is_biased(const Judgement& judgement, plumb_dtype dtype) {
  if (size_of(dtype) != 2 || judgement.bias_samples < kBiasSamples) return false;
  // 6 standard deviations, and 0.02 ulp for what correlates between elements of a row
  return std::fabs(judgement.bias) > 0.02 + 6 * 0.29 / std::sqrt(static_cast<double>(judgement.bias_samples));
}

std::string describe_offenders(const Judgement& judgement, const plumb_tensor& tensor) {
  const auto histogram = [&](const char* title, const auto& bucket_of) {
    std::map<std::int64_t, int> counts;
    for (const std::int64_t index : judgement.offenders) ++counts[bucket_of(index)];
    std::vector<std::string> parts;
    for (const auto& [bucket, count] : counts) {
      if (parts.size() == 16) {
        parts.push_back(fmt::format("... ({} buckets)", counts.size()));
        break;
      }
      parts.push_back(fmt::format("{}:{}", bucket, count));
    }
    return fmt::format("    {:<22} {}\n", title, fmt::join(parts, " "));
  };
  std::string text;
  if (judgement.offenders.empty()) return text;
  std::int64_t inner = 1;
  for (int axis = tensor.rank - 1; axis >= 0; --axis) {
    const std::int64_t extent = tensor.shape[axis], stride = inner;
    if (extent > 1) {
      text += histogram(fmt::format("axis {} (of {})", axis, extent).c_str(),
                        [=](std::int64_t index) { return index / stride % extent; });
    }
    inner *= extent;
  }
  for (const std::int64_t modulus : {8, 32}) {
    text += histogram(fmt::format("element modulo {}", modulus).c_str(),
                      [=](std::int64_t index) { return index % modulus; });
  }
  return text;
}

}  // namespace plumb
