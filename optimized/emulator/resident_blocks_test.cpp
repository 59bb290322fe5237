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

constexpr int kChunk = 64, kHeads = 8;

// Batches of as many tokens, or sequences that end at `ends` (the first begins at 0).
struct Rows {
  int batches = 1;
  std::int64_t tokens = 0;
  std::vector<std::int64_t> ends = {};

  std::int64_t in_chunk(std::int64_t token) const {
    std::int64_t begin = 0;
    for (const std::int64_t end : ends) begin = end <= token ? end : begin;
    return (token - begin) % kChunk;
  }
};

// Through `slots` slots, on one block, with each of its warps slow in turn. Above the diagonal A is NaN.
template <class A, class X, bool kTma>
void expect_bits_of_replay(const Rows& rows, int slots = 5) {
  using S = Stream<A, kChunk, kTma>;
  const std::int64_t tokens = rows.tokens;
  HostTensor a(kDtype<A>, {rows.batches, tokens, kHeads, kChunk});
  HostTensor x(kDtype<X>, {rows.batches, tokens, kHeads, kChunk}), expected = x, sequences;
  if (!rows.ends.empty()) {
    std::vector<std::int64_t> bounds = {0};
    bounds.insert(bounds.end(), rows.ends.begin(), rows.ends.end());
    sequences = HostTensor::integers(PLUMB_I64, bounds);
  }
  testing::Random random(7);
  a.fill([&](std::int64_t n) {
    const std::int64_t column = n % kChunk, token = n / (kChunk * kHeads) % tokens;
    return column < rows.in_chunk(token) ? 0.2 * random.normal() : double{testing::kNan};
  });
  solve_tril_replay(versioned<plumb_solve_tril_params>(), testing::views({&a, &expected, &sequences}));

  const int batch_slots = static_cast<int>(rows.ends.empty() ? (tokens + kChunk - 1) / kChunk
                                                             : tokens / kChunk + std::ssize(rows.ends));
  Arguments arguments{};
  arguments.a = a.view().data;
  arguments.x = x.view().data;
  arguments.a_stride = arguments.x_stride = {tokens * kHeads * kChunk, kHeads * kChunk, kChunk};
  arguments.cu_seqlens = is_present(sequences.view()) ? sequences.view().data : nullptr;
  arguments.cu_seqlens_is_i64 = true;
  arguments.sequences = static_cast<std::uint32_t>(rows.ends.size());
  arguments.tokens = tokens;
  arguments.tiles = static_cast<std::uint32_t>(rows.batches * batch_slots * kHeads);
  arguments.slots = Divider(static_cast<std::uint32_t>(batch_slots));
  arguments.heads = Divider(kHeads);
  arguments.head_count = kHeads;
  const int bytes = static_cast<int>(sizeof(A)), units = static_cast<int>(arguments.tiles) / kUnitTiles;
  const CUtensorMap map{
      .data = static_cast<const char*>(a.view().data),
      .extent = {kChunk, kHeads, static_cast<int>(tokens), rows.batches},
      .box = {S::C::kBlock, kUnitTiles, S::C::kBlock, 1},
      .stride = {bytes, kChunk * bytes, kHeads * kChunk * bytes, tokens * kHeads * kChunk * bytes},
      .element_bytes = bytes,
      .swizzle_64 = sizeof(A) == 4};
  static_assert(S::shared_bytes(5) <= static_cast<int>(sizeof shared));
  for (int slow_warp = -1; slow_warp < S::kThreads / 32; ++slow_warp) {
    x.fill([](auto) { return -77; });
    emulator::run_block(S::kThreads, slow_warp,
                        [&] { stream_units<A, X, kChunk, kTma>(arguments, &map, units, slots); });
    EXPECT_TRUE(x.bytes() == expected.bytes()) << "warp " << slow_warp << " slow";
  }
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

}  // namespace
}  // namespace plumb
