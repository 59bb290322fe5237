// Whole gates on made-up noise: what the decision procedure's false alarms and power really are.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/gate/blocks.h"
#include "harness/gate/verdict.h"

namespace plumb {

// Noise of block log ratios.
struct Noise {
  double least_sd = 0, most_sd = 0;         // of a block; each point has its own, evenly spread
  double shift = 0;                         // placement: even in +-shift, one per point and process
  double outlier_share = 0;                 // of blocks, either build hit ...
  double outlier_size = 0;                  // ... by up to so much
  double clock_gap = 0;                     // between the two clock states (log), which slow both builds alike
  double clock_enter = 0, clock_leave = 0;  // chance, per quarter of a block, to enter and to leave the slow state
};

// As recorded on the H200: standard deviations from 0.02% to 0.28%, shifts up to 0.21%.
inline constexpr Noise kRecordedNoise{.least_sd = 0.0002, .most_sd = 0.0028, .shift = 0.0021};

// As the gate itself measures there, medians of 3 samples of 0.15 ms instead of 5 of 0.3: over 134 points and five
// processes the standard deviation of a block was 0.1% to 1.1%, its median 0.3%; all but one of 670 means of 32
// blocks, noise included, lay within 0.4%.
inline constexpr Noise kGateNoise{.least_sd = 0.001, .most_sd = 0.011, .shift = 0.0031};

// Every block as noisy as 1.2% jitter unhelped by medians makes it, outliers up to 20%, clocks 5% apart and
// changing within one block of sixteen, and shifts beyond the default margin in one process of seven.
inline constexpr Noise kHarshNoise{.least_sd = 0.012,
                                   .most_sd = 0.012,
                                   .shift = 0.0035,
                                   .outlier_share = 0.02,
                                   .outlier_size = 0.2,
                                   .clock_gap = 0.05,
                                   .clock_enter = 0.01,
                                   .clock_leave = 0.03};

struct Simulation {
  Noise noise;
  std::uint64_t seed = 1;
  int points = 200;
  int slowed = 0;       // the first so many points are slower ...
  double slowdown = 0;  // ... by this log ratio
  int screen_blocks = kScreenBlocks, confirm_blocks = kConfirmBlocks;
  bool adds_blocks = false;  // where a point is noisy, as the gate does (blocks.h)
  GateRules rules = {};
  Margin margin = {};
};

struct Tally {
  int gates = 0, false_gates = 0;  // false: any point flagged as regressed that is not slowed
  int points = 0, suspects = 0;    // of all gates
  int certified = 0, passed = 0, inconclusive = 0;
  int slowed = 0, found = 0;  // slowed points, and those of them flagged as regressed
  int slowed_certified = 0, found_certified = 0;
};

// The block log ratios of one point in one process (0 is the screen) of one gate, a function of these numbers
// alone.
std::vector<double> simulate_blocks(const Simulation& simulation, int gate, int point, int process, int count);

// Gates first .. first + count - 1, each through both stages.
Tally simulate_gates(const Simulation& simulation, int first, int count);

}  // namespace plumb
