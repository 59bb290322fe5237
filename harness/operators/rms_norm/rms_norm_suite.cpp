// rms_norm: its axes, its matrix, its problems.
#include "harness/cases/fill.h"
#include "harness/cases/matrix.h"
#include "harness/error.h"
#include "harness/operators/suite.h"
#include "reference/rms_norm/reference.h"

namespace plumb {
namespace {

const std::vector<std::string> kNoYes = {"no", "yes"};
const std::vector<std::string> kEpsWords = {"1e-6", "1e-5", "0", "1"};
constexpr float kEps[] = {1e-6f, 1e-5f, 0.0f, 1.0f};

const Schema& schema() {
  static const Schema instance{"rms_norm",
                               {PLUMB_BF16, PLUMB_F16, PLUMB_F32},
                               {{.name = "rows", .fallback = 1, .is_shape = true},
                                {.name = "hidden", .fallback = 1, .is_shape = true},
                                {.name = "residual", .words = kNoYes},
                                {.name = "gemma", .words = kNoYes},  // weight_offset 1
                                {.name = "rounding", .words = {"once", "before_weight"}},
                                {.name = "weight", .words = {"same", "fp32"}},  // type of the weight
                                {.name = "eps", .words = kEpsWords},
                                {.name = "magnitude", .words = kMagnitudeWords},
                                {.name = "inplace", .words = kNoYes},  // y is x
                                {.name = "pad.x"},                     // elements between rows
                                {.name = "pad.residual"},
                                {.name = "pad.y"},
                                {.name = "offset.x"},  // bytes past a 256-byte boundary
                                {.name = "offset.weight"},
                                {.name = "offset.residual"},
                                {.name = "offset.y"},
                                kLaunchAxis,
                                kMultiprocessorsAxis}};
  return instance;
}

bool is_valid(const Case& point) {
  const auto element = static_cast<std::int64_t>(size_of(point.dtype));
  const bool residual = point["residual"], inplace = point["inplace"];
  const std::int64_t weight = point["weight"] || point.dtype == PLUMB_F32 ? 4 : element;
  if (point["offset.x"] % element || point["offset.residual"] % element || point["offset.y"] % element)
    return false;
  if (point["offset.weight"] % weight) return false;
  if (!residual && (point["pad.residual"] || point["offset.residual"])) return false;
  if (inplace && (point["pad.y"] || point["offset.y"])) return false;
  if (point.dtype == PLUMB_F32 && (point["weight"] || point["rounding"])) return false;  // the same as the default
  // With a mean square of 1e-77 and no eps nothing but NaN and infinity would come out.
  if (point["magnitude"] == static_cast<int>(Magnitude::kTiny) && point.text("eps") == "0") return false;
  if (point["rows"] >= kRepeatedRows) return true;
  return point["rows"] * point["hidden"] <= (std::int64_t{1} << 20);
}

std::vector<Case> cases(Tier tier, std::uint64_t seed) {
  Matrix matrix(schema(), seed, is_valid);
  const bool full = tier == Tier::kFull;
  const std::vector<std::int64_t> hidden_edges = {1,    2,    3,    7,    8,    9,    16,   31,    64,    100,
                                                  127,  128,  129,  255,  256,  257,  512,  768,   769,   1000,
                                                  1024, 1025, 2048, 3584, 4096, 5120, 8192, 16384, 32768, 65536};
  const std::vector<std::int64_t> offsets = {0, 2, 4, 8, 16};
  matrix.cross({{"rows", {0, 1, 3}}, {"hidden", {128, 769}}});
  matrix.cross({{"rows", {3}}, {"hidden", hidden_edges}});
  matrix.cross({{"rows", {5}},
                {"hidden", {100, 128, 769, 1024}},
                {"residual", {0, 1}},
                {"gemma", {0, 1}},
                {"rounding", {0, 1}}});
  for (const char* axis : {"offset.x", "offset.weight", "offset.residual", "offset.y"}) {
    matrix.cross({{"rows", {3}}, {"hidden", {1024}}, {"residual", {1}}, {axis, offsets}});
  }
  // Rows that start anywhere, behind pointers that are aligned: the stride's alignment is a condition of its own.
  for (const char* axis : {"pad.x", "pad.residual", "pad.y"}) {
    matrix.cross({{"rows", {3}}, {"hidden", {128, 1024}}, {"residual", {0, 1}}, {axis, {1, 2, 4, 8}}});
  }
  matrix.cross({{"rows", {4}}, {"hidden", {128, 1000}}, {"magnitude", {0, 1, 2, 3, 4}}, {"eps", {0, 2}}});
  matrix.cross({{"rows", {3}}, {"hidden", {256}}, {"launch", {0, 1, 2, 3, 4, 5}}, {"inplace", {0, 1}}});
  matrix.cross({{"rows", {127, 128, 129, 1000}}, {"hidden", {128, 256}}});
  if (full) {
    // More than 2^31 elements.
    matrix.cross({{"rows", {16777226}}, {"hidden", {128}}});
    matrix.cross({{"rows", {524290}}, {"hidden", {4096}}, {"residual", {0, 1}}});
    matrix.cross({{"rows", {2767420}}, {"hidden", {776}}});
    matrix.cross({{"rows", {2}},
                  {"hidden", {128, 1024}},
                  {"offset.x", offsets},
                  {"offset.weight", {0, 4, 8}},
                  {"offset.y", offsets}});
    matrix.cross({{"rows", {1, 2, 7}}, {"hidden", hidden_edges}, {"residual", {0, 1}}});
  }
  const AxisValues everything = {{"rows", {0, 1, 2, 3, 4, 5, 7, 8, 15, 17, 31, 33, 64, 65, 127, 129, 257, 1001}},
                                 {"hidden", hidden_edges},
                                 {"residual", {0, 0, 1}},
                                 {"gemma", {0, 0, 1}},
                                 {"rounding", {0, 0, 1}},
                                 {"weight", {0, 0, 1}},
                                 {"eps", {0, 0, 1, 2, 3}},
                                 {"magnitude", {0, 0, 0, 1, 2, 3, 4}},
                                 {"inplace", {0, 0, 1}},
                                 {"pad.x", {0, 0, 0, 1, 8, 24}},
                                 {"pad.residual", {0, 0, 0, 1, 8}},
                                 {"pad.y", {0, 0, 0, 1, 8, 24}},
                                 {"offset.x", {0, 0, 0, 2, 4, 8, 16}},
                                 {"offset.weight", {0, 0, 0, 2, 4, 8, 16}},
                                 {"offset.residual", {0, 0, 0, 2, 4, 8}},
                                 {"offset.y", {0, 0, 0, 2, 4, 8, 16}},
                                 {"launch", {0, 0, 0, 0, 1, 2, 3, 4, 5}}};
  // Half of the sample keeps to what the fast paths ask for: drawn freely, hardly a case would reach them.
  const AxisValues aligned = {
      {"hidden", {8, 16, 64, 128, 256, 512, 768, 1024, 2048, 3584, 4096, 5120, 8192, 16384, 32768}},
      {"pad.x", {0, 0, 8, 24}},
      {"pad.residual", {0, 0, 8}},
      {"pad.y", {0, 0, 8, 24}},
      {"offset.x", {0, 0, 0, 16}},
      {"offset.weight", {0, 0, 0, 16}},
      {"offset.residual", {0}},
      {"offset.y", {0, 0, 0, 16}}};
  const std::size_t wanted = full ? 5000 : 520, free_draws = wanted > matrix.size() ? wanted - matrix.size() : 0;
  matrix.sample(replaced(everything, aligned), free_draws / 2, 11);
  matrix.sample(everything, free_draws - free_draws / 2, 1);
  // Many rows for each of few multiprocessors.
  matrix.cross({{"rows", {300}}, {"hidden", {8, 128, 769, 1024}}, {"residual", {0, 1}}, {"sms", {1}}});
  matrix.cross({{"rows", {17}}, {"hidden", {4096, 16384}}, {"inplace", {0, 1}}, {"sms", {1, 3}}});
  if (full) matrix.sample(with(replaced(everything, aligned), {"sms", {1, 2, 5}}), 300, 31);
  return matrix.take();
}

Problem build(const Case& point) {
  const std::int64_t rows = point["rows"], hidden = point["hidden"];
  if (hidden < 1) throw HarnessError("rms_norm: hidden is 0, expected at least 1");
  const bool residual = point["residual"], inplace = point["inplace"];
  const plumb_dtype weight_dtype = point["weight"] ? PLUMB_F32 : point.dtype;
  const auto magnitude = static_cast<Magnitude>(point["magnitude"]);

  Problem problem;
  set_launch(problem, point);
  auto& tensors = problem.tensors;
  tensors.resize(PLUMB_RMS_NORM_TENSOR_COUNT);
  const auto matrix_of = [&](const char* name, int index, Role role) {
    const std::string axis = name;
    return allocate(name, index, role, point.dtype, {rows, hidden}, {hidden + point["pad." + axis], 1},
                    point["offset." + axis]);
  };
  auto& x = tensors[PLUMB_RMS_NORM_X] = matrix_of("x", PLUMB_RMS_NORM_X, inplace ? Role::kInOut : Role::kInput);
  fill_activations(x, magnitude, RandomStream(point.seed, PLUMB_RMS_NORM_X), hidden);
  auto& weight = tensors[PLUMB_RMS_NORM_WEIGHT] =
      allocate("weight", PLUMB_RMS_NORM_WEIGHT, Role::kInput, weight_dtype, {hidden}, {}, point["offset.weight"]);
  weight.is_constant = true;
  // Gemma's weights are small around 0, the others' around 1.
  const RandomStream weights(point.seed, PLUMB_RMS_NORM_WEIGHT);
  const double centre = point["gemma"] ? 0.0 : 1.0;
  fill(weight, [&](std::int64_t i) { return centre + 0.2 * weights.normal(static_cast<std::uint64_t>(i)); });
  if (residual) {
    tensors[PLUMB_RMS_NORM_RESIDUAL] = matrix_of("residual", PLUMB_RMS_NORM_RESIDUAL, Role::kInOut);
    fill_activations(tensors[PLUMB_RMS_NORM_RESIDUAL],
                     magnitude == Magnitude::kSpecial ? Magnitude::kUnit : magnitude,
                     RandomStream(point.seed, PLUMB_RMS_NORM_RESIDUAL), hidden);
  }
  if (inplace) {
    HostTensor& y = tensors[PLUMB_RMS_NORM_Y];
    y.name = std::string("y");  // g++ 12 warns of the plain literal
    y.role = Role::kInOut;
    y.view = x.view;
    y.alias_of = PLUMB_RMS_NORM_X;
  } else {
    tensors[PLUMB_RMS_NORM_Y] = matrix_of("y", PLUMB_RMS_NORM_Y, Role::kOutput);
  }
  problem.outputs = {PLUMB_RMS_NORM_RESIDUAL, inplace ? PLUMB_RMS_NORM_X : PLUMB_RMS_NORM_Y};

  auto params = versioned<plumb_rms_norm_params>();
  params.eps = kEps[point["eps"]];
  params.weight_offset = static_cast<float>(point["gemma"]);
  params.rounding = static_cast<std::int32_t>(point["rounding"]);
  problem.params = Params::of(params);
  return problem;
}

std::vector<Expectation> oracle(const Problem& problem) {
  return rms_norm_oracle(problem.params.as<plumb_rms_norm_params>(), problem.views());
}

void replay(Problem& problem) { rms_norm_replay(problem.params.as<plumb_rms_norm_params>(), problem.views()); }

std::vector<Case> headline_points(std::uint64_t seed) {
  Matrix matrix(schema(), seed, [](const Case& point) { return point.dtype == PLUMB_BF16; });
  matrix.cross(
      {{"hidden", {128, 1024, 2048, 4096, 5120, 8192}}, {"rows", {1, 16, 256, 1024, 4096, 8192, 16384, 65536}}});
  return matrix.take();
}

Traffic traffic(const Problem& problem) {
  const plumb_tensor& x = problem.tensors[PLUMB_RMS_NORM_X].view;
  const std::int64_t bytes = element_count(x) * static_cast<std::int64_t>(size_of(dtype_of(x)));
  const std::int64_t residual = is_present(problem.tensors[PLUMB_RMS_NORM_RESIDUAL].view) ? bytes : 0;
  const plumb_tensor& weight = problem.tensors[PLUMB_RMS_NORM_WEIGHT].view;
  const std::int64_t weights = element_count(weight) * static_cast<std::int64_t>(size_of(dtype_of(weight)));
  return {bytes + residual + weights, bytes + residual};
}

}  // namespace

const OperatorSuite& rms_norm_suite() {
  static constexpr OperatorSuite suite{"rms_norm", schema,          cases,   build,  oracle,
                                       replay,     headline_points, traffic, "rows", 0};
  return suite;
}

}  // namespace plumb
