// solve_tril on the host: what a right call is, which variant can serve it, which is taken.
#include <algorithm>
#include <string_view>

#include "optimized/device/divider.h"
#include "optimized/host/operator_table.h"
#include "optimized/solve_tril/variants.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb {
namespace {

constexpr TensorRule kA{.name = "a", .rank = 4, .unit_stride = true};
constexpr TensorRule kX{.name = "x", .rank = 4, .unit_stride = true, .written = true};
constexpr TensorRule kCuSeqlens{
    .name = "cu_seqlens", .rank = 1, .dtypes = kIntegerDtypes, .optional = true, .unit_stride = true};

const plumb_solve_tril_params& params_of(const plumb_call& call) {
  return *static_cast<const plumb_solve_tril_params*>(call.params);
}

struct SolveTril {
  using Row = SolveTrilVariant;
  static constexpr const char* kName = "solve_tril";
  static std::span<const Row> rows() { return solve_tril_variants(); }

  static bool valid(const plumb_call* call) {
    if (!check_call(call, sizeof(plumb_solve_tril_params), PLUMB_SOLVE_TRIL_TENSOR_COUNT)) return false;
    const auto& a = call->tensors[PLUMB_SOLVE_TRIL_A];
    const auto& x = call->tensors[PLUMB_SOLVE_TRIL_X];
    const auto& cu_seqlens = call->tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS];
    if (!check_range("precision", params_of(*call).precision, PLUMB_IEEE, PLUMB_TF32) ||
        !check_range("tma", params_of(*call).tma, PLUMB_TMA_OFF, PLUMB_TMA_AUTO) || !check_tensor(a, kA) ||
        !check_chunk(a.shape[3]) || !check_tensor(x, kX)) {
      return false;
    }
    for (int axis = 0; axis < 4; ++axis) {
      if (!check_extent(x, "x", axis, a.shape[axis], "as a has")) return false;
    }
    if (!check_disjoint(a, "a", x, "x") || !check_tensor(cu_seqlens, kCuSeqlens)) return false;
    if (!is_present(cu_seqlens)) return true;
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    return check_extent(a, "a", 0, 1, "as there are cu_seqlens") &&
           check_range("cu_seqlens.shape[0] (sequences + 1)", cu_seqlens.shape[0], 1, kMost) &&
           check_disjoint(cu_seqlens, "cu_seqlens", x, "x");
  }

