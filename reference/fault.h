// Named faults: bugs that a library built with PLUMBLINE_FAULTS can be asked for, so that checks can be seen to
// catch them. Everywhere else fault() is the constant false, and what stands behind it vanishes from the object
// code.
//
// One line of code per fault point: `if (fault(Fault::kTruncate)) ...`. What each fault is, which published bug it
// repeats and which operator it is tried on stands in harness/mutate/mutants.cpp. Device code asks device_fault().
#pragma once

#if defined(PLUMBLINE_FAULTS)
#include <cstdlib>
#endif

namespace plumb {

// New faults go to the end of their group; the numbers are never stored.
enum class Fault : int {
  kNone,
  // norms: the sum of squares, eps, the weight
  kSumInBf16,
  kSumOfNeighbours,
  kSumAscending,
  kLeafUnfused,
  kLastElementLeftOut,
  kTailLeafLeftOut,
  kOtherOrderAboveThreshold,
  kEpsOutsideRoot,
  kEpsOnSum,
  kMeanByDivision,
  kInverseInDouble,
  kWeightFirst,
  kGemmaInBf16,
  kWeightBeforeRounding,
  kWeightShifted,
  kNormOfUnroundedSum,
  kQWeightForK,
  kQWeightForBoundaryHead,
  // rotation
  kXorPairs,
  kRotateAll,
  kLastPairLeftOut,
  kCacheTwiceTooWide,
  kSineFromPadded,
  kProductsUnfused,
  kOtherProductFused,
  kSignOfSine,
  kPositionIn32BitFloat,
  kPositionIn32Bits,
  kPositionPastCache,
  kPaddingUsed,
  // the triangular solve
  kUpperLeftUnwritten,
  kAboveDiagonalAt32,
  kTailUnmasked,
  kTailStoredWhole,
  kChunkOf64,
  kStopAtEmptySequence,
  kMissingTerm,
  kSolveInHalf,
  kSolveDescending,
  // writing
  kTruncate,
  kTiesAway,
  kHalfReadAsBf16,
  kTailIntoNextRow,
  kRowStrideDropped,
  kEveryOtherRunDiffers,
  kEveryOtherRunDoesNothing,
  // kernels alone: threads, shared memory, copies
  kShuffleUnderMask,
  kCopyPastRow,
  kNoWarpBarrierAfterCopy,
  kIndexIn32Bits,
  kReloadAfterStore,
  kSharedMisaligned,
  kNoBlockBarrier,
  kStaleUnit,
  kReadsBeforeDependency,
  // launching
  kNoSharedOptIn,
  kDefaultStream,
  kDeviceZero,
  kGridInY,
  // choosing a variant
  kCacheAlignmentUntested,
  kOutputAlignmentUntested,
  kInputAlignmentUntested,
  kTmaThoughOff,
  kNoTmaThoughOn,
  kTmaWithoutOptIn,
  kNoTmaInSpiteOfOptIn,
  kTmaBeforeSm90,
  kHeadsPerWarpIgnored,
  kHeadDimUntested,
};

#if defined(PLUMBLINE_FAULTS)
// The number of a fault, from the environment variable PLUMBLINE_FAULT, read when the library is loaded.
inline const int selected_fault = [] {
  const char* const number = std::getenv("PLUMBLINE_FAULT");
  return number != nullptr ? std::atoi(number) : 0;
}();
inline bool fault(Fault which) { return selected_fault == static_cast<int>(which); }
#else
constexpr bool fault(Fault) { return false; }
#endif

}  // namespace plumb
