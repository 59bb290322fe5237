// One tile of solve_tril in fp32 and the two ways to solve it.
#pragma once

#include <array>
#include <cstddef>

namespace plumb {

inline constexpr std::size_t kMaxChunk = 64;
using Tile = std::array<std::array<float, kMaxChunk>, kMaxChunk>;

// Rows begin .. end - 1 of X in the columns from begin on, in the canonical order: X[i][j] = one chain
// acc = fmaf(-A[i][k], X[k][j], acc) from +0 over ascending k = j .. i-1.
void substitute(const Tile& a, std::size_t begin, std::size_t end, Tile& x);

// X as the tensor cores make it, but for the order in which these add: 16 x 16 diagonal blocks by substitution,
// then block row by block row X[i][j] = -X[i][i] (A[i][j] X[j][j] + ... + A[i][i-1] X[i-1][j]), where the factors
// of each product are rounded to tf32 (nearest, ties away). `three`: each product as low * high + high * low + high
// * high, low being what the rounding left, itself rounded. Sums are fp32, one fused step for each of these terms,
// k ascending.
void merge_in_tf32(const Tile& a, std::size_t rows, bool three, Tile& x);

}  // namespace plumb
