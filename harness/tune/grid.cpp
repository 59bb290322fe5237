// The grids that are measured.
#include "harness/tune/grid.h"

#include <algorithm>
#include <utility>

#include "harness/cases/matrix.h"
#include "harness/operators/suite.h"
#include "reference/numeric/dtype.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb {
namespace {

constexpr std::uint64_t kSeed = 7;
// Elements of the largest tensor: beyond it every variant that is near the limit stays there, and a longer run
// would only take longer to measure.
constexpr std::int64_t kMostElements = std::int64_t{1} << 25;

using Values = std::vector<std::int64_t>;

// The products of axis values for the given types, without those whose tensors are larger than need be.
std::vector<Case> cross(std::string_view operator_name, const std::vector<plumb_dtype>& dtypes,
                        const AxisValues& axes, std::int64_t (*elements)(const Case&)) {
  Matrix matrix(find_suite(operator_name)->schema(), kSeed, [](const Case&) { return true; });
  matrix.cross(axes);
  std::vector<Case> cases = matrix.take();
  std::erase_if(cases, [&](const Case& point) {
    return std::find(dtypes.begin(), dtypes.end(), point.dtype) == dtypes.end() || elements(point) > kMostElements;
  });
  return cases;
}

std::vector<Case> joined(std::initializer_list<std::vector<Case>> parts) {
  std::vector<Case> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::int64_t element_bytes(const Case& point) { return static_cast<std::int64_t>(size_of(point.dtype)); }

TuneGrid rms_norm_grid() {
  const auto product = [](const std::vector<plumb_dtype>& dtypes, const AxisValues& axes) {
    return cross("rms_norm", dtypes, axes, [](const Case& point) { return point["rows"] * point["hidden"]; });
  };
  const Values hidden = {128, 512, 1024, 2048, 4096, 8192, 16384}, rows = {1, 16, 128, 512, 2048, 8192, 32768};
  const Values few_hidden = {128, 1024, 4096, 16384}, few_rows = {1, 128, 1024, 8192};
  TuneGrid grid{"rms_norm",
                {{"element"}, {"residual", AxisKind::kExact}, {"hidden"}, {"rows"}},
                [](const Case& point) {
                  return Values{element_bytes(point), point["residual"], point["hidden"], point["rows"]};
                },
                {}};
  grid.forms.push_back(
      {"aligned to 16 bytes",
       joined({product({PLUMB_BF16}, {{"hidden", hidden}, {"rows", rows}}),
               product({PLUMB_BF16}, {{"residual", {1}}, {"hidden", few_hidden}, {"rows", few_rows}}),
               product({PLUMB_F32}, {{"residual", {0, 1}}, {"hidden", few_hidden}, {"rows", {1, 128, 8192}}})})});
  for (const std::int64_t offset : {8, 4, 2}) {
    grid.forms.push_back(
        {"x off by " + std::to_string(offset),
         product({PLUMB_BF16}, {{"offset.x", {offset}}, {"hidden", {1024, 4096}}, {"rows", {128, 8192}}})});
  }
  return grid;
}

TuneGrid rope_grid() {
  const auto product = [](const std::vector<plumb_dtype>& dtypes, std::int64_t hq, std::int64_t hk, std::int64_t D,
                          std::int64_t rotary, AxisValues axes) {
    axes.insert(axes.begin(), {{"hq", {hq}}, {"hk", {hk}}, {"D", {D}}, {"rotary", {rotary}}});
    return cross("rope", dtypes, axes,
                 [](const Case& point) { return point["tokens"] * (point["hq"] + point["hk"]) * point["D"]; });
  };
  const Values tokens = {1, 16, 256, 1024, 4096, 12288}, few_tokens = {1, 256, 4096};
  TuneGrid grid{"rope",
                {{"element"}, {"style", AxisKind::kExact}, {"rotary"}, {"heads"}},
                [](const Case& point) {
                  return Values{element_bytes(point), point["style"], point["rotary"],
                                point["tokens"] * (point["hq"] + point["hk"])};
                },
                {}};
  grid.forms.push_back(
      {"aligned to 16 bytes",
       joined({product({PLUMB_BF16}, 32, 8, 64, 64, {{"tokens", tokens}}),
               product({PLUMB_BF16}, 32, 8, 128, 128, {{"tokens", tokens}}),
               product({PLUMB_BF16}, 16, 2, 256, 256, {{"tokens", tokens}}),
               product({PLUMB_BF16}, 32, 8, 128, 128, {{"style", {1}}, {"tokens", few_tokens}}),
               product({PLUMB_F32}, 32, 8, 128, 128, {{"style", {0, 1}}, {"tokens", few_tokens}})})});
  for (const std::int64_t offset : {8, 4, 2}) {
    grid.forms.push_back(
        {"q off by " + std::to_string(offset),
         product({PLUMB_BF16}, 32, 8, 128, 128, {{"offset.q", {offset}}, {"tokens", {16, 256, 4096}}})});
  }
  return grid;
}

TuneGrid qk_norm_rope_grid() {
  const auto product = [](const std::vector<plumb_dtype>& dtypes, std::int64_t hq, std::int64_t hk, std::int64_t D,
                          std::int64_t rotary, AxisValues axes) {
    axes.insert(axes.begin(), {{"hq", {hq}}, {"hk", {hk}}, {"hv", {hk}}, {"D", {D}}, {"rotary", {rotary}}});
    return cross("qk_norm_rope", dtypes, axes, [](const Case& point) {
      return point["tokens"] * (point["hq"] + point["hk"] + point["hv"]) * point["D"];
    });
  };
  const Values tokens = {1, 16, 64, 256, 1024, 4096, 8192}, few_tokens = {1, 256, 4096};
  TuneGrid grid{"qk_norm_rope",
                {{"element"}, {"style", AxisKind::kExact}, {"D", AxisKind::kExact}, {"heads"}},
                [](const Case& point) {
                  return Values{element_bytes(point), point["style"], point["D"],
                                point["tokens"] * (point["hq"] + point["hk"])};
                },
                {}};
  grid.forms.push_back(
      {"aligned to 16 bytes, a lane can hold a pair",
       joined({product({PLUMB_BF16}, 32, 8, 64, 64, {{"tokens", tokens}}),
               product({PLUMB_BF16}, 32, 8, 128, 128, {{"tokens", tokens}}),
               product({PLUMB_BF16}, 64, 8, 128, 128, {{"tokens", {1, 16, 256, 4096}}}),
               product({PLUMB_BF16}, 16, 2, 256, 64, {{"tokens", tokens}}),
               product({PLUMB_BF16}, 32, 8, 128, 128, {{"style", {1}}, {"tokens", few_tokens}}),
               product({PLUMB_F32}, 32, 8, 128, 128, {{"style", {0, 1}}, {"tokens", few_tokens}})})});
  grid.forms.push_back({"aligned to 16 bytes, pairs lie apart",
                        joined({product({PLUMB_BF16}, 32, 8, 64, 48, {{"tokens", tokens}}),
                                product({PLUMB_BF16}, 32, 8, 128, 96, {{"tokens", tokens}}),
                                product({PLUMB_BF16}, 16, 2, 256, 96, {{"tokens", tokens}}),
                                product({PLUMB_F32}, 32, 8, 128, 96, {{"tokens", few_tokens}})})});
  for (const std::int64_t offset : {8, 4, 2}) {
    grid.forms.push_back(
        {"qkv off by " + std::to_string(offset),
         product({PLUMB_BF16}, 32, 8, 128, 128, {{"offset.qkv", {offset}}, {"tokens", {16, 256, 4096}}})});
  }
  return grid;
}

TuneGrid solve_tril_grid() {
  const auto product = [](const std::vector<plumb_dtype>& dtypes, AxisValues axes) {
    axes.insert(axes.begin(), {{"B", {1}}, {"H", {32}}, {"keys", {1}}});
    return cross("solve_tril", dtypes, axes,
                 [](const Case& point) { return point["T"] * point["H"] * point["BT"]; });
  };
  TuneGrid grid{"solve_tril",
                {{"in"}, {"out"}, {"BT", AxisKind::kExact}, {"precision", AxisKind::kExact}, {"tiles"}},
                [](const Case& point) {
                  const std::int64_t tiles = (point["T"] + point["BT"] - 1) / point["BT"];
                  return Values{element_bytes(point), point.text("out") == "fp32" ? 4 : 2, point["BT"],
                                point["precision"], tiles * point["B"] * point["H"]};
                },
                {}};
  const Values lengths = {64, 256, 512, 1024, 2048, 4096, 8192, 16384}, few = {64, 512, 2048, 8192};
  const Values by_tensor_cores = {1, 2};  // precision: tf32x3 and tf32
  for (const auto& [name, tma] :
       {std::pair{"TMA off", std::int64_t{PLUMB_TMA_OFF}}, std::pair{"TMA on", std::int64_t{PLUMB_TMA_ON}}}) {
    const auto with = [tma = tma](AxisValues more) {
      more.insert(more.begin(), {"tma", {tma}});
      return more;
    };
    grid.forms.push_back(
        {std::string("aligned to 16 bytes, ") + name,
         joined(
             {product({PLUMB_F32}, with({{"out", {0, 1}}, {"BT", {64}}, {"T", lengths}})),
              product({PLUMB_F32}, with({{"out", {0, 1}}, {"BT", {32, 16}}, {"T", few}})),
              product({PLUMB_BF16}, with({{"out", {1}}, {"BT", {64}}, {"T", lengths}})),
              product({PLUMB_BF16}, with({{"out", {1}}, {"BT", {32, 16}}, {"T", few}})),
              product({PLUMB_F32},
                      with({{"precision", by_tensor_cores}, {"out", {0, 1}}, {"BT", {64}}, {"T", few}})),
              product({PLUMB_F32},
                      with({{"precision", by_tensor_cores}, {"out", {1}}, {"BT", {32, 16}}, {"T", {512, 8192}}})),
              product({PLUMB_BF16},
                      with({{"precision", by_tensor_cores}, {"out", {1}}, {"BT", {64}}, {"T", few}}))})});
  }
  grid.forms.push_back({"a off by 4 bytes", product({PLUMB_F32}, {{"offset.a", {4}},
                                                                  {"out", {1}},
                                                                  {"tma", {PLUMB_TMA_OFF}},
                                                                  {"precision", {0, 1, 2}},
                                                                  {"BT", {64}},
                                                                  {"T", {512, 8192}}})});
  return grid;
}

}  // namespace

const std::vector<TuneGrid>& tune_grids() {
  static const std::vector<TuneGrid> grids = {qk_norm_rope_grid(), rms_norm_grid(), rope_grid(), solve_tril_grid()};
  return grids;
}

const TuneGrid* find_tune_grid(std::string_view operator_name) {
  for (const TuneGrid& grid : tune_grids()) {
    if (grid.operator_name == operator_name) return &grid;
  }
  return nullptr;
}

}  // namespace plumb
