// rope in float64, and the bound that every honest fp32 result keeps.
#include <vector>

#include "reference/numeric/parallel.h"
#include "reference/numeric/tensor.h"
#include "reference/rope/reference.h"
#include "reference/rope/rotation.h"

namespace plumb {
namespace {

Expectation expect_heads(const plumb_rope_params& params, const plumb_tensor& x, const plumb_tensor& positions,
                         const plumb_tensor& cache) {
  Expectation expected(element_count(x));
  if (!is_present(x)) return expected;
  const Grid grid(dtype_of(x));
  const std::int64_t tokens = x.shape[0], heads = x.shape[1], head_dim = x.shape[2];
  const auto rotary_dim = static_cast<std::size_t>(params.rotary_dim);

  parallel_for(tokens, grain_for(heads * head_dim), [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> values(static_cast<std::size_t>(head_dim)), cos_sin(rotary_dim);
    std::vector<double> head(rotary_dim);
    for (std::int64_t token = begin; token < end; ++token) {
      const std::byte* row = cos_sin_of(positions, cache, token);
      if (row) load_row(row, dtype_of(cache), cache.stride[1], cos_sin);
      const std::size_t rotated = row ? rotary_dim : 0;
      for (std::int64_t h = 0; h < heads; ++h) {
        const auto at = static_cast<std::size_t>((token * heads + h) * head_dim);
        load_row(address(x, {token, h, 0}), dtype_of(x), x.stride[2], values);
        expect_kept(expected, at + rotated, std::span(values).subspan(rotated));
        if (!row) continue;
        std::copy_n(values.begin(), rotary_dim, head.begin());
        expect_rotated(expected, at, head, cos_sin, params.style, {}, grid);
      }
    }
  });
  return expected;
}

}  // namespace

std::vector<Expectation> rope_oracle(const plumb_rope_params& params, std::span<const plumb_tensor> tensors) {
  const plumb_tensor &positions = tensors[PLUMB_ROPE_POSITIONS], &cache = tensors[PLUMB_ROPE_COS_SIN_CACHE];
  return {expect_heads(params, tensors[PLUMB_ROPE_Q], positions, cache),
          expect_heads(params, tensors[PLUMB_ROPE_K], positions, cache)};
}

}  // namespace plumb
