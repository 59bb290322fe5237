// solve_tril on the host: what a right call is, which variant can serve it, which is taken.
#include <algorithm>
#include <string_view>

#include "optimized/device/divider.h"
#include "optimized/host/operator_table.h"
#include "optimized/solve_tril/tuned/sm90.h"
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

constexpr TunedTable kSolveTrilTables[] = {kSolveTrilSm90};

struct SolveTril {
  using Row = SolveTrilVariant;
  static constexpr const char* kName = "solve_tril";
  static std::span<const Row> rows() { return solve_tril_variants(); }
  static std::span<const TunedTable> tables() { return kSolveTrilTables; }
  static constexpr std::size_t kSizeAxis = 4;
  // in, out (bytes of an element), BT, precision, tiles (of all heads)
  static TunedKey tuned_key(const plumb_call& call) {
    const auto& a = call.tensors[PLUMB_SOLVE_TRIL_A];
    const auto& x = call.tensors[PLUMB_SOLVE_TRIL_X];
    return {static_cast<std::int64_t>(size_of(dtype_of(a))), static_cast<std::int64_t>(size_of(dtype_of(x))),
            a.shape[3], params_of(call).precision, solve_tril_tiles(call)};
  }

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
    if (params.precision != row.precision) {
      return fail(PLUMB_UNSUPPORTED, "%s: params.precision is %s, and this variant computes in %s", row.name,
                  name_of_precision(params.precision), name_of_precision(row.precision));
    }
    if (params.tma == PLUMB_TMA_ON && !row.uses_tma && !fault(Fault::kNoTmaThoughOn)) {
      return fail(PLUMB_UNSUPPORTED, "%s: params.tma is on, and this variant copies without TMA", row.name);
    }
    if (params.tma == PLUMB_TMA_OFF && row.uses_tma && !fault(Fault::kTmaThoughOff)) {
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
    if (row.uses_tma) return serves_tma(call, row);
    if (row.needs_16_bytes) return serves_16_bytes(call, row);
    return PLUMB_OK;
  }

  static bool wants_tma(const plumb_call& call) {
    return params_of(call).tma == PLUMB_TMA_ON || auto_means_tma(*call.device);
  }

  // Whether the policy without measurements wants this row where it can serve; rows() has them in order.
  static bool wanted(const plumb_call& call, const Row& row) {
    return row.tiles_per_sm_limit == 0 ||
           solve_tril_tiles(call) <= row.tiles_per_sm_limit * std::int64_t{call.device->sm_count};
  }

 private:
  static bool check_chunk(std::int64_t chunk) {
    if (chunk == 16 || chunk == 32 || chunk == 64) return true;
    fail(PLUMB_INVALID_ARGUMENT, "a.shape[3] (BT) is %lld; expected 16, 32 or 64", static_cast<long long>(chunk));
    return false;
  }

  static const char* name_of_precision(std::int32_t precision) {
    return precision == PLUMB_IEEE ? "ieee" : precision == PLUMB_TF32X3 ? "tf32x3" : "tf32";
  }

  // Upstream's opt-in: the very value "1".
  static bool auto_means_tma(const plumb_device& device) {
    if (fault(Fault::kTmaWithoutOptIn)) return device.sm >= 90 && device.has_tensor_map != 0;
    if (fault(Fault::kNoTmaInSpiteOfOptIn)) return false;
    return device.sm >= 90 && device.has_tensor_map != 0 && device.fla_use_tma != nullptr &&
           std::string_view(device.fla_use_tma) == "1";
  }

  static plumb_status serves_tma(const plumb_call& call, const Row& row) {
    if (call.device->sm < 90 && !fault(Fault::kTmaBeforeSm90)) {
      return fail(PLUMB_UNSUPPORTED, "%s: device.sm is %d; TMA came with 90", row.name, call.device->sm);
    }
    if (call.device->has_tensor_map == 0 && !fault(Fault::kTmaBeforeSm90)) {
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

// TMA first where it is wanted; within each kind the measured table, then the order of rows.
plumb_status select(const plumb_call* call, std::int32_t* selected) {
  if (!SolveTril::valid(call)) return PLUMB_INVALID_ARGUMENT;
  const auto rows = SolveTril::rows();
  for (const bool by_tma : {true, false}) {
    if (by_tma && !SolveTril::wants_tma(*call)) continue;
    const auto serves = [&](std::int32_t index) {
      const auto& row = rows[static_cast<std::size_t>(index)];
      return row.uses_tma == by_tma && SolveTril::serves(*call, row) == PLUMB_OK;
    };
    *selected = tuned_choice<SolveTril>(*call, serves);
    if (*selected >= 0) return PLUMB_OK;
    for (std::size_t index = 0; index < rows.size(); ++index) {
      *selected = static_cast<std::int32_t>(index);
      if (SolveTril::wanted(*call, rows[index]) && serves(*selected)) return PLUMB_OK;
    }
  }
  // The precision is the caller's: no row of another one is taken instead. Where the caller insists on TMA the
  // reason of a row that has it counts, not that of the rows that have none.
  for (const bool whatever_copies : {false, true}) {
    for (const auto& row : rows) {
      if (row.precision != params_of(*call).precision) continue;
      if (whatever_copies || row.uses_tma == (params_of(*call).tma == PLUMB_TMA_ON)) {
        return SolveTril::serves(*call, row);
      }
    }
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
