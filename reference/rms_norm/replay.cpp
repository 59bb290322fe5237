// rms_norm in fp32 in the canonical order: the bits of every canonical kernel.
#include <algorithm>
#include <functional>
#include <vector>

#include "reference/fault.h"
#include "reference/numeric/canonical_sum.h"
#include "reference/numeric/parallel.h"
#include "reference/numeric/tensor.h"
#include "reference/rms_norm/reference.h"

namespace plumb {

void rms_norm_replay(const plumb_rms_norm_params& params, std::span<const plumb_tensor> tensors) {
  const plumb_tensor &x = tensors[PLUMB_RMS_NORM_X], &weight = tensors[PLUMB_RMS_NORM_WEIGHT];
  const plumb_tensor& residual = tensors[PLUMB_RMS_NORM_RESIDUAL];
  plumb_tensor y = tensors[PLUMB_RMS_NORM_Y];
  const auto dtype = dtype_of(x);
  const std::int64_t rows = x.shape[0], hidden = x.shape[1];
  const auto length = static_cast<std::size_t>(hidden);

  std::vector<float> w(length);
  load_row(address(weight, {0}), dtype_of(weight), weight.stride[0], w);
  for (float& value : w) value += params.weight_offset;
  if (fault(Fault::kGemmaInBf16)) round_row(dtype, w);
  if (fault(Fault::kWeightShifted)) std::rotate(w.begin(), w.begin() + 1, w.end());
  if (fault(Fault::kRowStrideDropped)) y.stride[0] = hidden;

  parallel_for(rows, grain_for(hidden), [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> h(length), r(is_present(residual) ? length : 0);
    for (std::int64_t row = begin; row < end; ++row) {
      load_row(address(x, {row, 0}), dtype, x.stride[1], h);
      if (is_present(residual)) {
        std::byte* stored = address(residual, {row, 0});
        load_row(stored, dtype, residual.stride[1], r);
        for (std::size_t i = 0; i < length; ++i) h[i] += r[i];
        if (!fault(Fault::kNormOfUnroundedSum)) round_row(dtype, h);
        store_row(stored, dtype, residual.stride[1], h);
      }
      const float inverse = canonical_inverse_rms(canonical_sum_of_squares(h), length, params.eps);
      if (fault(Fault::kWeightFirst)) std::transform(h.begin(), h.end(), w.begin(), h.begin(), std::multiplies<>());
      for (float& value : h) value *= inverse;
      if (params.rounding == PLUMB_ROUND_BEFORE_WEIGHT && !fault(Fault::kWeightBeforeRounding)) round_row(dtype, h);
      for (std::size_t i = 0; i < length && !fault(Fault::kWeightFirst); ++i) h[i] *= w[i];
      if (fault(Fault::kTailIntoNextRow)) h.resize((length + 7) / 8 * 8);
      store_row(address(y, {row, 0}), dtype, y.stride[1], h);
      h.resize(length);
    }
  });
}

}  // namespace plumb
