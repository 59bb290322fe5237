// rms_norm's variants: one row each, and how a row of elements is spread over threads.
#include <algorithm>
#include <bit>

#include "optimized/host/fault.h"
#include "optimized/host/launch.cuh"
#include "optimized/rms_norm/long_row_kernel.cuh"
#include "optimized/rms_norm/rms_norm_kernel.cuh"
#include "optimized/rms_norm/variants.h"
#include "reference/numeric/tensor.h"
#include "reference/rms_norm/rms_norm.h"

namespace plumb {
namespace {

// Rows of up to max_leaves leaves: 2^log2_threads threads with `leaves` leaves each.
struct Spread {
  std::int64_t max_leaves;
  int log2_threads;
  int leaves;
};

// Each table's numbers are the best of what an H200 measured, hidden 128 and 1024 to 8192, 2026-11-22.
//
// Many rows: a few loads in flight each, and most sums within a warp.
constexpr Spread kManyRows[] = {{8, 3, 1},    {16, 3, 2},   {32, 4, 2},   {64, 5, 2},  {128, 6, 2}, {256, 7, 2},
                                {384, 7, 3},  {512, 7, 4},  {640, 7, 5},  {768, 7, 6}, {896, 7, 7}, {1024, 8, 4},
                                {1280, 8, 5}, {1536, 8, 6}, {1792, 8, 7}, {2048, 9, 4}};
// No more leaves than the device has threads for: a row is spread over more of them.
constexpr Spread kFewRows[] = {{8, 3, 1},    {16, 4, 1},   {32, 5, 1},  {64, 6, 1},  {128, 7, 1},
                               {256, 7, 2},  {384, 7, 3},  {512, 8, 2}, {640, 7, 5}, {768, 8, 3},
                               {1024, 8, 4}, {1536, 9, 3}, {2048, 9, 4}};
// Rows so few that multiprocessors would idle: several blocks share one.
constexpr Spread kSharedRows[] = {{64, 5, 2},  {128, 6, 2},  {256, 7, 2},  {512, 8, 2},
                                  {768, 8, 3}, {1024, 8, 4}, {1536, 9, 3}, {2048, 9, 4}};
// Accesses below 16 bytes.
constexpr Spread kNarrow[] = {{8, 2, 2},   {16, 3, 2},  {32, 4, 2},  {64, 5, 2},
                              {128, 6, 2}, {256, 7, 2}, {512, 8, 2}, {1024, 9, 2}};

constexpr int kSmallBlock = 128;  // threads, where a row takes a warp or less

RmsNormArguments arguments_of(const plumb_call& call) {
  const auto& params = *static_cast<const plumb_rms_norm_params*>(call.params);
  const auto& x = call.tensors[PLUMB_RMS_NORM_X];
  const auto& residual = call.tensors[PLUMB_RMS_NORM_RESIDUAL];
  const auto& y = call.tensors[PLUMB_RMS_NORM_Y];
  return {.x = x.data,
          .weight = call.tensors[PLUMB_RMS_NORM_WEIGHT].data,
          .residual = is_present(residual) ? residual.data : nullptr,
          .y = y.data,
          .rows = x.shape[0],
          .hidden = x.shape[1],
          .x_stride = x.stride[0],
          .residual_stride = residual.stride[0],
          .y_stride = y.stride[0],
          .eps = params.eps,
          .inverse_hidden = 1.0f / static_cast<float>(x.shape[1]),
          .weight_offset = params.weight_offset,
          .round_before_weight = params.rounding == PLUMB_ROUND_BEFORE_WEIGHT,
          .dependent = (call.flags & PLUMB_DEPENDENT_LAUNCH) != 0};
}

// The device strides over the grid, so any number of rows is served.
unsigned grid_of(std::int64_t rows, std::int64_t rows_per_block) {
  constexpr std::int64_t kMaxGrid = (std::int64_t{1} << 31) - 1;
  return static_cast<unsigned>(std::min((rows + rows_per_block - 1) / rows_per_block, kMaxGrid));
}

template <class T, class W, int kAccess, bool kResidual>
auto kernel_with(int leaves) {
  if constexpr (kAccess < 16) return rms_norm_kernel<T, W, kAccess, 2, kResidual>;
  constexpr decltype(&rms_norm_kernel<T, W, 16, 1, kResidual>) kernels[] = {
      rms_norm_kernel<T, W, 16, 1, kResidual>, rms_norm_kernel<T, W, 16, 2, kResidual>,
      rms_norm_kernel<T, W, 16, 3, kResidual>, rms_norm_kernel<T, W, 16, 4, kResidual>,
      rms_norm_kernel<T, W, 16, 5, kResidual>, rms_norm_kernel<T, W, 16, 6, kResidual>,
      rms_norm_kernel<T, W, 16, 7, kResidual>};
  return kernels[leaves - 1];
}

template <class T, class W, int kAccess>
plumb_status launch_spread(const plumb_call& call, const RmsNormArguments& arguments, const Spread& spread) {
  const int threads = 1 << spread.log2_threads;
  const int block = threads > 32 ? threads : kSmallBlock;
  const LaunchShape shape{.grid = grid_of(arguments.rows, block / threads), .block = static_cast<unsigned>(block)};
  const auto kernel = arguments.residual != nullptr ? kernel_with<T, W, kAccess, true>(spread.leaves)
                                                    : kernel_with<T, W, kAccess, false>(spread.leaves);
  return launch_kernel(call, kernel, shape, arguments, spread.log2_threads);
}

template <class T, class W>
plumb_status launch_shared(const plumb_call& call, const RmsNormArguments& arguments, const Spread& spread) {
  const LaunchShape shape{.grid = dim3(static_cast<unsigned>(arguments.rows), static_cast<unsigned>(spread.leaves)),
                          .block = 1u << spread.log2_threads};
  const auto kernel = spread.leaves == 2   ? rms_norm_shared_row_kernel<T, W, 2>
                      : spread.leaves == 3 ? rms_norm_shared_row_kernel<T, W, 3>
                                           : rms_norm_shared_row_kernel<T, W, 4>;
  return launch_kernel(call, kernel, shape, arguments);
}

// The first that is large enough, or nullptr.
const Spread* spread_for(std::int64_t leaves, std::span<const Spread> table) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Spread& s) { return leaves <= s.max_leaves; });
  return found != table.end() ? &*found : nullptr;
}

