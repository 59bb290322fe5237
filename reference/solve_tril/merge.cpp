// solve_tril's tf32 precisions on the CPU: what rounds is emulated, the tensor cores' order of additions is not.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "reference/solve_tril/tile.h"

namespace plumb {
namespace {

constexpr std::size_t kBlock = 16;

// To 11 significant bits, to nearest, ties away from zero.
float to_tf32(float value) {
  if (!std::isfinite(value)) return value;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + 0x1000u) & ~0x1fffu);
}

// What a tensor core sees of a value that is not rounded: its upper 19 bits.
float cut_to_tf32(float value) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & ~0x1fffu); }

// A tile as the sum of two of tf32, as the kernels split it (optimized/device/mma.cuh).
struct Split {
  Tile high, low;

  void set(std::size_t i, std::size_t j, float value) {
    high[i][j] = to_tf32(value);
    low[i][j] = cut_to_tf32(value - high[i][j]);
  }
};

// One row of a block product: sum += a[row][k] b[k][..] for k of the block from k0 on.
void multiply_row(std::array<float, kBlock>& sum, const Split& a, std::size_t row, std::size_t k0, const Split& b,
                  std::size_t column0, std::size_t rows, bool three) {
  for (std::size_t k = k0; k < std::min(k0 + kBlock, rows); ++k) {
    const float high = a.high[row][k], low = a.low[row][k];
    for (std::size_t j = 0; j < kBlock; ++j) {
      const float b_high = b.high[k][column0 + j], b_low = b.low[k][column0 + j];
      if (three) sum[j] = std::fmaf(high, b_low, std::fmaf(low, b_high, sum[j]));
      sum[j] = std::fmaf(high, b_high, sum[j]);
    }
  }
}

}  // namespace

void merge_in_tf32(const Tile& a, std::size_t rows, bool three, Tile& x) {
  static thread_local Split lower, solved, sums;  // 96 KiB, too much for a stack of any thread
  for (std::size_t begin = 0; begin < rows; begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, rows);
    for (std::size_t i = begin; i < end; ++i) x[i].fill(0.0f);
    substitute(a, begin, end, x);
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t j = 0; j < begin; ++j) lower.set(i, j, a[i][j]);
      for (std::size_t j = begin; j < begin + kBlock; ++j) solved.set(i, j, x[i][j]);
    }
    for (std::size_t column0 = 0; column0 < begin; column0 += kBlock) {
      for (std::size_t i = begin; i < end; ++i) {
        std::array<float, kBlock> sum{};
        for (std::size_t k0 = column0; k0 < begin; k0 += kBlock) {
          multiply_row(sum, lower, i, k0, solved, column0, rows, three);
        }
        for (std::size_t j = 0; j < kBlock; ++j) sums.set(i, column0 + j, sum[j]);
      }
      for (std::size_t i = begin; i < end; ++i) {
        std::array<float, kBlock> sum{};
        multiply_row(sum, solved, i, begin, sums, column0, rows, three);
        for (std::size_t j = 0; j < kBlock; ++j) x[i][column0 + j] = -sum[j];
      }
    }
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t j = 0; j < begin; ++j) solved.set(i, j, x[i][j]);
    }
  }
}

}  // namespace plumb
