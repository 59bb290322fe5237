// qk_norm_rope's variants: one row each, in the selector's order of preference.
#include "optimized/host/fault.h"
#include "optimized/host/launch.cuh"
#include "optimized/qk_norm_rope/scalar_kernel.cuh"
#include "optimized/qk_norm_rope/variants.h"

namespace plumb {

plumb_status launch_scalar(const plumb_call& call) {
  return for_each_run(call, [&](const QkNormRopeArguments& a) {
    const LaunchShape shape{.grid = (a.total + kScalarWarps - 1) / kScalarWarps, .block = kScalarWarps * 32};
    switch (chosen_dtype(call.tensors[PLUMB_QK_NORM_ROPE_QKV].dtype)) {
      case PLUMB_BF16:
        return launch_kernel(call, qk_norm_rope_scalar_kernel<__nv_bfloat16>, shape, a);
      case PLUMB_F16:
        return launch_kernel(call, qk_norm_rope_scalar_kernel<__half>, shape, a);
      default:
        return launch_kernel(call, qk_norm_rope_scalar_kernel<float>, shape, a);
    }
  });
}

namespace {

constexpr const char* kDirect16 =
    "qkv's address and row stride, both weights' addresses, the cache's address and a row of it are multiples of "
    "16 "
    "bytes; rotary_dim is 16 times a power of two (neox) or a multiple of 8 (interleaved).";
constexpr const char* kDirect8 = "As the direct variant, with 8 bytes.";
constexpr const char* kDirect4 = "As the direct variant, with 4 bytes.";
constexpr const char* kDirect2 = "As the direct variant, with a 16-bit type at any address.";
constexpr const char* kStaged =
    "qkv's address and row stride, both weights' addresses, the cache's address and a row of it are multiples of "
    "16 "
    "bytes; the heads and their rows of the cache fit into shared memory.";

constexpr QkNormRopeVariant kVariants[] = {
    {"d64_direct", kDirect16, 64, 16, 0, launch_direct<64, 16>},
    {"d128_direct", kDirect16, 128, 16, 0, launch_direct<128, 16>},
    {"d256_direct", kDirect16, 256, 16, 0, launch_direct<256, 16>},
    {"d64_staged_h4", kStaged, 64, 16, 4, launch_staged<64, 4>},
    {"d64_staged_h8", kStaged, 64, 16, 8, launch_staged<64, 8>},
    {"d64_staged_h2", kStaged, 64, 16, 2, launch_staged<64, 2>},
    {"d64_staged_h1", kStaged, 64, 16, 1, launch_staged<64, 1>},
    {"d128_staged_h4", kStaged, 128, 16, 4, launch_staged<128, 4>},
    {"d128_staged_h8", kStaged, 128, 16, 8, launch_staged<128, 8>},
    {"d128_staged_h2", kStaged, 128, 16, 2, launch_staged<128, 2>},
    {"d128_staged_h1", kStaged, 128, 16, 1, launch_staged<128, 1>},
    {"d256_staged_h4", kStaged, 256, 16, 4, launch_staged<256, 4>},
    {"d256_staged_h8", kStaged, 256, 16, 8, launch_staged<256, 8>},
    {"d256_staged_h2", kStaged, 256, 16, 2, launch_staged<256, 2>},
    {"d256_staged_h1", kStaged, 256, 16, 1, launch_staged<256, 1>},
    {"d64_vec8", kDirect8, 64, 8, 0, launch_direct<64, 8>},
    {"d128_vec8", kDirect8, 128, 8, 0, launch_direct<128, 8>},
    {"d256_vec8", kDirect8, 256, 8, 0, launch_direct<256, 8>},
    {"d64_vec4", kDirect4, 64, 4, 0, launch_direct<64, 4>},
    {"d128_vec4", kDirect4, 128, 4, 0, launch_direct<128, 4>},
    {"d256_vec4", kDirect4, 256, 4, 0, launch_direct<256, 4>},
    {"d64_vec2", kDirect2, 64, 2, 0, launch_direct<64, 2>},
    {"d128_vec2", kDirect2, 128, 2, 0, launch_direct<128, 2>},
    {"d256_vec2", kDirect2, 256, 2, 0, launch_direct<256, 2>},
    {"scalar", "Any even head_dim up to 512, any address, any row stride, any rotary_dim.", 0, 0, 0, launch_scalar},
};

}  // namespace

std::span<const QkNormRopeVariant> qk_norm_rope_variants() { return kVariants; }

}  // namespace plumb