template <class T, class W, int kAccess>
plumb_status launch_typed(const plumb_call& call) {
  const RmsNormArguments arguments = arguments_of(call);
  const std::int64_t leaves = (arguments.hidden + kLeafElements - 1) / kLeafElements;
  const std::int64_t multiprocessors = call.device->sm_count;
  if constexpr (kAccess == 16) {
    const Spread* const shared = spread_for(leaves, kSharedRows);
    if (shared != nullptr && leaves > 32 && arguments.rows <= multiprocessors / shared->leaves &&
        arguments.residual == nullptr && arguments.x != arguments.y) {
      return launch_shared<T, W>(call, arguments, *shared);
    }
  }
  constexpr std::int64_t kThreads = 2048;  // of a multiprocessor
  const bool few = arguments.rows <= kThreads * multiprocessors / leaves;
  const Spread* const spread = spread_for(leaves, kAccess < 16 ? std::span<const Spread>(kNarrow)
                                                  : few        ? std::span<const Spread>(kFewRows)
                                                               : std::span<const Spread>(kManyRows));
  if (spread != nullptr) return launch_spread<T, W, kAccess>(call, arguments, *spread);

  constexpr std::int64_t kHandful = kRmsNormMaxThreads * kLongLeaves;  // leaves
  const std::uint64_t handfuls = (leaves + kHandful - 1) / kHandful;
  const int log2_handfuls = std::countr_zero(std::bit_ceil(handfuls));
  const LaunchShape shape{.grid = grid_of(arguments.rows, 1), .block = kRmsNormMaxThreads};
  return launch_kernel(call, rms_norm_long_kernel<T, W, kAccess>, shape, arguments, log2_handfuls);
}

template <class T, int kAccess>
plumb_status launch_weighted(const plumb_call& call) {
  if constexpr (sizeof(T) < sizeof(float)) {
    if (call.tensors[PLUMB_RMS_NORM_WEIGHT].dtype != PLUMB_F32) return launch_typed<T, T, kAccess>(call);
  }
  return launch_typed<T, float, kAccess>(call);
}

// kAccess is in bytes; an access below an element is one element.
template <int kAccess>
plumb_status launch_rms_norm(const plumb_call& call) {
  switch (chosen_dtype(call.tensors[PLUMB_RMS_NORM_X].dtype)) {
    case PLUMB_BF16:
      return launch_weighted<__nv_bfloat16, kAccess>(call);
    case PLUMB_F16:
      return launch_weighted<__half, kAccess>(call);
    default:
      return launch_weighted < float, kAccess < 4 ? 4 : kAccess > (call);
  }
}

constexpr RmsNormVariant kVariants[] = {
    {"vec16", "Every address, every row stride and hidden, in bytes, are multiples of 16.", 16,
     launch_rms_norm<16>},
    {"vec8", "Every address, every row stride and hidden, in bytes, are multiples of 8.", 8, launch_rms_norm<8>},
    {"vec4", "A 16-bit type; every address, every row stride and hidden, in bytes, are multiples of 4.", 4,
     launch_rms_norm<4>},
    {"scalar", "Any address, any row stride, any hidden.", 0, launch_rms_norm<2>},
};

}  // namespace

std::span<const RmsNormVariant> rms_norm_variants() { return kVariants; }

}  // namespace plumb
