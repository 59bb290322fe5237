// Two builds of a library in one process, timed against each other on the same buffers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "harness/gate/timing.h"

namespace plumb {

struct PairSettings {
  std::string baseline, candidate;  // paths; the same file twice gives two instances of it
  int ordinal = 0;
  std::uint64_t seed = 0;  // draws what a fresh process draws anew: load order, buffer offsets, order within blocks
  int samples = 3;         // of each side of a block; their median counts
  double sample_us = 150;  // duration of a sample, where one launch does not take longer
  double memory_share = 1;  // of the device's free memory, for processes that prepare side by side
};

class PairBench {
 public:
  virtual ~PairBench() = default;

  virtual nlohmann::json describe() const = 0;  // {"device": ..., "baseline": ..., "candidate": ...}
  // Brings the points' tensors to the device ahead of time, as far as its memory goes.
  virtual void prepare(const std::vector<std::string>& points) = 0;
  // One block is four sides, ABBA or BAAB, a coin's toss for each. `blocks` is the least: blocks.h says when more.
  virtual PointTiming measure(const std::string& point, int blocks) = 0;
};

// Throws HarnessError when a library or the device cannot be opened; in a build without CUDA it explains itself.
std::unique_ptr<PairBench> open_pair_bench(const PairSettings& settings);

}  // namespace plumb
