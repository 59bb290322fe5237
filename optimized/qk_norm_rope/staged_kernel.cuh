// Device code of the staged variants: cp.async brings a warp's heads and their rows of the cache into shared
// memory.
#pragma once

#include "optimized/device/cp_async.cuh"
#include "optimized/qk_norm_rope/head.cuh"
#include "optimized/qk_norm_rope/variants.h"

namespace plumb {

// A leaf of normalised values: element e is x[e] * inverse * weight[e].
template <class T>
__device__ __forceinline__ void normalised_leaf(const T* x, const T* weight, float inverse,
                                                float (&values)[kLeafElements]) {
  Leaf<T> packed;
  float w[kLeafElements];
  load<16>(packed, x);
  unpack(packed, values);
  load<16>(packed, weight);
  unpack(packed, w);
#pragma unroll
  for (int e = 0; e < kLeafElements; ++e) values[e] = normalised(values[e], inverse, w[e]);
}

// The leaf that begins at `element`, rotated. `x` is the whole head in shared memory, so that the other element of
// a pair can be normalised again here instead of being handed over: the same operations give the same bits.
template <class T>
__device__ __forceinline__ void rotated_leaf(const QkNormRopeArguments& a, const T* x, const T* weight,
                                             const char* angles, float inverse, int element,
                                             float (&y)[kLeafElements]) {
  normalised_leaf(x + element, weight + element, inverse, y);
  const int half = a.rotary_dim / 2;
  if (element >= a.rotary_dim) return;
  if (a.interleaved) {
#pragma unroll
    for (int e = 0; e < kLeafElements; e += 2) {
      const int pair = (element + e) / 2;
      if (pair >= half) continue;
      rotate(y[e], y[e + 1], cache_value<T>(a, angles, pair), cache_value<T>(a, angles, half + pair));
    }
    return;
  }
  if (half % kLeafElements == 0) {  // the pairs' other elements are a leaf too
    const bool is_first = element < half;
    const int other = is_first ? element + half : element - half;
    const int pair = is_first ? element : other;
    float z[kLeafElements], c[kLeafElements], s[kLeafElements];
    normalised_leaf(x + other, weight + other, inverse, z);
    cache_values<T>(a, angles, pair, c);
    cache_values<T>(a, angles, half + pair, s);
#pragma unroll
    for (int e = 0; e < kLeafElements; ++e) {
      if (is_first) {
        rotate(y[e], z[e], c[e], s[e]);
      } else {
        rotate(z[e], y[e], c[e], s[e]);
      }
    }
    return;
  }
#pragma unroll
  for (int e = 0; e < kLeafElements; ++e) {
    if (element + e >= a.rotary_dim) continue;
    const bool is_first = element + e < half;
    const int other = is_first ? element + e + half : element + e - half;
    const int pair = is_first ? element + e : other;
    float z = normalised(to_float(x[other]), inverse, to_float(weight[other]));
    const float c = cache_value<T>(a, angles, pair), s = cache_value<T>(a, angles, half + pair);
    if (is_first) {
      rotate(y[e], z, c, s);
    } else {
      rotate(z, y[e], c, s);
    }
  }
}

// A warp takes kHeadsPerWarp consecutive heads; a lane holds one leaf of one head at a time.
template <class T, int kHeadDim, int kHeadsPerWarp>
__global__ void __launch_bounds__(kStagedWarps * 32)
    qk_norm_rope_staged_kernel(const __grid_constant__ QkNormRopeArguments a) {
  constexpr int kLanes = kHeadDim / kLeafElements;  // a head's; 8, 16 or 32
  constexpr int kHeadsAtOnce = 32 / kLanes;
  constexpr int kPasses = kHeadsPerWarp > kHeadsAtOnce ? kHeadsPerWarp / kHeadsAtOnce : 1;
  constexpr int kHeadBytes = kHeadDim * static_cast<int>(sizeof(T));
  constexpr int kHeadChunks = kHeadBytes / 16;

  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const std::uint32_t first = (blockIdx.x * kStagedWarps + warp) * kHeadsPerWarp;
  if (first >= a.total) return;  // the whole warp; there are no barriers of the block
  const int count = static_cast<int>(min(static_cast<std::uint32_t>(kHeadsPerWarp), a.total - first));

  extern __shared__ __align__(16) char shared[];
  const int row_bytes = a.rotary_dim * cache_element_bytes<T>(a);  // a multiple of 16, as supports() has seen to
  char* const heads = shared + warp * kHeadsPerWarp * (kHeadBytes + row_bytes);
  char* const rows = heads + kHeadsPerWarp * kHeadBytes;

  begin_dependent(a.dependent);
  // The heads' tokens are consecutive: lane t has the position of the t-th.
  const std::uint32_t first_token = a.heads.quotient(first);
  const int tokens = static_cast<int>(a.heads.quotient(first + count - 1) - first_token) + 1;
  const std::int64_t position = lane < tokens ? a.positions[first_token + lane] : -1;

  for (int chunk = lane; chunk < count * kHeadChunks; chunk += 32) {
    const Head<T> head = head_at<T>(a, first + chunk / kHeadChunks);
    cp_async_cg16(heads + chunk * 16, reinterpret_cast<const char*>(head.data) + chunk % kHeadChunks * 16);
  }
  cp_async_commit();
  const unsigned known = __ballot_sync(kWholeWarp, in_cache(a, position));  // bit t: the t-th token has a position
  for (int t = 0; t < tokens; ++t) {
    const std::int64_t at = __shfl_sync(kWholeWarp, position, t);
    if ((known >> t & 1u) == 0) continue;  // alike in all lanes
    const char* const row = cache_row<T>(a, at);
    for (int byte = lane * 16; byte < row_bytes; byte += 32 * 16) {
      cp_async_ca16(rows + t * row_bytes + byte, row + byte);
    }
  }
  cp_async_commit();

  // Lanes past the last head compute on it again, and store nothing.
  const int element = lane % kLanes * kLeafElements;
  const auto slot_of = [&](int pass) { return min(pass * kHeadsAtOnce + lane / kLanes, count - 1); };
  cp_async_wait<1>();
  if (!device_fault(Fault::kNoWarpBarrierAfterCopy)) __syncwarp();  // other lanes' copies
  float inverse[kPasses];
#pragma unroll
  for (int pass = 0; pass < kPasses; ++pass) {
    Leaf<T> x;
    load<16>(x, heads + slot_of(pass) * kHeadBytes + element * static_cast<int>(sizeof(T)));
    const float own = leaf_sum(x), whole = halve_lanes<kLanes>(own);
    const bool lost = device_fault(Fault::kShuffleUnderMask) && element >= a.rotary_dim;
    inverse[pass] = inverse_rms(lost ? own : whole, a.inverse_dim, a.eps);
  }
  cp_async_wait<0>();
  if (!device_fault(Fault::kNoWarpBarrierAfterCopy)) __syncwarp();
#pragma unroll
  for (int pass = 0; pass < kPasses; ++pass) {
    const int slot = slot_of(pass);
    const Head<T> head = head_at<T>(a, first + slot);
    const int token = static_cast<int>(head.token - first_token);
    if (pass * kHeadsAtOnce + lane / kLanes >= count || (known >> token & 1u) == 0) continue;
    float y[kLeafElements];
    rotated_leaf(a, reinterpret_cast<const T*>(heads + slot * kHeadBytes), head.weight, rows + token * row_bytes,
                 inverse[pass], element, y);
    Leaf<T> packed;
    pack(y, packed);
    store<16>(packed, head.data + element);
  }
}

}  // namespace plumb
