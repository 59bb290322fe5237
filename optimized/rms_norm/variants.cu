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

// Each table's numbers are the best of what an H200 measured, bf16, hidden 128 and 1024 to 8192, 1 to 65536 rows,
// 2026-11-22.
//
// Many rows: a few loads in flight each, and most sums within a warp.
constexpr Spread kManyRows[] = {{8, 3, 1},    {16, 3, 2},   {32, 4, 2},   {64, 5, 2},  {128, 6, 2}, {256, 7, 2},
                                {384, 7, 3},  {512, 7, 4},  {640, 7, 5},  {768, 7, 6}, {896, 7, 7}, {1024, 8, 4},
                                {1280, 8, 5}, {1536, 8, 6}, {1792, 8, 7}, {2048, 9, 4}};
// No more leaves than the device has threads for: a row is spread over more of them.
constexpr Spread kFewRows[] = {{8, 3, 1}, {16, 4, 1}, {32, 5, 1}, {64, 6, 1}, {1536, 9, 3}, {2048, 9, 4}};
// Accesses below 16 bytes.
constexpr Spread kNarrow[] = {{8, 2, 2},   {16, 3, 2},  {32, 4, 2},  {64, 5, 2},
                              {128, 6, 2}, {256, 7, 2}, {512, 8, 2}, {1024, 9, 2}};

// Rows of up to max_leaves leaves, to each a block of so many warps with `leaves` leaves for every thread: as long
// as there are no more leaves than max_waves times the device's threads. With more, blocks that a multiprocessor
// starts one after the other each wait for their weights again; those of kManyRows get by with less.
struct RowBlock {
  std::int64_t max_leaves;
  int leaves, warps;
  double max_waves = 2.5;
};
constexpr std::int64_t kLeastRowLeaves = 65;
constexpr RowBlock kRowBlocks[] = {{128, 1, 4, 1.0}, {128, 2, 2}, {256, 2, 4}, {384, 3, 4}, {512, 2, 8},
                                   {640, 5, 4},      {768, 3, 8}, {896, 7, 4}, {1024, 4, 8}};
// Rows so few that multiprocessors would idle: several blocks share one.
constexpr std::int64_t kLeastSharedLeaves = 129;
constexpr RowBlock kSharedRows[] = {{256, 2, 4},  {384, 3, 4},   {512, 2, 8},  {768, 3, 8},
                                    {1024, 4, 8}, {1536, 3, 16}, {2048, 4, 16}};

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

struct RowKernel {
  int leaves, warps;
  void (*kernel)(RmsNormArguments);
};

// The table has a kernel for every block that the tables above have.
auto kernel_for(const RowBlock& block, std::span<const RowKernel> kernels) {
  return std::find_if(kernels.begin(), kernels.end(),
                      [&](const RowKernel& k) { return k.leaves == block.leaves && k.warps == block.warps; })
      ->kernel;
}

template <class T, class W, bool kResidual>
auto row_kernel(const RowBlock& block) {
  static constexpr RowKernel kernels[] = {
      {1, 4, rms_norm_row_kernel<T, W, 1, 4, kResidual>}, {2, 2, rms_norm_row_kernel<T, W, 2, 2, kResidual>},
      {2, 4, rms_norm_row_kernel<T, W, 2, 4, kResidual>}, {3, 4, rms_norm_row_kernel<T, W, 3, 4, kResidual>},
      {2, 8, rms_norm_row_kernel<T, W, 2, 8, kResidual>}, {5, 4, rms_norm_row_kernel<T, W, 5, 4, kResidual>},
      {3, 8, rms_norm_row_kernel<T, W, 3, 8, kResidual>}, {7, 4, rms_norm_row_kernel<T, W, 7, 4, kResidual>},
      {4, 8, rms_norm_row_kernel<T, W, 4, 8, kResidual>}};
  return kernel_for(block, kernels);
}

