// The oracle's verdict on one tensor: every element against its bound, nothing sampled, nothing forgiven.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "reference/numeric/expectation.h"
#include "reference/operator.h"

namespace plumb {

struct Offence {
  std::int64_t index = 0;  // row-major
  std::uint32_t bits = 0;
  double got = 0, expected = 0, bound = 0;
  std::string what;  // "bound", "untouched", "unwritten"
};

// How far elements lie from the oracle, in ulp of the output type at the expected value: bucket 0 counts those that
// are equal, bucket i errors in (kUlpEdges[i - 1], kUlpEdges[i]], the last everything beyond, NaN included. Only
// elements with a finite expectation are counted.
inline constexpr std::array<double, 11> kUlpEdges = {0, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 64, 1024};
using UlpHistogram = std::array<std::int64_t, kUlpEdges.size() + 1>;

struct Judgement {
  std::int64_t elements = 0;
  std::int64_t judged = 0;       // held against a bound
  std::int64_t kept = 0;         // held against the bits before the call
  std::int64_t informative = 0;  // kept, or judged with a finite expectation other than 0
  std::int64_t out_of_bound = 0;
  std::int64_t touched = 0;    // elements that should have kept their bits and did not
  std::int64_t unwritten = 0;  // elements that still hold the poison
  double worst_share = 0;      // largest |error| / bound
  double bias = 0;  // mean of (|y| - |expected|) in ulp over inexact, normal elements (16-bit types only)
  std::int64_t bias_samples = 0;  // distinct results among them
  double largest_bound = 0;       // of an element with a finite expectation other than 0
  double blind_spot = 0;  // largest bound, in ulp of the largest expected value: what could hide in this case
  UlpHistogram ulp_histogram{};
  std::vector<Offence> first, worst;    // at most kShown each
  std::vector<std::int64_t> offenders;  // indices, at most kRemembered, for the histogram

  static constexpr std::size_t kShown = 4, kRemembered = 4096;
  bool within_bounds() const { return out_of_bound == 0; }
};

// Every |y - value| must be at most slack + 0.5 ulp_out(|value| + slack). NaN is right exactly where NaN is
// expected; infinity is right where the rounding of an honest value may overflow. `before` is the tensor as it was
// before the call (same shape and strides), `poison` the 16-bit word that unwritten elements repeat, 0 where the
// tensor had none.
Judgement judge(const plumb_tensor& result, const plumb_tensor& before, const Expectation& expected,
                std::uint16_t poison);

inline constexpr std::int64_t kBiasSamples = 64;  // fewer say nothing about a mean

// A mean error in ulp that rounding to nearest cannot explain. Only for 16-bit outputs: there the error is
// dominated by the final rounding, uniform in +-0.5 ulp, so that its mean over n independent elements has a
// standard deviation of 0.29/sqrt(n).
bool is_biased(const Judgement& judgement, plumb_dtype dtype);

// Where the offenders lie: counts along each axis of the tensor and modulo a warp's usual divisions.
std::string describe_offenders(const Judgement& judgement, const plumb_tensor& tensor);

}  // namespace plumb
