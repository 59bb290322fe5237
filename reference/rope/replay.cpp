// rope in fp32 in the canonical order: the bits of every canonical kernel.
#include <vector>

#include "reference/fault.h"
#include "reference/numeric/parallel.h"
#include "reference/numeric/tensor.h"
#include "reference/rope/reference.h"
#include "reference/rope/rotation.h"

namespace plumb {
namespace {

void rotate_heads(const plumb_rope_params& params, const plumb_tensor& x, const plumb_tensor& positions,
                  const plumb_tensor& cache) {
  if (!is_present(x)) return;
  const std::int64_t tokens = x.shape[0], heads = x.shape[1];
  const auto rotary_dim = static_cast<std::size_t>(fault(Fault::kRotateAll) ? x.shape[2] : params.rotary_dim);

  parallel_for(tokens, grain_for(heads * params.rotary_dim), [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> values(rotary_dim), cos_sin(rotary_dim);
    for (std::int64_t token = begin; token < end; ++token) {
      const std::byte* row = cos_sin_of(positions, cache, token);
      if (!row) continue;
      load_row(row, dtype_of(cache), cache.stride[1], cos_sin);
      for (std::int64_t h = 0; h < heads; ++h) {
        std::byte* head = address(x, {token, h, 0});
        load_row(head, dtype_of(x), x.stride[2], values);
        rotate(values, cos_sin, params.style);
        store_row(head, dtype_of(x), x.stride[2], values);
      }
    }
  });
}

}  // namespace

void rope_replay(const plumb_rope_params& params, std::span<const plumb_tensor> tensors) {
  const plumb_tensor &positions = tensors[PLUMB_ROPE_POSITIONS], &cache = tensors[PLUMB_ROPE_COS_SIN_CACHE];
  rotate_heads(params, tensors[PLUMB_ROPE_Q], positions, cache);
  rotate_heads(params, tensors[PLUMB_ROPE_K], positions, cache);
}

}  // namespace plumb
