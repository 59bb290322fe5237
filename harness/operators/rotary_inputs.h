// Inputs that rope and qk_norm_rope share: positions and the cos/sin cache.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/cases/case.h"
#include "harness/cases/fill.h"

namespace plumb {

// The words of the axis `positions`: shuffled (each token another, in no order), zero, last (the cache's last row),
// padded (a third negative, one in seven past the cache, half of each a valid row once cut to 32 bits), far (rows
// beyond 2^24, which a float cannot count).
enum class Positions { kShuffled, kZero, kLast, kPadded, kFar };
inline const std::vector<std::string> kPositionWords = {"shuffled", "zero", "last", "padded", "far"};

inline std::int64_t max_position_of(Positions positions) {
  return positions == Positions::kFar ? (std::int64_t{1} << 24) + 1024 : 331;
}

inline void fill_positions(HostTensor& tensor, Positions positions, const RandomStream& random) {
  const std::int64_t rows = max_position_of(positions);
  constexpr std::int64_t k32Bits = std::int64_t{1} << 32;
  fill(tensor, [&](std::int64_t i) -> std::int64_t {
    const auto index = static_cast<std::uint64_t>(i);
    switch (positions) {
      case Positions::kZero:
        return 0;
      case Positions::kLast:
        return rows - 1;
      case Positions::kFar:
        return rows - 1 - random.below(index, 1000);
      case Positions::kPadded:
        if (i % 6 == 1) return -1 - std::int64_t{random.below(index, 5)};
        if (i % 6 == 4) return -k32Bits + random.below(index, static_cast<std::uint32_t>(rows));
        if (i % 14 == 3) return rows + random.below(index, 5);
        if (i % 14 == 10) return k32Bits + random.below(index, static_cast<std::uint32_t>(rows));
        [[fallthrough]];
      case Positions::kShuffled:
        return random.below(index, static_cast<std::uint32_t>(rows));
    }
    return 0;
  });
}

// cache[p] = (cos_0 .. cos_{r/2-1}, sin_0 .. sin_{r/2-1}) of a random angle per element, from rational points of
// the unit circle, which need no math library: t = tan(angle/2), cos = (1-t^2)/(1+t^2), sin = 2t/(1+t^2). Row 0 is
// the identity. In a large cache only the rows that `positions` names are filled, the rest stays NaN.
inline void fill_cos_sin(HostTensor& cache, const HostTensor& positions, const RandomStream& random) {
  const std::int64_t rows = cache.view.shape[0], rotary = cache.view.shape[1], half = rotary / 2;
  const plumb_dtype dtype = dtype_of(cache.view);
  const auto fill_row = [&](std::int64_t row) {
    for (std::int64_t i = 0; i < half; ++i) {
      const auto word = random.raw(static_cast<std::uint64_t>(row * half + i));
      const double t = row == 0 ? 0.0 : word[0] * 0x1p-31 - 1.0;  // |angle| up to a quarter turn,
      const double norm = 1.0 + t * t;
      const double sign = row != 0 && (word[1] & 1u) ? -1.0 : 1.0;  // the other half by turning around
      store_float(address(cache.view, {row, i}), dtype, static_cast<float>(sign * (1.0 - t * t) / norm));
      store_float(address(cache.view, {row, half + i}), dtype, static_cast<float>(sign * 2.0 * t / norm));
    }
  };
  if (rows <= 4096) {
    for (std::int64_t row = 0; row < rows; ++row) fill_row(row);
    return;
  }
  for (std::int64_t token = 0; token < positions.view.shape[0]; ++token) {
    const std::int64_t position = load_integer(address(positions.view, {token}), PLUMB_I64);
    if (position >= 0 && position < rows) fill_row(position);
  }
}

// The attention shapes that are measured; as many v heads as k heads.
struct ModelShape {
  std::int64_t heads_q, heads_k, head_dim, rotary_dim;
};
inline constexpr ModelShape kModelShapes[] = {
    {32, 8, 128, 128},  // Qwen3-8B, Llama-3-8B
    {64, 8, 128, 128},  // Qwen3-32B, Llama-3-70B
    {8, 1, 128, 128},   // the same on one of 8 GPUs (tensor parallel)
    {16, 2, 256, 64},   // Qwen3-Next-80B-A3B: a quarter of the head is rotated
    {32, 8, 64, 64},    // Llama-3.2-1B
};

inline std::int64_t cache_element_bytes(const Case& point) {
  return point["cache"] ? 4 : static_cast<std::int64_t>(size_of(point.dtype));
}

// Whether the axes that both operators have (D, rotary, cache, positions and their offsets) go together.
inline bool rotary_axes_are_valid(const Case& point) {
  const std::int64_t D = point["D"], rotary = point["rotary"];
  if (rotary < 2 || rotary % 2 || rotary > D) return false;
  if (point["offset.cache"] % cache_element_bytes(point) || point["offset.positions"] % 8) return false;
  if (point.dtype == PLUMB_F32 && point["cache"]) return false;  // the same as the default
  // 2^24 rows of cache: keep them narrow
  return point["positions"] != static_cast<int>(Positions::kFar) || rotary * cache_element_bytes(point) <= 16;
}

// Allocates and fills both tensors at their places in the operator's enum.
inline void add_rotary_inputs(Problem& problem, const Case& point, int positions_index, int cache_index) {
  const auto kind = static_cast<Positions>(point["positions"]);
  const auto stream = [&](int index) { return RandomStream(point.seed, static_cast<std::uint32_t>(index)); };
  auto& positions = problem.tensors[static_cast<std::size_t>(positions_index)] = allocate(
      "positions", positions_index, Role::kInput, PLUMB_I64, {point["tokens"]}, {}, point["offset.positions"]);
  fill_positions(positions, kind, stream(positions_index));
  auto& cache = problem.tensors[static_cast<std::size_t>(cache_index)] =
      allocate("cache", cache_index, Role::kInput, point["cache"] ? PLUMB_F32 : point.dtype,
               {max_position_of(kind), point["rotary"]}, {}, point["offset.cache"]);
  cache.is_constant = true;
  fill_cos_sin(cache, positions, stream(cache_index));
}

// Bytes of positions and cache that a call reads at least: a row of the cache for every token, but none twice, as
// repeated rows come from L2.
inline std::int64_t rotary_bytes(const HostTensor& positions, const HostTensor& cache) {
  const std::int64_t tokens = positions.view.shape[0], rows = std::min(tokens, cache.view.shape[0]);
  return tokens * static_cast<std::int64_t>(sizeof(std::int64_t)) +
         rows * cache.view.shape[1] * static_cast<std::int64_t>(size_of(dtype_of(cache.view)));
}

}  // namespace plumb