template <class T, class W>
auto shared_row_kernel(const RowBlock& block) {
  static constexpr RowKernel kernels[] = {
      {2, 4, rms_norm_shared_row_kernel<T, W, 2, 4>},  {3, 4, rms_norm_shared_row_kernel<T, W, 3, 4>},
      {2, 8, rms_norm_shared_row_kernel<T, W, 2, 8>},  {3, 8, rms_norm_shared_row_kernel<T, W, 3, 8>},
      {4, 8, rms_norm_shared_row_kernel<T, W, 4, 8>},  {3, 16, rms_norm_shared_row_kernel<T, W, 3, 16>},
      {4, 16, rms_norm_shared_row_kernel<T, W, 4, 16>}};
  return kernel_for(block, kernels);
}

// In as many launches as the grid's limit of rows asks for.
template <class T, class W>
plumb_status launch_rows(const plumb_call& call, RmsNormArguments a, const RowBlock& block) {
  const auto kernel = a.residual != nullptr ? row_kernel<T, W, true>(block) : row_kernel<T, W, false>(block);
  for (std::int64_t left = a.rows; left > 0;) {
    const unsigned rows = grid_of(left, 1);
    const LaunchShape shape{.grid = rows, .block = static_cast<unsigned>(block.warps) * 32};
    if (const auto status = launch_kernel(call, kernel, shape, a); status != PLUMB_OK) return status;
    a.x = static_cast<const T*>(a.x) + rows * a.x_stride;
    if (a.residual != nullptr) a.residual = static_cast<T*>(a.residual) + rows * a.residual_stride;
    a.y = static_cast<T*>(a.y) + rows * a.y_stride;
    left -= rows;
  }
  return PLUMB_OK;
}

template <class T, class W>
plumb_status launch_shared(const plumb_call& call, const RmsNormArguments& arguments, const RowBlock& block) {
  const LaunchShape shape{.grid = dim3(static_cast<unsigned>(block.leaves), static_cast<unsigned>(arguments.rows)),
                          .block = static_cast<unsigned>(block.warps) * 32};
  return launch_kernel(call, shared_row_kernel<T, W>(block), shape, arguments);
}

// The first that is large enough, or nullptr.
template <class Row>
const Row* first_for(std::int64_t leaves, std::span<const Row> table) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Row& r) { return leaves <= r.max_leaves; });
  return found != table.end() ? &*found : nullptr;
}

// The block for rows that take so many waves of the device's threads, one leaf each, or nullptr.
const RowBlock* row_block_for(std::int64_t leaves, double waves) {
  if (leaves < kLeastRowLeaves) return nullptr;
  const auto found = std::find_if(std::begin(kRowBlocks), std::end(kRowBlocks), [&](const RowBlock& b) {
    return leaves <= b.max_leaves && waves <= b.max_waves;
  });
  return found != std::end(kRowBlocks) ? found : nullptr;
}

template <class T, class W, int kAccess>
plumb_status launch_typed(const plumb_call& call) {
  const RmsNormArguments arguments = arguments_of(call);
  const std::int64_t leaves = (arguments.hidden + kLeafElements - 1) / kLeafElements;
  const std::int64_t multiprocessors = call.device->sm_count;
  constexpr double kThreads = 2048;  // of a multiprocessor
  const double waves = static_cast<double>(arguments.rows) * static_cast<double>(leaves) /
                       (kThreads * static_cast<double>(multiprocessors));
  if constexpr (kAccess == 16) {
    const RowBlock* const shared = first_for<RowBlock>(leaves, kSharedRows);
    if (shared != nullptr && leaves >= kLeastSharedLeaves && arguments.rows <= multiprocessors / shared->leaves &&
        arguments.residual == nullptr && arguments.x != arguments.y) {
      return launch_shared<T, W>(call, arguments, *shared);
    }
    const RowBlock* const block = row_block_for(leaves, waves);
    if (block != nullptr) return launch_rows<T, W>(call, arguments, *block);
  }
  const Spread* const spread = first_for(leaves, kAccess < 16   ? std::span<const Spread>(kNarrow)
                                                 : waves <= 1.0 ? std::span<const Spread>(kFewRows)
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
