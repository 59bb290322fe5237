// Device code of the scalar variant: a warp takes one head of any even size at any address, element by element.
#pragma once

#include "optimized/qk_norm_rope/head.cuh"

namespace plumb {

inline constexpr int kScalarWarps = 4;
inline constexpr int kScalarMaxHeadDim = 512;  // 64 leaves: two sums a lane

template <class T>
__global__ void __launch_bounds__(kScalarWarps * 32)
    qk_norm_rope_scalar_kernel(const __grid_constant__ QkNormRopeArguments a) {
  __shared__ float staged[kScalarWarps][kScalarMaxHeadDim];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const std::uint32_t index = blockIdx.x * kScalarWarps + warp;
  if (index >= a.total) return;  // the whole warp; there are no barriers of the block
  const Head<T> head = head_at<T>(a, index);
  float* const x = staged[warp];

  begin_dependent(a.dependent);
  const std::int64_t position = position_of(a.positions[head.token]);
  if (!in_cache(a, position)) return;  // the whole warp
  for (int e = lane; e < kScalarMaxHeadDim; e += 32) x[e] = e < a.head_dim ? to_float(head.data[e]) : 0.0f;
  __syncwarp();

  float sums[2] = {0.0f, 0.0f};
#pragma unroll
  for (int e = 0; e < kLeafElements; ++e) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const float v = x[(i * 32 + lane) * kLeafElements + e];
      sums[i] = __fmaf_rn(v, v, sums[i]);
    }
  }
  const float inverse = inverse_rms(halve_lanes<32>(halve<2>(sums)), a.inverse_dim, a.eps);

  const char* const angles = cache_row<T>(a, position);
  const int half = a.rotary_dim / 2;
  for (int e = lane; e < a.head_dim; e += 32) {
    float y = normalised(x[e], inverse, to_float(head.weight[e]));
    if (e < a.rotary_dim) {
      const bool is_first = a.interleaved ? e % 2 == 0 : e < half;
      const int distance = a.interleaved ? 1 : half;
      int other = is_first ? e + distance : e - distance;
      if (device_fault(Fault::kXorPairs) && !a.interleaved) other = e ^ half;
      const int pair = a.interleaved ? e / 2 : is_first ? e : other;
      const float partner = device_fault(Fault::kReloadAfterStore) ? to_float(head.data[other]) : x[other];
      float z = normalised(partner, inverse, to_float(head.weight[other]));
      const int step = device_fault(Fault::kCacheTwiceTooWide) && a.interleaved ? 2 : 1;
      const int sines = device_fault(Fault::kSineFromPadded) ? 1 << (31 - __clz(half)) : half;
      const float c = cache_value<T>(a, angles, step * pair), s = cache_value<T>(a, angles, sines + pair);
      if (is_first) {
        rotate(y, z, c, s);
      } else {
        rotate(z, y, c, s);
      }
    }
    head.data[e] = from_float<T>(y);
  }
}

}  // namespace plumb
