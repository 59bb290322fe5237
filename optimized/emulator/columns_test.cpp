// solve_tril by columns, emulated: bits of the replay, whichever of a block's warps is slow.
#include "optimized/emulator/emulator.h"
// Before any device code.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "optimized/emulator/solve_tril_problem.h"
#include "optimized/solve_tril/columns_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

template <int kTiles, class A, class X, class Kernel>
void expect_bits_of_replay_by(Kernel kernel, Problem<A, X>& problem) {
  expect_bits_whichever_warp_is_slow(problem, 32 * kColumnWarps<kChunk>,
                                     (problem.arguments.tiles + kTiles - 1) / kTiles, kernel);
}

template <class A, class X, int kTiles, int kResident = kColumnsResident<kChunk, kTiles>>
void expect_bits_of_replay(Problem<A, X> problem) {
  expect_bits_of_replay_by<kTiles>(columns_kernel<A, X, kChunk, kTiles, kResident>, problem);
}

template <class A, class X, int kTiles, int kResident = kColumnsResident<kChunk, kTiles>>
void expect_bits_of_replay_by_boxes(Problem<A, X> problem) {
  const auto map = problem.template map_of_a<CUtensorMap>(kTiles);
  expect_bits_of_replay_by<kTiles>(
      [&](const Arguments& arguments) { columns_tma_kernel<A, X, kChunk, kTiles, kResident>(arguments, map); },
      problem);
}

using Bf16 = __nv_bfloat16;

TEST(Columns, HaveTheBitsOfTheReplayWhicheverWarpIsSlow) {
  expect_bits_of_replay<float, float, 4>({{.tokens = 2 * kChunk + 44}, 4});
  expect_bits_of_replay<float, Bf16, 4>({{.tokens = 2 * kChunk + 37}, 4});
  expect_bits_of_replay<float, Bf16, 4, 5>({{.tokens = 2 * kChunk + 37}, 4});
  expect_bits_of_replay<Bf16, Bf16, 4>({{.tokens = 2 * kChunk + 5}, 4});
  expect_bits_of_replay<Bf16, float, 2>({{.tokens = kChunk + 50}, 4});
}

// Where A is NaN above the diagonal, what is read too early may be NaN as well: then the tile is solved again,
// plainly, and nothing shows.
TEST(Columns, PassBlocksOnInTime) {
  const auto finite = [](testing::HostTensor& a) {
    a.fill([&](std::int64_t n) { return std::isnan(a.value(n)) ? 3.0 : a.value(n); });
  };
  expect_bits_of_replay<float, float, 4>({{.tokens = kChunk}, 4, finite});
  expect_bits_of_replay<Bf16, float, 2>({{.tokens = kChunk}, 4, finite});
  expect_bits_of_replay<float, Bf16, 4, 5>({{.tokens = kChunk}, 4, finite});
  expect_bits_of_replay_by_boxes<float, Bf16, 4>({{.tokens = kChunk}, 4, finite});
  expect_bits_of_replay_by_boxes<Bf16, float, 2>({{.tokens = kChunk}, 4, finite});
}

TEST(Columns, FedByTheCopyEngineToo) {
  expect_bits_of_replay_by_boxes<float, Bf16, 4>({{.tokens = 2 * kChunk + 20}, 4});
  expect_bits_of_replay_by_boxes<float, Bf16, 4, 5>({{.tokens = 2 * kChunk + 20}, 4});
  expect_bits_of_replay_by_boxes<Bf16, float, 2>({{.tokens = kChunk + 50}, 4});
}

TEST(Columns, OfSequences) {
  expect_bits_of_replay<float, Bf16, 4, 5>({{.tokens = 220, .ends = {5, 5, 69, 200, 201, 220}}, 4});
  expect_bits_of_replay<float, Bf16, 4>({{.tokens = 220, .ends = {5, 5, 69, 200, 201, 220}}, 4});
  expect_bits_of_replay<Bf16, float, 4>({{.tokens = 220, .ends = {5, 5, 69, 200, 201, 220}}, 4});
}

// Tiles of neighbouring tokens side by side: heads are fewer than a block's tiles.
TEST(Columns, OfOneHead) { expect_bits_of_replay<Bf16, Bf16, 4>({{.batches = 2, .tokens = kChunk + 9}, 1}); }

TEST(Columns, WithInfiniteElementsOfA) {
  const auto infinite = [](testing::HostTensor& a) {
    a.set({0, 20, 0, 3}, std::numeric_limits<float>::infinity());
    a.set({0, kChunk + 50, 2, 40}, -std::numeric_limits<float>::infinity());
  };
  expect_bits_of_replay<float, float, 4>({{.tokens = kChunk + 60}, 4, infinite});
  expect_bits_of_replay<float, Bf16, 4>({{.tokens = kChunk + 60}, 4, infinite});
  expect_bits_of_replay_by_boxes<Bf16, Bf16, 4>({{.tokens = kChunk + 60}, 4, infinite});
}

}  // namespace
}  // namespace plumb
