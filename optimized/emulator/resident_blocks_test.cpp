// solve_tril's resident blocks, emulated: bits of the replay, whichever of a block's warps is slow.
#include "optimized/emulator/emulator.h"
// Before any device code.
#include <gtest/gtest.h>

#include "optimized/solve_tril/stream_kernel.cuh"
#include "reference/numeric/test_tensors.h"
#include "reference/solve_tril/reference.h"

namespace plumb {
namespace solve_tril {
alignas(1024) char shared[232448];  // what the kernel calls its dynamic shared memory
}  // namespace solve_tril

namespace {

using namespace solve_tril;
using testing::HostTensor;

template <class T>
constexpr plumb_dtype kDtype = PLUMB_F32;
template <>
constexpr plumb_dtype kDtype<__nv_bfloat16> = PLUMB_BF16;
template <>
constexpr plumb_dtype kDtype<__half> = PLUMB_F16;

// Three batches of three chunks of 8 heads are 18 units, on one block; each third chunk is a tail
// of `rows` rows.
template <class A, class X, bool kTma>
void expect_bits_of_replay(int rows, int slots = 5) {
  constexpr int kChunk = 64, kBatches = 3, kChunks = 3, kHeads = 8;
  using S = Stream<A, kChunk, kTma>;
  const std::int64_t tokens = (kChunks - 1) * kChunk + rows;
  HostTensor a(kDtype<A>, {kBatches, tokens, kHeads, kChunk}), x(kDtype<X>, {kBatches, tokens, kHeads, kChunk}),
      expected = x;
  testing::Random random(7);
  a.fill([&](std::int64_t n) {
    const std::int64_t column = n % kChunk, row = n / (kChunk * kHeads) % tokens % kChunk;
    return column < row ? 0.2 * random.normal() : double{testing::kNan};
  });
  const auto params = versioned<plumb_solve_tril_params>();
  const HostTensor dense;
  solve_tril_replay(params, testing::views({&a, &expected, &dense}));

  Arguments arguments{};
  arguments.a = a.view().data;
  arguments.x = x.view().data;
  arguments.a_stride = arguments.x_stride = {tokens * kHeads * kChunk, kHeads * kChunk, kChunk};
  arguments.tokens = tokens;
  arguments.tiles = kBatches * kChunks * kHeads;
  arguments.slots = Divider(kChunks);
  arguments.heads = Divider(kHeads);
  arguments.head_count = kHeads;
  const int bytes = static_cast<int>(sizeof(A));
  const CUtensorMap map{
      .data = static_cast<const char*>(a.view().data),
      .extent = {kChunk, kHeads, static_cast<int>(tokens), kBatches},
      .box = {S::C::kBlock, kUnitTiles, S::C::kBlock, 1},
      .stride = {bytes, kChunk * bytes, kHeads * kChunk * bytes, tokens * kHeads * kChunk * bytes},
      .element_bytes = bytes,
      .swizzle_64 = sizeof(A) == 4};
  static_assert(S::shared_bytes(5) <= static_cast<int>(sizeof shared));
  for (int slow_warp = -1; slow_warp < S::kThreads / 32; ++slow_warp) {
    x.fill([](auto) { return -77; });
    emulator::run_block(0, 1, S::kThreads, slow_warp, [&] {
      stream_units<A, X, kChunk, kTma>(arguments, &map, kBatches * kChunks * kHeads / kUnitTiles, slots);
    });
    EXPECT_TRUE(x.bytes() == expected.bytes()) << "warp " << slow_warp << " slow";
  }
}

TEST(ResidentBlocks, HaveTheBitsOfTheReplayWhicheverWarpIsSlow) {
  expect_bits_of_replay<float, float, false>(44);
  expect_bits_of_replay<__nv_bfloat16, __nv_bfloat16, false>(5);
}

// As on an A100, whose shared memory is smaller.
TEST(ResidentBlocks, WithFewerSlotsThanTeams) { expect_bits_of_replay<__nv_bfloat16, __nv_bfloat16, false>(33, 3); }

TEST(ResidentBlocks, FedByTheCopyEngineToo) {
  expect_bits_of_replay<float, __half, true>(17);
  expect_bits_of_replay<__nv_bfloat16, float, true>(5);
}

}  // namespace
}  // namespace plumb
