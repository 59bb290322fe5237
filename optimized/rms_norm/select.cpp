// rms_norm on the host: what a right call is, which variant can serve it, which is taken.
#include "optimized/host/operator_table.h"
#include "optimized/rms_norm/tuned/sm90.h"
#include "optimized/rms_norm/variants.h"
#include "reference/rms_norm/rms_norm.h"

namespace plumb {
namespace {

constexpr TensorRule kX{.name = "x", .rank = 2, .unit_stride = true};
constexpr TensorRule kWeight{.name = "weight", .rank = 1, .unit_stride = true};
constexpr TensorRule kResidual{
    .name = "residual", .rank = 2, .optional = true, .unit_stride = true, .written = true};
constexpr TensorRule kY{.name = "y", .rank = 2, .unit_stride = true, .written = true};

constexpr std::int64_t kMaxHidden = std::int64_t{1} << 31;  // what the kernel for long rows can count

constexpr TunedTable kRmsNormTables[] = {kRmsNormSm90};

struct RmsNorm {
  using Row = RmsNormVariant;
  static constexpr const char* kName = "rms_norm";
  static std::span<const Row> rows() { return rms_norm_variants(); }
  static std::span<const TunedTable> tables() { return kRmsNormTables; }
  static constexpr std::size_t kSizeAxis = 3;
  // element (bytes), residual, hidden, rows
  static TunedKey tuned_key(const plumb_call& call) {
    const auto& x = call.tensors[PLUMB_RMS_NORM_X];
    return {static_cast<std::int64_t>(size_of(dtype_of(x))), is_present(call.tensors[PLUMB_RMS_NORM_RESIDUAL]),
            x.shape[1], x.shape[0]};
  }

  static bool valid(const plumb_call* call) {
    if (!check_call(call, sizeof(plumb_rms_norm_params), PLUMB_RMS_NORM_TENSOR_COUNT)) return false;
    const auto& params = *static_cast<const plumb_rms_norm_params*>(call->params);
    const auto& x = call->tensors[PLUMB_RMS_NORM_X];
    const auto& weight = call->tensors[PLUMB_RMS_NORM_WEIGHT];
    const auto& residual = call->tensors[PLUMB_RMS_NORM_RESIDUAL];
    const auto& y = call->tensors[PLUMB_RMS_NORM_Y];

    if (!check_not_negative("eps", params.eps) || !check_not_negative("weight_offset", params.weight_offset) ||
        !check_range("rounding", params.rounding, PLUMB_ROUND_ONCE, PLUMB_ROUND_BEFORE_WEIGHT) ||
        !check_tensor(x, kX) || !check_range("x.shape[1] (hidden)", x.shape[1], 1, kMaxHidden) ||
        !check_tensor(weight, kWeight) || !check_extent(weight, "weight", 0, x.shape[1], "as x has hidden") ||
        !check_dtype(weight, "weight", dtype_set({dtype_of(x), PLUMB_F32}), ", x's type or fp32") ||
        !check_tensor(y, kY) || !same_shape(y, "y", x) || !check_tensor(residual, kResidual)) {
      return false;
    }
    const bool in_place = x.data == y.data && (x.shape[0] <= 1 || x.stride[0] == y.stride[0]);
    if (!in_place && !check_disjoint(x, "x", y, "y")) return false;
    if (!check_disjoint(weight, "weight", y, "y")) return false;
    if (!is_present(residual)) return true;
    return same_shape(residual, "residual", x) && check_disjoint(x, "x", residual, "residual") &&
           check_disjoint(y, "y", residual, "residual") && check_disjoint(weight, "weight", residual, "residual");
  }

  static bool empty(const plumb_call& call) { return call.tensors[PLUMB_RMS_NORM_X].shape[0] == 0; }

  static plumb_status serves(const plumb_call& call, const Row& row) {
    if (row.access == 0) return PLUMB_OK;
    const auto& x = call.tensors[PLUMB_RMS_NORM_X];
    const auto element = static_cast<std::int64_t>(size_of(dtype_of(x)));
    if (row.access <= element) {
      return fail(PLUMB_UNSUPPORTED, "%s: x.dtype is %s, of which an access of %d bytes holds only one", row.name,
                  name_of(dtype_of(x)).data(), row.access);
    }
    if (x.shape[1] * element % row.access != 0) {
      return fail(PLUMB_UNSUPPORTED, "%s: hidden is %lld, %lld bytes, no multiple of %d", row.name,
                  static_cast<long long>(x.shape[1]), static_cast<long long>(x.shape[1] * element), row.access);
    }
    constexpr const char* names[] = {"x", "weight", "residual", "y"};
    for (int i = 0; i < PLUMB_RMS_NORM_TENSOR_COUNT; ++i) {
      if (fault(Fault::kInputAlignmentUntested) && i == PLUMB_RMS_NORM_X) continue;
      if (fault(Fault::kOutputAlignmentUntested) && i == PLUMB_RMS_NORM_Y) continue;
      const char* const part = misaligned_part(call.tensors[i], row.access);
      if (part == nullptr) continue;
      return fail(PLUMB_UNSUPPORTED, "%s: %s has %s, no multiple of %d", row.name, names[i], part, row.access);
    }
    return PLUMB_OK;
  }

 private:
  static bool same_shape(const plumb_tensor& tensor, const char* name, const plumb_tensor& x) {
    return check_extent(tensor, name, 0, x.shape[0], "as x has rows") &&
           check_extent(tensor, name, 1, x.shape[1], "as x has hidden") &&
           check_dtype(tensor, name, dtype_set({dtype_of(x)}), ", x's type");
  }
};

}  // namespace

const plumb_operator* rms_norm_operator() { return OperatorOf<RmsNorm>::get(); }

}  // namespace plumb
