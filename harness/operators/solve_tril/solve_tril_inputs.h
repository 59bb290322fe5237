// Triangular systems as gated delta nets make them, and sequences of awkward lengths.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/cases/problem.h"
#include "harness/cases/random.h"

namespace plumb {

// The words of the axis `keys`: correlation of the L2-normalised keys, or identical keys, or independent entries
// scaled to an absolute row sum of 40.
enum class Keys { kCorrelation0, kCorrelation03, kCorrelation06, kIdentical, kRowSum40 };
inline const std::vector<std::string> kKeyWords = {"corr0", "corr03", "corr06", "identical", "rowsum40"};

// The words of the axis `decay`: g falls by this per step, A[i][j] carries exp(g_i - g_j).
inline const std::vector<std::string> kDecayWords = {"none", "weak", "strong"};  // 0, -0.1, -2

// The words of the axis `garbage`: what stands on and above the diagonal and in a tail's unused columns.
enum class Garbage { kNan, kZero, kHuge };
inline const std::vector<std::string> kGarbageWords = {"nan", "zero", "huge"};

struct SystemStyle {
  Keys keys;
  int decay;
  bool beta_near_2;
  Garbage garbage;
  bool special;  // one NaN and one Inf strictly below the diagonal of the second tile
};

// The words of the axis `seqs`: one dense batch, or how cu_seqlens cuts T: into one sequence, mixed lengths, some
// empty, lengths of 1 to 3, triples, and mixed lengths behind 100,000 empty sequences.
enum class Sequences { kDense, kOne, kMixed, kEmpties, kSingles, kTriples, kHollow };
inline const std::vector<std::string> kSequenceWords = {"dense",   "one",     "mixed", "empties",
                                                        "singles", "triples", "hollow"};

// Cumulative lengths from 0 to tokens; empty for dense.
std::vector<std::int64_t> cumulative_lengths(Sequences sequences, std::int64_t tokens, std::int64_t chunk,
                                             const RandomStream& random);

// Fills A[B, T, H, BT], A = tril(beta K K^T * decay, -1) per chunk.
void fill_systems(HostTensor& a, const std::vector<std::int64_t>& cumulative, const SystemStyle& style,
                  const RandomStream& random);

}  // namespace plumb
