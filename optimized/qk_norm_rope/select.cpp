// qk_norm_rope on the host: what a right call is, which variant can serve it, which is taken.
#include <bit>

#include "optimized/host/operator_table.h"
#include "optimized/qk_norm_rope/tuned/sm90.h"
#include "optimized/qk_norm_rope/variants.h"
#include "reference/qk_norm_rope/qk_norm_rope.h"

namespace plumb {
namespace {

constexpr TensorRule kQkv{.name = "qkv", .rank = 2, .unit_stride = true, .written = true};
constexpr TensorRule kQWeight{.name = "q_weight", .rank = 1, .unit_stride = true};
constexpr TensorRule kKWeight{.name = "k_weight", .rank = 1, .unit_stride = true};
constexpr TensorRule kPositions{
    .name = "positions", .rank = 1, .dtypes = dtype_set({PLUMB_I64}), .unit_stride = true};
constexpr TensorRule kCache{.name = "cos_sin_cache", .rank = 2, .unit_stride = true};

constexpr std::int64_t kMaxHeads = 1 << 20;  // of a token and a kind; far from any model, and 32 bits count them

constexpr TunedTable kQkNormRopeTables[] = {kQkNormRopeSm90};

struct QkNormRope {
  using Row = QkNormRopeVariant;
  static constexpr const char* kName = "qk_norm_rope";
  static std::span<const Row> rows() { return qk_norm_rope_variants(); }
  static std::span<const TunedTable> tables() { return kQkNormRopeTables; }
  static constexpr std::size_t kSizeAxis = 3;
  // element (bytes), style, D, heads (q and k, of all tokens)
  static TunedKey tuned_key(const plumb_call& call) {
    const auto& params = *static_cast<const plumb_qk_norm_rope_params*>(call.params);
    const auto& qkv = call.tensors[PLUMB_QK_NORM_ROPE_QKV];
    const std::int64_t heads = std::int64_t{params.heads_q} + params.heads_k;
    return {static_cast<std::int64_t>(size_of(dtype_of(qkv))), params.style, params.head_dim, heads * qkv.shape[0]};
  }

  static bool valid(const plumb_call* call) {
    if (!check_call(call, sizeof(plumb_qk_norm_rope_params), PLUMB_QK_NORM_ROPE_TENSOR_COUNT)) return false;
    const auto& params = *static_cast<const plumb_qk_norm_rope_params*>(call->params);
    const auto& qkv = call->tensors[PLUMB_QK_NORM_ROPE_QKV];
    const auto& q_weight = call->tensors[PLUMB_QK_NORM_ROPE_Q_WEIGHT];
    const auto& k_weight = call->tensors[PLUMB_QK_NORM_ROPE_K_WEIGHT];
    const auto& positions = call->tensors[PLUMB_QK_NORM_ROPE_POSITIONS];
    const auto& cache = call->tensors[PLUMB_QK_NORM_ROPE_COS_SIN_CACHE];
    if (!check_range("heads_q", params.heads_q, 1, kMaxHeads) ||
        !check_range("heads_k", params.heads_k, 0, kMaxHeads) ||
        !check_range("heads_v", params.heads_v, 0, kMaxHeads) ||
        !check_range("head_dim", params.head_dim, 2, 512) || !check_even("head_dim", params.head_dim) ||
        !check_range("rotary_dim", params.rotary_dim, 2, params.head_dim) ||
        !check_even("rotary_dim", params.rotary_dim) ||
        !check_range("style", params.style, PLUMB_ROPE_NEOX, PLUMB_ROPE_INTERLEAVED) ||
        !check_not_negative("eps", params.eps)) {
      return false;
    }
    if (params.heads_per_warp != -1 && (params.heads_per_warp < 1 || params.heads_per_warp > 8 ||
                                        !std::has_single_bit(static_cast<unsigned>(params.heads_per_warp)))) {
      fail(PLUMB_INVALID_ARGUMENT, "heads_per_warp is %d; expected -1, 1, 2, 4 or 8", params.heads_per_warp);
      return false;
    }
    const std::int64_t heads = std::int64_t{params.heads_q} + params.heads_k + params.heads_v;
    if (!check_tensor(qkv, kQkv) ||
        !check_extent(qkv, "qkv", 1, heads * params.head_dim, "(heads_q + heads_k + heads_v) * head_dim")) {
      return false;
    }
    const auto dtype = dtype_set({dtype_of(qkv)});
    return check_tensor(q_weight, kQWeight) && check_extent(q_weight, "q_weight", 0, params.head_dim, "head_dim") &&
           check_dtype(q_weight, "q_weight", dtype, ", qkv's type") && check_tensor(k_weight, kKWeight) &&
           check_extent(k_weight, "k_weight", 0, params.head_dim, "head_dim") &&
           check_dtype(k_weight, "k_weight", dtype, ", qkv's type") && check_tensor(positions, kPositions) &&
           check_extent(positions, "positions", 0, qkv.shape[0], "as qkv has tokens") &&
           check_tensor(cache, kCache) &&
           check_extent(cache, "cos_sin_cache", 1, params.rotary_dim, "rotary_dim") &&
           check_stride(cache, "cos_sin_cache", 0, params.rotary_dim, "as it is contiguous") &&
           check_dtype(cache, "cos_sin_cache", dtype | dtype_set({PLUMB_F32}), ", qkv's type or fp32") &&
           check_disjoint(q_weight, "q_weight", qkv, "qkv") && check_disjoint(k_weight, "k_weight", qkv, "qkv") &&
           check_disjoint(positions, "positions", qkv, "qkv") && check_disjoint(cache, "cos_sin_cache", qkv, "qkv");
  }

