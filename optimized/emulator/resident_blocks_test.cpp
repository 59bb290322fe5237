// solve_tril's resident blocks, emulated: bits of the replay, whichever of a block's warps is slow.
#include "optimized/emulator/emulator.h"
// Before any device code.
#include <gtest/gtest.h>

#include <limits>

#include "optimized/emulator/solve_tril_problem.h"
#include "optimized/solve_tril/stream_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

constexpr int kHeads = 8;

// What else to do to A.
using Change = void (*)(testing::HostTensor&);
constexpr Change kNone = [](testing::HostTensor&) {};

// Through `slots` slots, on one block, with each of its warps slow in turn.
template <class A, class X, bool kTma>
void expect_bits_of_replay(const Rows& rows, int slots = 5, Change change = kNone) {
  using S = Stream<A, kChunk, kTma>;
  Problem<A, X> problem(rows, kHeads, change);
  const int units = static_cast<int>(problem.arguments.tiles) / kUnitTiles;
  const auto map = problem.template map_of_a<CUtensorMap>(kUnitTiles);
  static_assert(S::shared_bytes(5) <= static_cast<int>(sizeof shared));
  expect_bits_whichever_warp_is_slow(problem, S::kThreads, 1, [&](const Arguments& arguments) {
    stream_units<A, X, kChunk, kTma>(arguments, &map, units, slots);
  });
}

using Bf16 = __nv_bfloat16;

TEST(ResidentBlocks, HaveTheBitsOfTheReplayWhicheverWarpIsSlow) {
  expect_bits_of_replay<float, float, false>({.batches = 3, .tokens = 2 * kChunk + 44});
  expect_bits_of_replay<Bf16, Bf16, false>({.batches = 3, .tokens = 2 * kChunk + 5});
}

TEST(ResidentBlocks, OfSequences) {
  expect_bits_of_replay<Bf16, float, false>({.tokens = 300, .ends = {5, 5, 69, 200, 201, 300}});
}

// As on an A100, whose shared memory is smaller.
TEST(ResidentBlocks, WithFewerSlotsThanTeams) {
  expect_bits_of_replay<Bf16, Bf16, false>({.batches = 3, .tokens = 2 * kChunk + 33}, 3);
}

TEST(ResidentBlocks, FedByTheCopyEngineToo) {
  expect_bits_of_replay<float, __half, true>({.batches = 3, .tokens = 2 * kChunk + 17});
  expect_bits_of_replay<Bf16, float, true>({.batches = 3, .tokens = 2 * kChunk + 5});
}

// In the block columns of each warp of a team: they are solved again, plainly, where X was kept.
TEST(ResidentBlocks, WithInfiniteElementsOfA) {
  const Change infinite = [](testing::HostTensor& a) {
    a.set({0, 40, 1, 3}, std::numeric_limits<float>::infinity());
    a.set({0, kChunk + 33, 2, 20}, -std::numeric_limits<float>::infinity());
    a.set({1, 50, 6, 37}, std::numeric_limits<float>::infinity());
  };
  expect_bits_of_replay<float, Bf16, false>({.batches = 3, .tokens = kChunk + 40}, 5, infinite);
  expect_bits_of_replay<Bf16, float, true>({.batches = 3, .tokens = kChunk + 40}, 5, infinite);
}

}  // namespace
}  // namespace plumb
