// Whole gates on made-up noise: what the decision procedure's false alarms and power really are.
#include "harness/gate/simulate.h"

#include <cstddef>

#include "harness/cases/random.h"
#include "harness/gate/blocks.h"

namespace plumb {
namespace {

constexpr double kUnit = 0x1p-32;  // a 32-bit word as a number in [0, 1)

// Streams of the generator; within one, the index names gate, point, process and block.
enum Stream : std::uint32_t { kPointStream, kProcessStream, kJitterStream, kUpsetStream, kClockStream };

std::uint64_t index_of(int gate, int point, int process) {
  return ((static_cast<std::uint64_t>(gate) * 4096 + static_cast<std::uint64_t>(point)) * 64 +
          static_cast<std::uint64_t>(process)) *
         1024;
}

// Two states, slow or not, as seen by the four quarters of one block after another.
class Clock {
 public:
  Clock(const Noise& noise, bool slow) : noise_(noise), slow_(slow) {}

  // How much longer the middle quarters take than the outer ones, as a log ratio of the halves' means.
  double middle_minus_outer(const Philox4& words) {
    double quarters[4];
    for (std::size_t i = 0; i < 4; ++i) {
      const double chance = slow_ ? noise_.clock_leave : noise_.clock_enter;
      if (words[i] * kUnit < chance) slow_ = !slow_;
      quarters[i] = slow_ ? noise_.clock_gap : 0;
    }
    return 0.5 * (quarters[1] + quarters[2] - quarters[0] - quarters[3]);
  }

 private:
  const Noise& noise_;
  bool slow_;
};

}  // namespace

std::vector<double> simulate_blocks(const Simulation& simulation, int gate, int point, int process, int count) {
  const Noise& noise = simulation.noise;
  const auto stream = [&](Stream id) { return RandomStream(simulation.seed, id); };
  const std::uint64_t start = index_of(gate, point, process);
  const Philox4 of_point = stream(kPointStream).raw(index_of(gate, point, 0));
  const Philox4 of_process = stream(kProcessStream).raw(start);
  const double sd = noise.least_sd + (noise.most_sd - noise.least_sd) * (of_point[0] * kUnit);
  const double center =
      (point < simulation.slowed ? simulation.slowdown : 0) + noise.shift * (2 * (of_process[0] * kUnit) - 1);
  const double slow_share = noise.clock_gap > 0 ? noise.clock_enter / (noise.clock_enter + noise.clock_leave) : 0;
  Clock clock(noise, of_process[1] * kUnit < slow_share);
  std::vector<double> blocks;
  for (std::uint64_t index = start; index < start + static_cast<std::uint64_t>(count); ++index) {
    double block = center + sd * stream(kJitterStream).normal(index);
    if (noise.outlier_share > 0) {
      const Philox4 words = stream(kUpsetStream).raw(index);
      const double size = noise.outlier_size * (words[1] * kUnit);
      if (words[0] * kUnit < noise.outlier_share) block += words[2] & 1 ? size : -size;
    }
    if (noise.clock_gap > 0) {
      const double difference = clock.middle_minus_outer(stream(kClockStream).raw(index));
      block += stream(kUpsetStream).raw(index)[3] & 1 ? difference : -difference;  // ABBA or BAAB
    }
    blocks.push_back(block);
  }
  return blocks;
}

Tally simulate_gates(const Simulation& simulation, int first, int count) {
  const GateRules& rules = simulation.rules;
  const int processes = processes_needed(rules, simulation.margin.exceedance, simulation.points);
  Tally tally;
  for (int gate = first; gate < first + count; ++gate) {
    std::vector<PointEvidence> points;
    for (int i = 0; i < simulation.points; ++i) {
      const auto blocks = [&](int process, int length) {
        if (!simulation.adds_blocks) return simulate_blocks(simulation, gate, i, process, length);
        std::vector<double> all = simulate_blocks(simulation, gate, i, process, kMostTimes * length);
        all.resize(static_cast<std::size_t>(blocks_needed(std::span(all).first(static_cast<std::size_t>(length)))));
        return all;
      };
      PointEvidence& point = points.emplace_back();
      point.margin = simulation.margin;
      point.screen = blocks(0, simulation.screen_blocks);
      if (screen(point, rules, simulation.points)) continue;
      ++tally.suspects;
      for (int k = 1; k <= processes; ++k) point.confirm.push_back(blocks(k, simulation.confirm_blocks));
    }
    bool any_false = false;
    const std::vector<PointVerdict> verdicts = decide(points, rules);
    for (int i = 0; i < simulation.points; ++i) {
      const PointVerdict& point = verdicts[static_cast<std::size_t>(i)];
      const bool slowed = i < simulation.slowed, flagged = point.verdict == Verdict::kRegressed;
      any_false |= flagged && !slowed;
      tally.certified += point.certified;
      tally.passed += point.verdict == Verdict::kPass;
      tally.inconclusive += point.verdict == Verdict::kInconclusive;
      tally.slowed += slowed;
      tally.found += slowed && flagged;
      tally.slowed_certified += slowed && point.certified;
      tally.found_certified += slowed && point.certified && flagged;
    }
    tally.points += simulation.points;
    tally.false_gates += any_false;
    ++tally.gates;
  }
  return tally;
}

}  // namespace plumb
