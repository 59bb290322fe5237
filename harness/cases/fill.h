// Filling tensors with deterministic values, element by logical index.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "harness/cases/case.h"
#include "harness/cases/problem.h"
#include "harness/cases/random.h"
#include "harness/compare/elements.h"
#include "harness/error.h"
#include "reference/numeric/parallel.h"

namespace plumb {

// Elements after which the rows of a large tensor repeat themselves; 0: never, as every check needs it. A program
// that only measures sets it once at its start: plausible contents are enough there, and gigabytes of fresh random
// numbers take longer than the measurement. The repetition itself is left to whoever uploads the tensor
// (HostTensor::repeated_bytes).
inline std::int64_t& contents_period() {
  static std::int64_t period = 0;
  return period;
}

// value(i) for the i-th element in row-major order, rounded to the tensor's type; called from several threads.
template <class Value>
void fill(HostTensor& tensor, const Value& value) {
  const plumb_dtype dtype = dtype_of(tensor.view);
  const std::int64_t length = row_length(tensor.view);
  const std::int64_t step = tensor.view.rank > 0 ? tensor.view.stride[tensor.view.rank - 1] : 1;
  const auto element_bytes = static_cast<std::int64_t>(size_of(dtype));
  constexpr std::int64_t kGrain = 1 << 16;  // elements that are worth a thread
  const std::int64_t rows = row_count(tensor.view), period = contents_period();
  std::int64_t fresh = rows;
  if (period > 0 && step == 1 &&
      row_offset(tensor.view, std::max<std::int64_t>(rows - 1, 0)) == (rows - 1) * length) {
    fresh = std::min(rows, period / std::max<std::int64_t>(length, 1) + 1);
  }
  if (fresh < rows) tensor.repeated_bytes = static_cast<std::size_t>(fresh * length * element_bytes);
  parallel_for(fresh, kGrain / std::max<std::int64_t>(length, 1) + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      auto* element = static_cast<std::byte*>(tensor.view.data) + row_offset(tensor.view, row) * element_bytes;
      for (std::int64_t i = 0; i < length; ++i, element += step * element_bytes) {
        const auto number = value(row * length + i);
        if (is_floating(dtype)) {
          store_float(element, dtype, static_cast<float>(number));
        } else {
          store_integer(element, dtype, static_cast<std::int64_t>(number));
        }
      }
    }
  });
}

// The magnitudes that activations are tried at; the words of the axis `magnitude`.
enum class Magnitude { kUnit, kNearEps, kLarge, kTiny, kSpecial };
inline const std::vector<std::string> kMagnitudeWords = {"unit", "near_eps", "large", "tiny", "special"};

// Normal activations of the given magnitude for a tensor whose last axis is `row` long. `special` puts one Inf into
// the second row and one NaN into the third.
inline void fill_activations(HostTensor& tensor, Magnitude magnitude, const RandomStream& random,
                             std::int64_t row) {
  const bool narrow = dtype_of(tensor.view) == PLUMB_F16;
  // near_eps: mean square 1e-6, as large as a usual eps; large: squares still fit fp32; tiny: subnormal in the
  // type.
  const double scale[] = {1.0, 1e-3, narrow ? 6e3 : 1e14, narrow ? 5e-6 : 3e-39, 1.0};
  const double factor = scale[static_cast<int>(magnitude)];
  fill(tensor, [&](std::int64_t i) {
    if (magnitude == Magnitude::kSpecial && row > 0) {
      if (i == row + row / 2) return std::numeric_limits<double>::infinity();
      if (i == 2 * row + row / 3) return std::numeric_limits<double>::quiet_NaN();
    }
    return factor * random.normal(static_cast<std::uint64_t>(i));
  });
}

// The axes that say how a call is made: `launch`, and `sms`, the number of multiprocessors that it is told of (0:
// those that there are). Told of one, a kernel does with a small tensor what it else does with a large one only: it
// takes the path for many rows, and its resident blocks go on from unit to unit.
inline const Axis kLaunchAxis{.name = "launch",
                              .words = {"stream", "default_stream", "graph", "crowded", "dependent", "foreign"}};
inline const Axis kMultiprocessorsAxis{.name = "sms"};

// Throws HarnessError for more multiprocessors than the contract can say.
inline void set_launch(Problem& problem, const Case& point) {
  problem.launch = static_cast<LaunchMode>(point["launch"]);
  const std::int64_t sms = point["sms"], most = std::numeric_limits<std::int32_t>::max();
  if (sms > most) {
    throw HarnessError("sms is " + std::to_string(sms) + ", expected at most " + std::to_string(most));
  }
  problem.sm_count = static_cast<int>(sms);
}

}  // namespace plumb
