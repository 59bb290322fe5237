// solve_tril's vec16_split, emulated: bits of the replay, whichever of a block's warps is slow.
#include "optimized/emulator/emulator.h"
// Before any device code.
#undef __shared__
#define __shared__ static  // there is one block at a time
#include <gtest/gtest.h>

#include "optimized/emulator/solve_tril_problem.h"
#include "optimized/solve_tril/split_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

constexpr int kHeads = 1;

template <class A, class X, int kPerSm>
void expect_bits_of_replay(Problem<A, X> problem) {
  expect_bits_whichever_warp_is_slow(problem, BlockOfX<A, X, kChunk, kPerSm>::kThreads, problem.arguments.tiles,
                                     split_kernel<A, X, kChunk, kPerSm>);
}

using Bf16 = __nv_bfloat16;

TEST(SplitTile, HasTheBitsOfTheReplayWhicheverWarpIsSlow) {
  for (const int tail : {5, 40}) {
    expect_bits_of_replay<float, float, 1>({{.tokens = kChunk + tail}, kHeads});
    expect_bits_of_replay<Bf16, Bf16, 2>({{.tokens = kChunk + tail}, kHeads});
  }
}

TEST(SplitTile, OfSequences) {
  expect_bits_of_replay<Bf16, float, 1>({{.tokens = 220, .ends = {5, 5, 69, 200, 201, 220}}, kHeads});
}

TEST(SplitTile, WithAnInfiniteElementOfA) {
  const auto infinite = [](testing::HostTensor& a) {
    a.set({0, 20, 0, 3}, std::numeric_limits<float>::infinity());
    a.set({0, kChunk + 9, 0, 8}, -std::numeric_limits<float>::infinity());
  };
  expect_bits_of_replay<float, float, 1>({{.tokens = kChunk + 10}, kHeads, infinite});
  expect_bits_of_replay<float, Bf16, 2>({{.tokens = kChunk + 10}, kHeads, infinite});
}

}  // namespace
}  // namespace plumb
