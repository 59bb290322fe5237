// A problem for solve_tril's emulated kernels: tensors, what the replay makes of them, and a kernel's arguments.
#pragma once

#include "optimized/emulator/emulator.h"
// Before any device code.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "optimized/solve_tril/arguments.h"
#include "reference/numeric/test_tensors.h"
#include "reference/solve_tril/reference.h"

namespace plumb::solve_tril {

template <class T>
constexpr plumb_dtype kDtype = PLUMB_F32;
template <>
constexpr plumb_dtype kDtype<__nv_bfloat16> = PLUMB_BF16;
template <>
constexpr plumb_dtype kDtype<__half> = PLUMB_F16;

constexpr int kChunk = 64;

alignas(1024) inline char shared[232448];  // what kernels call their dynamic shared memory

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

// Above the diagonal A is NaN.
template <class A, class X>
struct Problem {
  using Tensor = testing::HostTensor;
  Tensor a, x, expected, sequences;
  Arguments arguments{};

  // `change`: what else to do to A.
  template <class Change>
  Problem(const Rows& rows, int heads, const Change& change)
      : a(kDtype<A>, {rows.batches, rows.tokens, heads, kChunk}),
        x(kDtype<X>, {rows.batches, rows.tokens, heads, kChunk}),
        expected(x) {
    if (!rows.ends.empty()) {
      std::vector<std::int64_t> bounds = {0};
      bounds.insert(bounds.end(), rows.ends.begin(), rows.ends.end());
      sequences = Tensor::integers(PLUMB_I64, bounds);
    }
    testing::Random random(7);
    a.fill([&](std::int64_t n) {
      const std::int64_t column = n % kChunk, token = n / (kChunk * heads) % rows.tokens;
      return column < rows.in_chunk(token) ? 0.2 * random.normal() : double{testing::kNan};
    });
    change(a);
    solve_tril_replay(versioned<plumb_solve_tril_params>(), testing::views({&a, &expected, &sequences}));

    const int slots = static_cast<int>(rows.ends.empty() ? (rows.tokens + kChunk - 1) / kChunk
                                                         : rows.tokens / kChunk + std::ssize(rows.ends));
    arguments.a = a.view().data;
    arguments.x = x.view().data;
    arguments.a_stride = arguments.x_stride = {rows.tokens * heads * kChunk, heads * kChunk, kChunk};
    arguments.cu_seqlens = is_present(sequences.view()) ? sequences.view().data : nullptr;
    arguments.cu_seqlens_is_i64 = true;
    arguments.sequences = static_cast<std::uint32_t>(rows.ends.size());
    arguments.tokens = rows.tokens;
    arguments.tiles = static_cast<std::uint32_t>(rows.batches * slots * heads);
    arguments.slots = Divider(static_cast<std::uint32_t>(slots));
    arguments.heads = Divider(static_cast<std::uint32_t>(heads));
    arguments.head_count = static_cast<std::uint32_t>(heads);
  }
  Problem(const Rows& rows, int heads) : Problem(rows, heads, [](Tensor&) {}) {}

  void poison() {
    x.fill([](auto) { return -77; });
  }

  // A block of `heads` neighbouring heads is a box. Map: the emulated CUtensorMap.
  template <class Map>
  Map map_of_a(int heads) const {
    const auto& view = a.view();
    const int bytes = static_cast<int>(sizeof(A));
    Map map{.data = static_cast<const char*>(view.data),
            .box = {16, heads, 16, 1},
            .element_bytes = bytes,
            .swizzle_64 = sizeof(A) == 4};
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t axis = std::array{3, 2, 1, 0}[i];
      map.extent[i] = static_cast<int>(view.shape[axis]);
      map.stride[i] = view.stride[axis] * bytes;
    }
    return map;
  }

  // One NaN is as good as another.
  std::int64_t differing() const {
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < x.count(); ++i) {
      const bool both_nan = std::isnan(x.value(i)) && std::isnan(expected.value(i));
      count += !both_nan && x.bits(i) != expected.bits(i);
    }
    return count;
  }
};

// Runs a kernel's blocks one after another. Shared memory begins with finite numbers: others would be solved
// plainly, and what is read too early would not show.
template <class A, class X, class Kernel>
void run_blocks(Problem<A, X>& problem, int threads, unsigned blocks, int slow_warp, bool late_copies,
                const Kernel& kernel) {
  problem.poison();
  for (unsigned block = 0; block < blocks; ++block) {
    std::memset(shared, 0x3f, sizeof shared);
    emulator::run_block(threads, slow_warp, late_copies, [&] {
      emulator::block_index.x = block;
      kernel(problem.arguments);
    });
  }
}

// With copies late; then with copies at once, no warp slow and each of a block's warps in turn.
template <class A, class X, class Kernel>
void expect_bits_whichever_warp_is_slow(Problem<A, X>& problem, int threads, unsigned blocks, Kernel kernel) {
  run_blocks(problem, threads, blocks, -1, true, kernel);
  EXPECT_EQ(problem.differing(), 0) << "copies late";
  for (int slow_warp = -1; slow_warp < threads / 32; ++slow_warp) {
    run_blocks(problem, threads, blocks, slow_warp, false, kernel);
    EXPECT_EQ(problem.differing(), 0) << "warp " << slow_warp << " slow";
  }
}

}  // namespace plumb::solve_tril
