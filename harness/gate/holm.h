// Holm's step-down adjustment: many tests, one stated chance of any false alarm.
#pragma once

#include <span>
#include <vector>

namespace plumb {

// Adjusted p-values in the order given. Rejecting where adjusted <= level keeps the probability of rejecting any
// true hypothesis at or below level, however the tests depend on each other, and however many hypotheses are false.
// S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
std::vector<double> holm_adjust(std::span<const double> p_values);

}  // namespace plumb
