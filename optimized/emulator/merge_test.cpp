// solve_tril's merges, emulated: near the ieee replay. Tensor cores' own order of sums is not emulated, so bits are
// not compared.
#include "optimized/emulator/emulator.h"
// Before any device code.
#undef __shared__
#define __shared__ static  // there is one block at a time
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "optimized/emulator/solve_tril_problem.h"
#include "optimized/solve_tril/merge_kernel.cuh"

namespace plumb {
namespace {

using namespace solve_tril;

// The greatest error, where the greatest element is 1; NaN if an element is.
template <class A, class X>
double error_of(const Problem<A, X>& problem) {
  double error = 0, greatest = 0;
  for (std::int64_t i = 0; i < problem.x.count(); ++i) {
    const double expected = problem.expected.value(i);
    const double own = std::abs(problem.x.value(i) - expected);
    if (std::isnan(own)) return own;
    error = std::max(error, own);
    greatest = std::max(greatest, std::abs(expected));
  }
  return error / greatest;
}

template <class A, class X, int kProducts>
void expect_near(Problem<A, X> problem, double most) {
  run_blocks(problem, 32, problem.arguments.tiles, -1, false, merge::merge_kernel<A, X, kChunk, kProducts>);
  EXPECT_LT(error_of(problem), most);
}

using Bf16 = __nv_bfloat16;

TEST(Merge, IsNearTheReplay) {
  expect_near<float, float, 3>({{.tokens = 2 * kChunk + 37}, 2}, 1e-6);
  expect_near<float, float, 1>({{.tokens = kChunk + 5}, 2}, 2e-3);
  expect_near<Bf16, float, 3>({{.tokens = 2 * kChunk + 37}, 2}, 1e-6);
  expect_near<Bf16, Bf16, 3>({{.tokens = kChunk + 50}, 2}, 1e-2);
}

TEST(Merge, OfSequences) {
  expect_near<float, float, 3>({{.tokens = 220, .ends = {5, 5, 69, 200, 201, 220}}, 2}, 1e-6);
}

}  // namespace
}  // namespace plumb