  static bool empty(const plumb_call& call) { return call.tensors[PLUMB_QK_NORM_ROPE_QKV].shape[0] == 0; }

  static plumb_status serves(const plumb_call& call, const Row& row) {
    const auto& params = *static_cast<const plumb_qk_norm_rope_params*>(call.params);
    if (params.heads_per_warp != -1 && params.heads_per_warp != row.heads_per_warp &&
        !fault(Fault::kHeadsPerWarpIgnored)) {
      return fail(PLUMB_UNSUPPORTED, "%s: heads_per_warp is %d, and only staged variants of that many may serve",
                  row.name, params.heads_per_warp);
    }
    if (row.head_dim != 0 && row.head_dim != params.head_dim && !fault(Fault::kHeadDimUntested)) {
      return fail(PLUMB_UNSUPPORTED, "%s: head_dim is %d, not %d", row.name, params.head_dim, row.head_dim);
    }
    if (row.access == 0) return PLUMB_OK;
    const auto& qkv = call.tensors[PLUMB_QK_NORM_ROPE_QKV];
    if (row.access < static_cast<int>(size_of(dtype_of(qkv)))) {
      return fail(PLUMB_UNSUPPORTED, "%s: qkv.dtype is %s, of which %d bytes hold less than one", row.name,
                  name_of(dtype_of(qkv)).data(), row.access);
    }
    constexpr std::pair<int, const char*> aligned[] = {{PLUMB_QK_NORM_ROPE_QKV, "qkv"},
                                                       {PLUMB_QK_NORM_ROPE_Q_WEIGHT, "q_weight"},
                                                       {PLUMB_QK_NORM_ROPE_K_WEIGHT, "k_weight"},
                                                       {PLUMB_QK_NORM_ROPE_COS_SIN_CACHE, "cos_sin_cache"}};
    for (const auto& [index, name] : aligned) {
      const bool untested = fault(Fault::kCacheAlignmentUntested) || fault(Fault::kCopyPastRow);
      if (untested && index == PLUMB_QK_NORM_ROPE_COS_SIN_CACHE) continue;
      if (const char* const part = misaligned_part(call.tensors[index], row.access)) {
        return fail(PLUMB_UNSUPPORTED, "%s: %s has %s, no multiple of %d", row.name, name, part, row.access);
      }
    }
    return row.heads_per_warp == 0 ? serves_directly(params, row) : serves_staged(call, params, row);
  }

 private:
  // Leaves are rotated whole and, in neox style, by pairs that one lane can hold.
  static plumb_status serves_directly(const plumb_qk_norm_rope_params& params, const Row& row) {
    if (params.style == PLUMB_ROPE_INTERLEAVED) {
      if (params.rotary_dim % 8 == 0) return PLUMB_OK;
      return fail(PLUMB_UNSUPPORTED, "%s: rotary_dim is %d, interleaved, no multiple of 8", row.name,
                  params.rotary_dim);
    }
    if (params.rotary_dim % 16 == 0 && std::has_single_bit(static_cast<unsigned>(params.rotary_dim)))
      return PLUMB_OK;
    return fail(PLUMB_UNSUPPORTED, "%s: rotary_dim is %d, not 16 times a power of two", row.name,
                params.rotary_dim);
  }

  static plumb_status serves_staged(const plumb_call& call, const plumb_qk_norm_rope_params& params,
                                    const Row& row) {
    const auto& qkv = call.tensors[PLUMB_QK_NORM_ROPE_QKV];
    const auto cache_row = static_cast<std::size_t>(params.rotary_dim) *
                           size_of(dtype_of(call.tensors[PLUMB_QK_NORM_ROPE_COS_SIN_CACHE]));
    if (cache_row % 16 != 0 && !fault(Fault::kCopyPastRow)) {
      return fail(PLUMB_UNSUPPORTED, "%s: a row of cos_sin_cache is %zu bytes, no multiple of 16", row.name,
                  cache_row);
    }
    const std::size_t head_bytes = static_cast<std::size_t>(params.head_dim) * size_of(dtype_of(qkv));
    const std::size_t shared = staged_bytes(row.heads_per_warp, head_bytes, cache_row);
    if (static_cast<std::int64_t>(shared) > call.device->smem_per_block) {
      return fail(PLUMB_UNSUPPORTED, "%s: needs %zu bytes of shared memory, device.smem_per_block is %d", row.name,
                  shared, call.device->smem_per_block);
    }
    return PLUMB_OK;
  }
};

}  // namespace

const plumb_operator* qk_norm_rope_operator() { return OperatorOf<QkNormRope>::get(); }

}  // namespace plumb
