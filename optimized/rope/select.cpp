// rope on the host: what a right call is, which variant can serve it, which is taken.
#include <algorithm>

#include "optimized/host/operator_table.h"
#include "optimized/rope/tuned/sm90.h"
#include "optimized/rope/variants.h"
#include "reference/rope/rope.h"

namespace plumb {
namespace {

constexpr TensorRule kQ{.name = "q", .rank = 3, .written = true};
constexpr TensorRule kK{.name = "k", .rank = 3, .optional = true, .written = true};
constexpr TensorRule kPositions{
    .name = "positions", .rank = 1, .dtypes = dtype_set({PLUMB_I64}), .unit_stride = true};
constexpr TensorRule kCache{.name = "cos_sin_cache", .rank = 2, .unit_stride = true};

constexpr std::int64_t kMaxWork = (std::int64_t{1} << 31) - 1;  // pairs of one token, which one launch must hold

constexpr TunedTable kRopeTables[] = {kRopeSm90};

struct Rope {
  using Row = RopeVariant;
  static constexpr const char* kName = "rope";
  static std::span<const Row> rows() { return rope_variants(); }
  static std::span<const TunedTable> tables() { return kRopeTables; }
  static constexpr std::size_t kSizeAxis = 3;
  // element (bytes), style, rotary (elements), heads (of all tokens)
  static TunedKey tuned_key(const plumb_call& call) {
    const auto& params = *static_cast<const plumb_rope_params*>(call.params);
    const auto& q = call.tensors[PLUMB_ROPE_Q];
    const auto& k = call.tensors[PLUMB_ROPE_K];
    const std::int64_t heads = q.shape[1] + (is_present(k) ? k.shape[1] : 0);
    return {static_cast<std::int64_t>(size_of(dtype_of(q))), params.style, params.rotary_dim, heads * q.shape[0]};
  }

  static bool valid(const plumb_call* call) {
    if (!check_call(call, sizeof(plumb_rope_params), PLUMB_ROPE_TENSOR_COUNT)) return false;
    const auto& params = *static_cast<const plumb_rope_params*>(call->params);
    const auto& q = call->tensors[PLUMB_ROPE_Q];
    const auto& k = call->tensors[PLUMB_ROPE_K];
    const auto& positions = call->tensors[PLUMB_ROPE_POSITIONS];
    const auto& cache = call->tensors[PLUMB_ROPE_COS_SIN_CACHE];

    if (!check_range("style", params.style, PLUMB_ROPE_NEOX, PLUMB_ROPE_INTERLEAVED) || !check_tensor(q, kQ) ||
        !check_range("rotary_dim", params.rotary_dim, 2, q.shape[2]) ||
        !check_even("rotary_dim", params.rotary_dim) || !check_tensor(k, kK) ||
        !check_tensor(positions, kPositions) ||
        !check_extent(positions, "positions", 0, q.shape[0], "as q has tokens") || !check_tensor(cache, kCache) ||
        !check_extent(cache, "cos_sin_cache", 1, params.rotary_dim, "rotary_dim") ||
        !check_stride(cache, "cos_sin_cache", 0, params.rotary_dim, "as it is contiguous") ||
        !check_dtype(cache, "cos_sin_cache", dtype_set({dtype_of(q), PLUMB_F32}), ", q's type or fp32") ||
        !check_disjoint(positions, "positions", q, "q") || !check_disjoint(cache, "cos_sin_cache", q, "q")) {
      return false;
    }
    if (!is_present(k)) return true;
    return check_dtype(k, "k", dtype_set({dtype_of(q)}), ", q's type") &&
           check_extent(k, "k", 0, q.shape[0], "as q has tokens") &&
           check_extent(k, "k", 2, q.shape[2], "as q has head_dim") && check_disjoint(q, "q", k, "k") &&
           check_disjoint(positions, "positions", k, "k") && check_disjoint(cache, "cos_sin_cache", k, "k");
  }

  static bool empty(const plumb_call& call) {
    return element_count(call.tensors[PLUMB_ROPE_Q]) == 0 && element_count(call.tensors[PLUMB_ROPE_K]) == 0;
  }

  static plumb_status serves(const plumb_call& call, const Row& row) {
    const auto& params = *static_cast<const plumb_rope_params*>(call.params);
    const auto& q = call.tensors[PLUMB_ROPE_Q];
    const auto& k = call.tensors[PLUMB_ROPE_K];
    const auto& cache = call.tensors[PLUMB_ROPE_COS_SIN_CACHE];
    const std::int64_t heads = std::max<std::int64_t>(q.shape[1] + (is_present(k) ? k.shape[1] : 0), 1);
    if (heads > kMaxWork / (params.rotary_dim / 2)) {
      return fail(PLUMB_UNSUPPORTED, "%s: %lld heads of rotary_dim %d; expected less than 2^31 pairs per token",
                  row.name, static_cast<long long>(heads), params.rotary_dim);
    }
    if (row.access == 0) return PLUMB_OK;

    const auto element = static_cast<int>(size_of(dtype_of(q)));
    if (row.access <= element) {
      return fail(PLUMB_UNSUPPORTED, "%s: q.dtype is %s, of which an access of %d bytes holds only one", row.name,
                  name_of(dtype_of(q)).data(), row.access);
    }
    const bool interleaved = params.style == PLUMB_ROPE_INTERLEAVED;
    const std::int64_t part_bytes = std::int64_t{element} * params.rotary_dim / (interleaved ? 1 : 2);
    if (part_bytes % row.access != 0) {
      return fail(PLUMB_UNSUPPORTED, "%s: rotary_dim is %d: %s of %lld bytes is no multiple of %d", row.name,
                  params.rotary_dim, interleaved ? "a rotated part" : "a half", static_cast<long long>(part_bytes),
                  row.access);
    }
    for (const auto& [tensor, name] : {std::pair{&q, "q"}, std::pair{&k, "k"}}) {
      if (element_count(*tensor) == 0) continue;
      if (tensor->stride[2] != 1) {
        return fail(PLUMB_UNSUPPORTED, "%s: %s.stride[2] is %lld, not 1", row.name, name,
                    static_cast<long long>(tensor->stride[2]));
      }
      if (const char* const part = misaligned_part(*tensor, row.access)) {
        return fail(PLUMB_UNSUPPORTED, "%s: %s has %s, no multiple of %d", row.name, name, part, row.access);
      }
    }
    // A thread reads the cosines of its pairs in accesses of at most 16 bytes, and their sines half a row on.
    const auto cache_element = static_cast<int>(size_of(dtype_of(cache)));
    const int pairs = row.access / element / (interleaved ? 2 : 1);
    const int cache_access = std::min(16, pairs * cache_element);
    const auto address = reinterpret_cast<std::uintptr_t>(cache.data);
    const std::int64_t half_row = std::int64_t{cache_element} * params.rotary_dim / 2;
    if (address % static_cast<unsigned>(cache_access) != 0 && !fault(Fault::kCacheAlignmentUntested)) {
      return fail(PLUMB_UNSUPPORTED, "%s: cos_sin_cache has address %p, no multiple of %d", row.name, cache.data,
                  cache_access);
    }
    if (half_row % cache_access != 0) {
      return fail(PLUMB_UNSUPPORTED, "%s: half a row of cos_sin_cache is %lld bytes, no multiple of %d", row.name,
                  static_cast<long long>(half_row), cache_access);
    }
    return PLUMB_OK;
  }
};

}  // namespace

const plumb_operator* rope_operator() { return OperatorOf<Rope>::get(); }

}  // namespace plumb
