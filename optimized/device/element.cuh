// Elements as memory has them: loads and stores of a stated width, and conversion to and from fp32.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "optimized/device/fault.cuh"

namespace plumb {

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ __forceinline__ float to_float(__half value) { return __half2float(value); }

// Rounds to nearest even.
template <class T>
__device__ __forceinline__ T from_float(float value) {
  if constexpr (sizeof(T) == 4) {
    return value;
  } else if constexpr (__is_same(T, __nv_bfloat16)) {
    if (device_fault(Fault::kTruncate)) return __float2bfloat16_rz(value);
    return __float2bfloat16_rn(value);
  } else {
    return __float2half_rn(value);
  }
}

// The value after one rounding to T.
template <class T>
__device__ __forceinline__ float rounded_to(float value) {
  return to_float(from_float<T>(value));
}

// kCount consecutive elements of T in 32-bit words, so that they stay in registers.
template <class T, int kCount>
struct Packed {
  static constexpr int kBytes = kCount * static_cast<int>(sizeof(T));
  static constexpr int kWords = (kBytes + 3) / 4;
  std::uint32_t word[kWords];
};

// Whether memory is used again soon. kOnce accesses are marked for early eviction (.cs), kOnceUnmarked loads are
// not, where that is faster. Both stay where the program has them: another load the compiler may move below a
// branch, after which a second latency follows the first.
enum class Use { kAgain, kOnce, kOnceUnmarked };

// The register type of one access.
template <int kAccess>
struct AccessOf;
template <>
struct AccessOf<16> {
  using Type = uint4;
};
template <>
struct AccessOf<8> {
  using Type = uint2;
};
template <>
struct AccessOf<4> {
  using Type = std::uint32_t;
};

template <Use kUse, class T>
__device__ __forceinline__ T load_as(const T* memory) {
  return kUse == Use::kOnce ? __ldcs(memory) : kUse == Use::kOnceUnmarked ? __ldca(memory) : *memory;
}

// kAccess (4, 8 or 16) bytes, and divides the address.
template <int kAccess, Use kUse = Use::kAgain>
__device__ __forceinline__ void load_words(std::uint32_t* words, const void* memory) {
  const auto v = load_as<kUse>(static_cast<const typename AccessOf<kAccess>::Type*>(memory));
  if constexpr (kAccess == 16) {
    words[0] = v.x, words[1] = v.y, words[2] = v.z, words[3] = v.w;
  } else if constexpr (kAccess == 8) {
    words[0] = v.x, words[1] = v.y;
  } else {
    words[0] = v;
  }
}

template <int kAccess, Use kUse = Use::kAgain>
__device__ __forceinline__ void store_words(const std::uint32_t* words, void* memory) {
  typename AccessOf<kAccess>::Type v;
  if constexpr (kAccess == 16) {
    v = make_uint4(words[0], words[1], words[2], words[3]);
  } else if constexpr (kAccess == 8) {
    v = make_uint2(words[0], words[1]);
  } else {
    v = words[0];
  }
  auto* const to = static_cast<typename AccessOf<kAccess>::Type*>(memory);
  if constexpr (kUse == Use::kOnce) {
    __stcs(to, v);
  } else {
    *to = v;
  }
}

// 16-bit elements, an even number of them, at any address of an element: in words of 4 bytes where the address
// allows it (alike in a whole warp, as rows are), else in words but for the first and the last element.
template <Use kUse, class T, int kCount>
__device__ __forceinline__ void load_halves(Packed<T, kCount>& packed, const void* memory) {
  constexpr int kWords = Packed<T, kCount>::kWords;
  if (reinterpret_cast<std::uintptr_t>(memory) % 4 == 0) {
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      load_words<4, kUse>(packed.word + i, static_cast<const std::uint32_t*>(memory) + i);
    }
    return;
  }
  const auto* const elements = static_cast<const std::uint16_t*>(memory);
  std::uint32_t shifted[kWords + 1];  // the words that elements 2 i - 1 and 2 i lie in
  shifted[0] = std::uint32_t{load_as<kUse>(elements)} << 16;
#pragma unroll
  for (int i = 1; i < kWords; ++i) load_words<4, kUse>(shifted + i, elements + 2 * i - 1);
  shifted[kWords] = load_as<kUse>(elements + kCount - 1);
#pragma unroll
  for (int i = 0; i < kWords; ++i) packed.word[i] = __funnelshift_r(shifted[i], shifted[i + 1], 16);
}

template <Use kUse, class T, int kCount>
__device__ __forceinline__ void store_halves(const Packed<T, kCount>& packed, void* memory) {
  constexpr int kWords = Packed<T, kCount>::kWords;
  if (reinterpret_cast<std::uintptr_t>(memory) % 4 == 0) {
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      store_words<4, kUse>(packed.word + i, static_cast<std::uint32_t*>(memory) + i);
    }
    return;
  }
  auto* const elements = static_cast<std::uint16_t*>(memory);
  elements[0] = static_cast<std::uint16_t>(packed.word[0]);
