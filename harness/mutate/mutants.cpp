// The table of faults: what each is, which bug of this field it repeats, and where it is tried.
#include "harness/mutate/mutants.h"

#include <initializer_list>

namespace plumb {
namespace {

constexpr const char *kNorm = "rms_norm", *kRope = "rope", *kQk = "qk_norm_rope", *kTril = "solve_tril";
constexpr unsigned kBoth = kOnHost | kOnCuda, kChoice = kOnPolicy | kOnCuda;

struct Row {
  Fault fault;
  const char* name;
  int catalogue;
  unsigned on;
  std::initializer_list<const char*> operators;
  const char* what;
  const char* equivalent = "";
  const char* needs = "";
};

const Row kRows[] = {
    {Fault::kSumInBf16, "sum_in_bf16", 21, kBoth, {kNorm, kQk}, "the sums of leaves are rounded to bf16"},
    {Fault::kSumOfNeighbours, "sum_of_neighbours", 0, kBoth, {kNorm, kQk}, "the tree adds neighbours first"},
    {Fault::kSumAscending, "sum_ascending", 0, kOnHost, {kNorm, kQk}, "leaves are added one after the other"},
    {Fault::kLeafUnfused, "leaf_unfused", 0, kBoth, {kNorm, kQk}, "squares are rounded before they are added"},
    {Fault::kLastElementLeftOut, "last_element_left_out", 0, kBoth, {kNorm, kQk}, "the sum ends one element early"},
    {Fault::kTailLeafLeftOut, "tail_leaf_left_out", 0, kBoth, {kNorm}, "the sum ends with the last whole leaf"},
    {Fault::kOtherOrderAboveThreshold,
     "other_order_above_threshold",
     13,
     kBoth,
     {kNorm},
     "rows of more than 4,096 elements are summed in another order"},
    {Fault::kEpsOutsideRoot, "eps_outside_root", 23, kBoth, {kNorm, kQk}, "eps is added to the root"},
    {Fault::kEpsOnSum, "eps_on_sum", 23, kBoth, {kNorm, kQk}, "eps is added to the sum, not to the mean"},
    {Fault::kMeanByDivision,
     "mean_by_division",
     0,
     kBoth,
     {kNorm},
     "the mean by a division, not by the reciprocal"},
    {Fault::kInverseInDouble, "inverse_in_double", 0, kOnHost, {kNorm, kQk}, "1 / sqrt is rounded once, not twice"},
    {Fault::kWeightFirst, "weight_first", 0, kBoth, {kNorm}, "x * weight before the product with 1 / rms"},
    {Fault::kGemmaInBf16, "gemma_in_bf16", 20, kBoth, {kNorm}, "1 + weight is rounded to the model's type"},
    {Fault::kWeightBeforeRounding,
     "weight_before_rounding",
     24,
     kBoth,
     {kNorm},
     "rounding before_weight rounds after the weight"},
    {Fault::kWeightShifted, "weight_shifted", 0, kOnHost, {kNorm}, "every element gets its neighbour's weight"},
    {Fault::kNormOfUnroundedSum,
     "norm_of_unrounded_sum",
     0,
     kBoth,
     {kNorm},
     "the norm is taken of x + residual before its rounding"},
    {Fault::kQWeightForK, "q_weight_for_k", 40, kBoth, {kQk}, "k heads get q's weight"},
    {Fault::kQWeightForBoundaryHead,
     "q_weight_for_boundary_head",
     40,
     kBoth,
     {kQk},
     "the first k head gets q's weight"},
    {Fault::kXorPairs,
     "xor_pairs",
     2,
     kBoth,
     {kRope, kQk},
     "pairs meet by xor, though half the rotary part is no power of 2"},
    {Fault::kRotateAll,
     "rotate_all",
     8,
     kBoth,
     {kRope, kQk},
     "rotary_dim is not passed on: every dimension is rotated"},
    {Fault::kLastPairLeftOut,
     "last_pair_left_out",
     0,
     kOnHost,
     {kRope, kQk},
     "an odd tail of pairs is left unrotated"},
    {Fault::kCacheTwiceTooWide,
     "cache_twice_too_wide",
     9,
     kBoth,
     {kRope, kQk},
     "interleaved: the cosines are read with twice the step"},
    {Fault::kSineFromPadded,
     "sine_from_padded",
     10,
     kBoth,
     {kRope, kQk},
     "the sines begin at the half's power of two, not at the half"},
    {Fault::kProductsUnfused, "products_unfused", 0, kBoth, {kRope, kQk}, "both products of y1 are rounded"},
    {Fault::kOtherProductFused, "other_product_fused", 0, kBoth, {kRope, kQk}, "y1 rounds its other product"},
    {Fault::kSignOfSine, "sign_of_sine", 0, kBoth, {kRope, kQk}, "heads turn the other way"},
    {Fault::kPositionIn32BitFloat, "position_in_fp32", 0, kBoth, {kRope, kQk}, "positions go through a float"},
    {Fault::kPositionIn32Bits, "position_in_32_bits", 0, kBoth, {kRope, kQk}, "positions are cut to 32 bits"},
    {Fault::kPositionPastCache,
     "position_past_cache",
     12,
     kBoth,
     {kRope, kQk},
     "a position past the cache is looked up"},
    {Fault::kPaddingUsed, "padding_used", 39, kBoth, {kRope, kQk}, "a padded token is rotated as position 0"},
    {Fault::kUpperLeftUnwritten,
     "upper_left_unwritten",
     11,
     kBoth,
     {kTril},
     "zeros right of the diagonal are not written"},
    {Fault::kAboveDiagonalAt32,
     "above_diagonal_at_32",
     27,
     kBoth,
     {kTril},
     "BT 32 lets through what stands above the diagonal"},
    {Fault::kTailUnmasked,
     "tail_unmasked",
     28,
     kBoth,
     {kTril},
     "a tail's unused column is multiplied by 0, not masked"},
    {Fault::kTailStoredWhole, "tail_stored_whole", 29, kBoth, {kTril}, "a tail is stored with all BT rows"},
    {Fault::kChunkOf64, "chunk_of_64", 35, kBoth, {kTril}, "chunks are 64 rows apart whatever BT is"},
    {Fault::kStopAtEmptySequence, "stop_at_empty_sequence", 34, kBoth, {kTril}, "an empty sequence ends the batch"},
    {Fault::kMissingTerm, "missing_term", 38, kBoth, {kTril}, "X31 lacks the term A32 X21"},
    {Fault::kSolveInHalf, "solve_in_half", 37, kBoth, {kTril}, "the inverse is kept in half precision"},
    {Fault::kSolveDescending, "solve_descending", 0, kOnHost, {kTril}, "chains run over descending k"},
    {Fault::kTruncate, "truncate", 22, kBoth, {kNorm, kRope, kQk, kTril}, "bf16 results are truncated"},
    {Fault::kTiesAway, "ties_away", 0, kBoth, {kNorm, kRope, kQk, kTril}, "bf16 results round ties away from zero"},
    {Fault::kHalfReadAsBf16,
     "half_read_as_bf16",
     41,
     kBoth,
     {kNorm, kRope, kQk, kTril},
     "the process's first 16-bit type is kept for all later calls"},
    {Fault::kTailIntoNextRow, "tail_into_next_row", 17, kBoth, {kNorm}, "a row is stored in whole leaves of 8"},
    {Fault::kRowStrideDropped,
     "row_stride_dropped",
     16,
     kBoth,
     {kNorm},
     "rows of y are hidden apart whatever the stride"},
    {Fault::kEveryOtherRunDiffers,
     "every_other_run_differs",
     36,
     kBoth,
     {kNorm, kRope, kQk, kTril},
     "every second run rounds otherwise"},
    {Fault::kEveryOtherRunDoesNothing,
     "every_other_run_does_nothing",
     42,
     kBoth,
     {kNorm, kRope, kQk, kTril},
     "every second launch does nothing and says that it ran"},
};

std::vector<Mutant> expanded() {
  std::vector<Mutant> mutants;
  for (const Row& row : kRows) {
    for (const char* operator_name : row.operators) {
      mutants.push_back({std::string(operator_name) + "." + row.name, row.name, operator_name, row.catalogue,
                         row.fault, row.on, row.what, row.equivalent, row.needs});
    }
  }
  return mutants;
}

}  // namespace

const std::vector<Mutant>& all_mutants() {
  static const std::vector<Mutant> mutants = expanded();
  return mutants;
}

const std::vector<LeftOut>& left_out() {
  static const std::vector<LeftOut> list = {};
  return list;
}

}  // namespace plumb