  static bool empty(const plumb_call& call) {
    const auto& cu_seqlens = call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS];
    return element_count(call.tensors[PLUMB_SOLVE_TRIL_A]) == 0 ||
           (is_present(cu_seqlens) && cu_seqlens.shape[0] == 1);  // no sequence
  }

  static plumb_status serves(const plumb_call& call, const Row& row) {
    const auto& params = params_of(call);
    const auto& a = call.tensors[PLUMB_SOLVE_TRIL_A];
    const auto& x = call.tensors[PLUMB_SOLVE_TRIL_X];
    if (params.precision != PLUMB_IEEE) {
      return fail(PLUMB_UNSUPPORTED, "%s: precision is %s, and no variant of that precision exists yet", row.name,
                  params.precision == PLUMB_TF32 ? "tf32" : "tf32x3");
    }
    if (params.tma == PLUMB_TMA_ON && !row.uses_tma) {
      return fail(PLUMB_UNSUPPORTED, "%s: params.tma is on, and this variant copies without TMA", row.name);
    }
    if (params.tma == PLUMB_TMA_OFF && row.uses_tma) {
      return fail(PLUMB_UNSUPPORTED, "%s: params.tma is off", row.name);
    }
    if (solve_tril_tiles(call) > kDividerLimit) {
      return fail(PLUMB_UNSUPPORTED, "%s: there are %lld tiles; a launch takes 2^31 - 1", row.name,
                  static_cast<long long>(solve_tril_tiles(call)));
    }
    if (a.shape[3] < row.least_chunk) {
      return fail(PLUMB_UNSUPPORTED, "%s: a.shape[3] (BT) is %lld, below %d", row.name,
                  static_cast<long long>(a.shape[3]), row.least_chunk);
    }
    if (row.only_16_bits && (size_of(dtype_of(a)) != 2 || size_of(dtype_of(x)) != 2)) {
      return fail(PLUMB_UNSUPPORTED, "%s: a is %s and x is %s; both must be of 16 bits", row.name,
                  name_of(dtype_of(a)).data(), name_of(dtype_of(x)).data());
    }
    if (row.uses_tma) return serves_tma(call, row);
    if (row.needs_16_bytes) return serves_16_bytes(call, row);
    return PLUMB_OK;
  }

  // Whether the policy wants this row where it can serve; rows() has them in order.
  static bool wanted(const plumb_call& call, const Row& row) {
    if (row.uses_tma) return params_of(call).tma == PLUMB_TMA_ON || auto_means_tma(*call.device);
    const std::int64_t tiles = solve_tril_tiles(call), sm_count = call.device->sm_count;
    return tiles >= row.tiles_per_sm_least * sm_count &&
           (row.tiles_per_sm_limit == 0 || tiles <= row.tiles_per_sm_limit * sm_count);
  }

 private:
  static bool check_chunk(std::int64_t chunk) {
    if (chunk == 16 || chunk == 32 || chunk == 64) return true;
    fail(PLUMB_INVALID_ARGUMENT, "a.shape[3] (BT) is %lld; expected 16, 32 or 64", static_cast<long long>(chunk));
    return false;
  }

  // Upstream's opt-in: the very value "1".
  static bool auto_means_tma(const plumb_device& device) {
    return device.sm >= 90 && device.has_tensor_map != 0 && device.fla_use_tma != nullptr &&
           std::string_view(device.fla_use_tma) == "1";
  }

  static plumb_status serves_tma(const plumb_call& call, const Row& row) {
    if (call.device->sm < 90) {
      return fail(PLUMB_UNSUPPORTED, "%s: device.sm is %d; TMA came with 90", row.name, call.device->sm);
    }
    if (call.device->has_tensor_map == 0) {
      return fail(PLUMB_UNSUPPORTED, "%s: device.has_tensor_map is 0: the driver has no cuTensorMapEncodeTiled",
                  row.name);
    }
    if (empty(call)) return PLUMB_OK;
    const auto status = check_tensor_map(row.name, solve_tril_a_boxes(call));
    return status != PLUMB_OK ? status : check_tensor_map(row.name, solve_tril_x_boxes(call));
  }

  static plumb_status serves_16_bytes(const plumb_call& call, const Row& row) {
    constexpr const char* names[] = {"a", "x"};
    for (const int i : {PLUMB_SOLVE_TRIL_A, PLUMB_SOLVE_TRIL_X}) {
      const char* const part = misaligned_part(call.tensors[i], 16);
      if (part == nullptr) continue;
      return fail(PLUMB_UNSUPPORTED, "%s: %s has %s, no multiple of 16", row.name, names[i], part);
    }
    return PLUMB_OK;
  }
};

plumb_status select(const plumb_call* call, std::int32_t* selected) {
  if (!SolveTril::valid(call)) return PLUMB_INVALID_ARGUMENT;
  const auto rows = SolveTril::rows();
  for (std::size_t index = 0; index < rows.size(); ++index) {
    if (!SolveTril::wanted(*call, rows[index]) || SolveTril::serves(*call, rows[index]) != PLUMB_OK) continue;
    *selected = static_cast<std::int32_t>(index);
    return PLUMB_OK;
  }
  // Where the caller insists on TMA its reason counts, not that of the rows that have none.
  for (const auto& row : rows) {
    if (row.uses_tma == (params_of(*call).tma == PLUMB_TMA_ON)) return SolveTril::serves(*call, row);
  }
  return PLUMB_UNSUPPORTED;
}

}  // namespace

std::int64_t solve_tril_tiles(const plumb_call& call) {
  const auto& a = call.tensors[PLUMB_SOLVE_TRIL_A];
  const auto& cu_seqlens = call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS];
  const std::int64_t tokens = a.shape[1], chunk = a.shape[3];
  if (a.shape[0] == 0 || tokens == 0 || a.shape[2] == 0) return 0;
  const std::int64_t slots =
      is_present(cu_seqlens) ? tokens / chunk + cu_seqlens.shape[0] - 1 : (tokens + chunk - 1) / chunk;
  constexpr __int128 kMost = std::int64_t{1} << 62;
  return static_cast<std::int64_t>(std::min(kMost, static_cast<__int128>(a.shape[0]) * a.shape[2] * slots));
}

const plumb_operator* solve_tril_operator() {
  static const plumb_operator made = [] {
    auto op = *OperatorOf<SolveTril>::get();
    op.select = select;
    return op;
  }();
  return &made;
}

}  // namespace plumb