#pragma unroll
  for (int i = 1; i < kWords; ++i) {
    const std::uint32_t word = __funnelshift_r(packed.word[i - 1], packed.word[i], 16);
    store_words<4, kUse>(&word, elements + 2 * i - 1);
  }
  elements[kCount - 1] = static_cast<std::uint16_t>(packed.word[kWords - 1] >> 16);
}

// All elements, by the widest accesses of at most kAccess (2, 4, 8 or 16) bytes, which divides the address.
template <int kAccess, Use kUse = Use::kAgain, class T, int kCount>
__device__ __forceinline__ void load(Packed<T, kCount>& packed, const void* memory) {
  using P = Packed<T, kCount>;
  if constexpr (P::kBytes == 2) {
    packed.word[0] = *static_cast<const std::uint16_t*>(memory);
  } else if constexpr (kAccess == 2 && sizeof(T) == 2) {
    load_halves<kUse>(packed, memory);
  } else {
    constexpr int kWidest = kAccess > static_cast<int>(sizeof(T)) ? kAccess : static_cast<int>(sizeof(T));
    constexpr int kStep = kWidest < P::kBytes ? kWidest : P::kBytes;
#pragma unroll
    for (int at = 0; at < P::kBytes; at += kStep) {
      load_words<kStep, kUse>(packed.word + at / 4, static_cast<const char*>(memory) + at);
    }
  }
}

template <int kAccess, Use kUse = Use::kAgain, class T, int kCount>
__device__ __forceinline__ void store(const Packed<T, kCount>& packed, void* memory) {
  using P = Packed<T, kCount>;
  if constexpr (P::kBytes == 2) {
    *static_cast<std::uint16_t*>(memory) = static_cast<std::uint16_t>(packed.word[0]);
  } else if constexpr (kAccess == 2 && sizeof(T) == 2) {
    store_halves<kUse>(packed, memory);
  } else {
    constexpr int kWidest = kAccess > static_cast<int>(sizeof(T)) ? kAccess : static_cast<int>(sizeof(T));
    constexpr int kStep = kWidest < P::kBytes ? kWidest : P::kBytes;
#pragma unroll
    for (int at = 0; at < P::kBytes; at += kStep) {
      store_words<kStep, kUse>(packed.word + at / 4, static_cast<char*>(memory) + at);
    }
  }
}

template <class T>
__device__ __forceinline__ float2 unpack_word(std::uint32_t word) {
  if constexpr (__is_same(T, __nv_bfloat16)) {
    return make_float2(__uint_as_float(word << 16), __uint_as_float(word & 0xffff0000u));
  } else {
    __half2_raw raw;
    raw.x = static_cast<unsigned short>(word & 0xffffu);
    raw.y = static_cast<unsigned short>(word >> 16);
    return __half22float2(__half2(raw));
  }
}

template <class T>
__device__ __forceinline__ std::uint32_t pack_word(float low, float high) {
  if constexpr (__is_same(T, __nv_bfloat16)) {
    if (device_fault(Fault::kTruncate)) return __byte_perm(__float_as_uint(low), __float_as_uint(high), 0x7632);
    if (device_fault(Fault::kTiesAway))
      return __byte_perm(__float_as_uint(low) + 0x8000u, __float_as_uint(high) + 0x8000u, 0x7632);
    const __nv_bfloat162_raw raw = __floats2bfloat162_rn(low, high);
    return static_cast<std::uint32_t>(raw.y) << 16 | raw.x;
  } else {
    const __half2_raw raw = __floats2half2_rn(low, high);
    return static_cast<std::uint32_t>(raw.y) << 16 | raw.x;
  }
}

// Costs nothing, and makes the compiler unpack again afterwards instead of keeping twice as many fp32 registers.
template <class T, int kCount>
__device__ __forceinline__ void forget_unpacked(Packed<T, kCount>& packed) {
  if constexpr (sizeof(T) < 4) {
#pragma unroll
    for (int i = 0; i < Packed<T, kCount>::kWords; ++i) asm volatile("" : "+r"(packed.word[i]));
  }
}

template <class T, int kCount>
__device__ __forceinline__ void unpack(const Packed<T, kCount>& packed, float (&values)[kCount]) {
  if constexpr (sizeof(T) == 4) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) values[i] = __uint_as_float(packed.word[i]);
  } else if constexpr (kCount == 1) {
    values[0] = unpack_word<T>(packed.word[0]).x;
  } else {
#pragma unroll
    for (int i = 0; i < kCount; i += 2) {
      const float2 pair = unpack_word<T>(packed.word[i / 2]);
      values[i] = pair.x;
      values[i + 1] = pair.y;
    }
  }
}

// Rounds to nearest even.
template <class T, int kCount>
__device__ __forceinline__ void pack(const float (&values)[kCount], Packed<T, kCount>& packed) {
  if constexpr (sizeof(T) == 4) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) packed.word[i] = __float_as_uint(values[i]);
  } else if constexpr (kCount == 1) {
    packed.word[0] = pack_word<T>(values[0], 0.0f);
  } else {
#pragma unroll
    for (int i = 0; i < kCount; i += 2) packed.word[i / 2] = pack_word<T>(values[i], values[i + 1]);
  }
}

}  // namespace plumb
