// Made-up series with known answers, for the tests and the table of precision and recall; and published ones.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "harness/history/changes.h"

namespace plumb::made {

struct Labelled {
  NightSeries series;
  std::vector<std::size_t> changes, outliers;  // what is true
  bool drifts = false;
};

struct Recipe {
  std::string name;
  int nights = 365;
  double noise = 0.003;             // standard deviation of a night's log ratio
  int steps = 0;                    // at random nights, 15 apart at least, either way
  double step = 0;                  // log ratio
  double drift = 0;                 // in all, spread evenly over the middle 60% of the nights
  double spikes = 0;                // share of nights ...
  double spike = 0;                 // ... that are higher by so much
  double mode_share = 0, mode = 0;  // share of nights in a second clock state, and how far away that is
  double mode_stay = 0;             // chance to stay in the state for another night; 0: each night anew
  double correlation = 0;           // AR(1)
  double freedom = 0;               // of Student's t in the place of normal noise; 0: normal
  double swell = 1;                 // the noise is so many times greater in the second third
  double missing = 0;               // share of nights that have no run
};

inline Labelled make(const Recipe& recipe, std::uint64_t seed) {
  std::mt19937_64 random(seed * 7919 + 17);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  std::student_t_distribution<double> student(recipe.freedom > 0 ? recipe.freedom : 1);
  Labelled made;
  std::vector<std::size_t> steps;
  while (static_cast<int>(steps.size()) < recipe.steps) {
    const auto at = static_cast<std::size_t>(15 + uniform(random) * (recipe.nights - 30));
    bool near = false;
    for (const std::size_t other : steps)
      near |= std::abs(static_cast<double>(at) - static_cast<double>(other)) < 15;
    if (!near) steps.push_back(at);
  }
  std::sort(steps.begin(), steps.end());
  double level = std::log(1.2), wander = 0;
  bool in_mode = false;
  std::size_t next = 0;
  const double rescale = recipe.freedom > 2 ? std::sqrt((recipe.freedom - 2) / recipe.freedom) : 1;
  bool owed = false;  // a change whose night is missing shows on the next one
  for (int night = 0; night < recipe.nights; ++night) {
    if (next < steps.size() && steps[next] == static_cast<std::size_t>(night)) {
      level += uniform(random) < 0.6 ? recipe.step : -recipe.step;
      owed = true;
      ++next;
    }
    const double third = night >= recipe.nights / 3 && night < 2 * recipe.nights / 3 ? recipe.swell : 1;
    const double fresh = recipe.freedom > 0 ? student(random) * rescale : normal(random);
    wander = recipe.correlation * wander + std::sqrt(1 - recipe.correlation * recipe.correlation) * fresh;
    if (recipe.mode_share > 0 && uniform(random) >= recipe.mode_stay) in_mode = uniform(random) < recipe.mode_share;
    const double progress = std::clamp((night / static_cast<double>(recipe.nights) - 0.2) / 0.6, 0.0, 1.0);
    double value = level + recipe.drift * progress + recipe.noise * third * wander + (in_mode ? recipe.mode : 0);
    const bool spiked = uniform(random) < recipe.spikes;
    if (spiked) value += recipe.spike;
    if (uniform(random) < recipe.missing) continue;
    if (owed) made.changes.push_back(made.series.values.size());
    owed = false;
    if (spiked) made.outliers.push_back(made.series.values.size());
    made.series.values.push_back(value);
  }
  made.drifts = recipe.drift != 0;
  return made;
}

// Annual flow of the Nile at Aswan, 1871 to 1970, 1e8 m^3: the level fell after 1898 (Cobb, Biometrika 65, 1978).
inline constexpr std::array<double, 100> kNile = {
    1120, 1160, 963,  1210, 1160, 1160, 813,  1230, 1370, 1140, 995,  935,  1110, 994, 1020, 960,  1180,
    799,  958,  1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774,  840,  874, 694,  940,  833,
    701,  916,  692,  1020, 1050, 969,  831,  726,  456,  824,  702,  1120, 1100, 832, 764,  821,  768,
    845,  864,  862,  698,  845,  744,  796,  1040, 759,  781,  865,  845,  944,  984, 897,  822,  1010,
    771,  676,  649,  846,  812,  742,  801,  1040, 860,  874,  848,  890,  744,  749, 838,  1050, 918,
    986,  797,  923,  975,  815,  1020, 906,  901,  1170, 912,  746,  919,  718,  714, 740};

}  // namespace plumb::made
