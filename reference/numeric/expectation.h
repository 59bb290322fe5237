// What an oracle says of one output tensor: the true value of each element and how far an honest result may be off.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace plumb {

// Elements in row-major order of the tensor's shape. A result y, rounded from fp32 arithmetic to the output type,
// is right when |y - value| <= slack + 0.5 ulp_out(|value| + slack); value NaN asks for NaN.
struct Expectation {
  std::vector<double> value;
  std::vector<double> slack;  // bound of the arithmetic alone; its derivation stands beside each oracle

  static constexpr double kKeep = -1.0;  // as slack: the element must keep every bit it had before the call
  static constexpr double kUnjudged = std::numeric_limits<double>::infinity();  // fp32 overflowed on the way: only
                                                                                // the replay can say
  explicit Expectation(std::int64_t count = 0)
      : value(static_cast<std::size_t>(count)), slack(static_cast<std::size_t>(count)) {}
};

inline constexpr double kUnitRoundoff = 0x1p-24;  // of fp32, round to nearest

}  // namespace plumb
