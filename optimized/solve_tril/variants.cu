// solve_tril's variants: one row each, in order of preference.
#include "optimized/solve_tril/solve_tril_kernel.cuh"
#include "optimized/solve_tril/variants.h"
#include "reference/numeric/tensor.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb {
namespace {

constexpr SolveTrilVariant kVariants[] = {
    {.name = "tma",
     .requirements =
         "sm_90 or newer, a driver with cuTensorMapEncodeTiled, params.tma on or auto; every address and "
         "every stride of a and x, in bytes, is a multiple of 16, and no stride is 0.",
     .uses_tma = true,
     .needs_16_bytes = true,
     .least_chunk = 16,
     .launch = launch_solve_tril_tma},
    {.name = "vec16_split",
     .requirements =
         "BT 32 or 64, params.tma off or auto; every address and every stride of a and x, in bytes, is a "
         "multiple of 16.",
     .uses_tma = false,
     .needs_16_bytes = true,
     .least_chunk = 32,
     .tiles_per_sm_limit = 2,  // measured on an H200: faster than vec16 at 32 to 256 tiles, slower at 1024
     .launch = launch_solve_tril_vec16_split},
    {.name = "vec16",
     .requirements =
         "params.tma off or auto; every address and every stride of a and x, in bytes, is a multiple of "
         "16.",
     .uses_tma = false,
     .needs_16_bytes = true,
     .least_chunk = 16,
     .launch = launch_solve_tril_vec16},
    {.name = "stream",  // to which vec16 hands on what it serves best
     .requirements =
         "BT 64, params.tma off or auto; every address and every stride of a and x, in bytes, is a multiple of "
         "16.",
     .uses_tma = false,
     .needs_16_bytes = true,
     .least_chunk = 64,
     .launch = launch_solve_tril_stream},
    {.name = "scalar",
     .requirements = "params.tma off or auto; any address, any stride.",
     .uses_tma = false,
     .needs_16_bytes = false,
     .least_chunk = 16,
     .launch = launch_solve_tril_scalar},
    {.name = "merge_tf32x3",
     .requirements =
         "params.precision tf32x3, params.tma off or auto; every address and every stride of a and x, in bytes, is "
         "a multiple of 16.",
     .uses_tma = false,
     .needs_16_bytes = true,
     .least_chunk = 16,
     .launch = launch_solve_tril_merge_tf32x3,
     .precision = PLUMB_TF32X3,
     .bit_class = "tf32x3"},
    {.name = "merge_tf32",
     .requirements =
         "params.precision tf32, params.tma off or auto; every address and every stride of a and x, in bytes, is a "
         "multiple of 16.",
     .uses_tma = false,
     .needs_16_bytes = true,
     .least_chunk = 16,
     .launch = launch_solve_tril_merge_tf32,
     .precision = PLUMB_TF32,
     .bit_class = "tf32"},
};

}  // namespace

std::span<const SolveTrilVariant> solve_tril_variants() { return kVariants; }

BoxedTensor solve_tril_a_units(const plumb_call& call, int heads) {
  auto units = solve_tril_a_boxes(call);
  units.axes = {3, 2, 1, 0};
  units.box = {solve_tril::kBlock, static_cast<std::uint32_t>(heads), solve_tril::kBlock, 1};
  return units;
}

BoxedTensor solve_tril_a_boxes(const plumb_call& call) {
  const auto& a = call.tensors[PLUMB_SOLVE_TRIL_A];
  return {.tensor = &a,
          .name = "a",
          .axes = {3, 1, 2, 0},
          .box = {solve_tril::kBlock, solve_tril::kBlock, 1, 1},
          .swizzle_64 = size_of(dtype_of(a)) == 4};
}

BoxedTensor solve_tril_x_boxes(const plumb_call& call) {
  const auto& x = call.tensors[PLUMB_SOLVE_TRIL_X];
  return {.tensor = &x,
          .name = "x",
          .axes = {3, 1, 2, 0},
          .box = {static_cast<std::uint32_t>(x.shape[3]), solve_tril::kBlock, 1, 1},
          .swizzle_64 = false};
}

}  // namespace plumb
