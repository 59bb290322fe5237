// qk_norm_rope: its axes, its matrix, its problems.
#include "harness/cases/matrix.h"
#include "harness/check/selection.h"
#include "harness/error.h"
#include "harness/operators/rotary_inputs.h"
#include "harness/operators/suite.h"
#include "reference/qk_norm_rope/reference.h"

namespace plumb {
namespace {

constexpr float kEps[] = {1e-6f, 1e-5f, 0.0f, 1.0f};
constexpr int kHeadsPerWarp[] = {-1, 1, 2, 4, 8};

const Schema& schema() {
  static const Schema instance{"qk_norm_rope",
                               {PLUMB_BF16, PLUMB_F16, PLUMB_F32},
                               {{.name = "tokens", .fallback = 1, .is_shape = true},
                                {.name = "hq", .fallback = 1, .is_shape = true},
                                {.name = "hk", .fallback = 1, .is_shape = true},
                                {.name = "hv", .fallback = 1, .is_shape = true},
                                {.name = "D", .fallback = 128, .is_shape = true},
                                {.name = "rotary", .fallback = 128, .is_shape = true},
                                {.name = "style", .words = {"neox", "interleaved"}},
                                {.name = "hpw", .words = {"auto", "1", "2", "4", "8"}},  // heads_per_warp
                                {.name = "cache", .words = {"same", "fp32"}},  // type of the cos/sin cache
                                {.name = "eps", .words = {"1e-6", "1e-5", "0", "1"}},
                                {.name = "positions", .words = kPositionWords},
                                {.name = "magnitude", .words = kMagnitudeWords},
                                {.name = "pad.qkv"},     // elements between tokens
                                {.name = "offset.qkv"},  // bytes past a 256-byte boundary
                                {.name = "offset.q_weight"},
                                {.name = "offset.k_weight"},
                                {.name = "offset.positions"},
                                {.name = "offset.cache"},
                                kLaunchAxis,
                                kMultiprocessorsAxis}};
  return instance;
}

bool is_valid(const Case& point) {
  const auto element = static_cast<std::int64_t>(size_of(point.dtype));
  const std::int64_t D = point["D"];
  if (!rotary_axes_are_valid(point)) return false;
  for (const char* axis : {"offset.qkv", "offset.q_weight", "offset.k_weight"}) {
    if (point[axis] % element) return false;
  }
  // heads_per_warp is a setting of the staged kernels for these head dimensions
  if (point["hpw"] && D != 64 && D != 128 && D != 256) return false;
  if (point["magnitude"] == static_cast<int>(Magnitude::kTiny) && point.text("eps") == "0") return false;
  if (point["tokens"] >= kRepeatedRows) return true;
  return point["tokens"] * (point["hq"] + point["hk"] + point["hv"]) * D <= (std::int64_t{1} << 19);
}

std::vector<Case> cases(Tier tier, std::uint64_t seed) {
  Matrix matrix(schema(), seed, is_valid);
  const bool full = tier == Tier::kFull;
  const std::vector<std::int64_t> rotaries = {2, 4, 6, 8, 12, 16, 32, 64, 96, 128, 192, 256};
  const std::vector<std::int64_t> offsets = {0, 2, 4, 8, 16};
  matrix.cross({{"tokens", {0, 1, 17}},
                {"hq", {4}},
                {"hk", {2}},
                {"hv", {2}},
                {"D", {128}},
                {"rotary", {128}},
                {"style", {0, 1}}});
  matrix.cross({{"tokens", {5}},
                {"hq", {5}},
                {"hk", {2}},
                {"hv", {1}},
                {"D", {64, 128, 256}},
                {"rotary", rotaries},
                {"style", {0, 1}}});
  matrix.cross({{"tokens", {3}},
                {"hq", {3}},
                {"hk", {2}},
                {"hv", {1}},
                {"D", {64, 128, 256}},
                {"rotary", {64}},
                {"hpw", {1, 2, 3, 4}}});
  for (const char* axis : {"offset.qkv", "offset.q_weight", "offset.k_weight", "offset.cache"}) {
    matrix.cross({{"tokens", {3}},
                  {"hq", {4}},
                  {"hk", {2}},
                  {"hv", {1}},
                  {"D", {128}},
                  {"rotary", {64}},
                  {"style", {0, 1}},
                  {axis, offsets}});
  }
  matrix.cross({{"tokens", {9}},
                {"hq", {2}},
                {"hk", {1}},
                {"D", {64}},
                {"rotary", {32}},
                {"positions", {0, 1, 2, 3}},
                {"style", {0, 1}}});
  matrix.cross({{"tokens", {9}}, {"hq", {2}}, {"hk", {1}}, {"D", {64}}, {"rotary", {4}}, {"positions", {4}}});
  matrix.cross({{"tokens", {5}}, {"hq", {2}}, {"hk", {1}}, {"rotary", {64}}, {"launch", {0, 1, 2, 3, 4, 5}}});
  matrix.cross({{"tokens", {5}},
                {"hq", {2}},
                {"hk", {1}},
                {"rotary", {128}},
                {"magnitude", {0, 1, 2, 3, 4}},
                {"eps", {0, 2}}});
  if (full) {  // more than 2^31 elements
    matrix.cross({{"tokens", {524290}},
                  {"hq", {24}},
                  {"hk", {4}},
                  {"hv", {4}},
                  {"D", {128}},
                  {"rotary", {128}},
                  {"style", {0, 1}}});
    matrix.cross({{"tokens", {524290}}, {"hq", {60}}, {"hk", {2}}, {"hv", {2}}, {"D", {64}}, {"rotary", {64}}});
    matrix.cross({{"tokens", {524290}}, {"hq", {12}}, {"hk", {2}}, {"hv", {2}}, {"D", {256}}, {"rotary", {64}}});
  }
  // Tokens that start anywhere, behind pointers that are aligned.
  matrix.cross({{"tokens", {3}},
                {"hq", {4}},
                {"hk", {2}},
                {"hv", {1}},
                {"D", {128}},
                {"rotary", {64}},
                {"pad.qkv", {1, 2, 4, 8}}});
  const AxisValues everything = {{"tokens", {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 33, 64, 65, 127, 130, 257}},
                                 {"hq", {1, 2, 3, 4, 5, 7, 8, 16, 32}},
                                 {"hk", {0, 1, 2, 3, 8}},
                                 {"hv", {0, 1, 2, 8}},
                                 {"D", {2, 32, 64, 64, 64, 80, 96, 128, 128, 128, 128, 192, 256, 256, 512}},
                                 {"rotary", rotaries},
                                 {"style", {0, 1}},
                                 {"hpw", {0, 0, 0, 1, 2, 3, 4}},
                                 {"cache", {0, 0, 1}},
                                 {"eps", {0, 0, 1, 2, 3}},
                                 {"positions", {0, 0, 0, 0, 1, 2, 3, 3}},
                                 {"magnitude", {0, 0, 0, 0, 1, 2, 3, 4}},
                                 {"pad.qkv", {0, 0, 0, 8, 1, 64}},
                                 {"offset.qkv", {0, 0, 0, 0, 2, 4, 8, 16}},
                                 {"offset.q_weight", {0, 0, 0, 0, 2, 4, 8, 16}},
                                 {"offset.k_weight", {0, 0, 0, 0, 2, 4, 8, 16}},
                                 {"offset.positions", {0, 0, 0, 8}},
                                 {"offset.cache", {0, 0, 0, 0, 2, 4, 8, 16}},
                                 {"launch", {0, 0, 0, 0, 1, 2, 3, 4, 5}}};
  // Half of the sample keeps to what the fast paths ask for: drawn freely, hardly a case would reach them.
  const AxisValues aligned = {{"D", {64, 128, 128, 256}},      {"rotary", {16, 32, 64, 96, 128, 192, 256}},
                              {"pad.qkv", {0, 0, 8, 64}},      {"offset.qkv", {0, 0, 16}},
                              {"offset.q_weight", {0, 0, 16}}, {"offset.k_weight", {0, 0, 16}},
                              {"offset.cache", {0, 0, 16}}};
  const std::size_t wanted = full ? 6000 : 620, free_draws = wanted > matrix.size() ? wanted - matrix.size() : 0;
  matrix.sample(replaced(everything, aligned), free_draws / 2, 13);
  matrix.sample(everything, free_draws - free_draws / 2, 3);
  // Many tokens for each of few multiprocessors.
  matrix.cross({{"tokens", {50}},
                {"hq", {8}},
                {"hk", {2}},
                {"hv", {2}},
                {"D", {64, 128, 256}},
                {"rotary", {64}},
                {"style", {0, 1}},
                {"sms", {1, 3}}});
  if (full) matrix.sample(with(replaced(everything, aligned), {"sms", {1, 2, 5}}), 300, 33);
  return matrix.take();
}

Problem build(const Case& point) {
  const std::int64_t tokens = point["tokens"], D = point["D"], rotary = point["rotary"];
  if (rotary < 2 || rotary % 2 || rotary > D) {
    throw HarnessError("qk_norm_rope: rotary is " + std::to_string(rotary) +
                       ", expected an even number from 2 to D");
  }
  const std::int64_t width = (point["hq"] + point["hk"] + point["hv"]) * D;
  Problem problem;
  set_launch(problem, point);
  auto& tensors = problem.tensors;
  tensors.resize(PLUMB_QK_NORM_ROPE_TENSOR_COUNT);
  const auto stream = [&](int index) { return RandomStream(point.seed, static_cast<std::uint32_t>(index)); };

  auto& qkv = tensors[PLUMB_QK_NORM_ROPE_QKV] =
      allocate("qkv", PLUMB_QK_NORM_ROPE_QKV, Role::kInOut, point.dtype, {tokens, width},
               {width + point["pad.qkv"], 1}, point["offset.qkv"]);
  fill_activations(qkv, static_cast<Magnitude>(point["magnitude"]), stream(PLUMB_QK_NORM_ROPE_QKV), width);
  for (const auto& [name, index] :
       {std::pair{"q_weight", PLUMB_QK_NORM_ROPE_Q_WEIGHT}, std::pair{"k_weight", PLUMB_QK_NORM_ROPE_K_WEIGHT}}) {
    auto& weight = tensors[static_cast<std::size_t>(index)] =
        allocate(name, index, Role::kInput, point.dtype, {D}, {}, point[std::string("offset.") + name]);
    weight.is_constant = true;
    fill(weight, [random = stream(index)](std::int64_t i) {
      return 1.0 + 0.2 * random.normal(static_cast<std::uint64_t>(i));
    });
  }
  add_rotary_inputs(problem, point, PLUMB_QK_NORM_ROPE_POSITIONS, PLUMB_QK_NORM_ROPE_COS_SIN_CACHE);
  problem.outputs = {PLUMB_QK_NORM_ROPE_QKV};

  auto params = versioned<plumb_qk_norm_rope_params>();
  params.heads_q = static_cast<std::int32_t>(point["hq"]);
  params.heads_k = static_cast<std::int32_t>(point["hk"]);
  params.heads_v = static_cast<std::int32_t>(point["hv"]);
  params.head_dim = static_cast<std::int32_t>(D);
  params.rotary_dim = static_cast<std::int32_t>(rotary);
  params.style = static_cast<std::int32_t>(point["style"]);
  params.heads_per_warp = kHeadsPerWarp[point["hpw"]];
  params.eps = kEps[point["eps"]];
  problem.params = Params::of(params);
  return problem;
}

std::vector<Expectation> oracle(const Problem& problem) {
  return qk_norm_rope_oracle(problem.params.as<plumb_qk_norm_rope_params>(), problem.views());
}

void replay(Problem& problem) {
  qk_norm_rope_replay(problem.params.as<plumb_qk_norm_rope_params>(), problem.views());
}

std::vector<Case> headline_points(std::uint64_t seed) {
  Matrix matrix(schema(), seed, [](const Case& point) { return point.dtype == PLUMB_BF16; });
  const std::vector<std::int64_t> tokens = {1, 16, 256, 1024, 4096, 16384, 65536};
  for (const ModelShape& shape : kModelShapes) {
    matrix.cross({{"hq", {shape.heads_q}},
                  {"hk", {shape.heads_k}},
                  {"hv", {shape.heads_k}},
                  {"D", {shape.head_dim}},
                  {"rotary", {shape.rotary_dim}},
                  {"tokens", tokens}});
  }
  return matrix.take();
}

Traffic traffic(const Problem& problem) {
  const auto& params = problem.params.as<plumb_qk_norm_rope_params>();
  const plumb_tensor& qkv = problem.tensors[PLUMB_QK_NORM_ROPE_QKV].view;
  const auto element = static_cast<std::int64_t>(size_of(dtype_of(qkv)));
  const std::int64_t bytes = qkv.shape[0] * (params.heads_q + params.heads_k) * params.head_dim * element;
  const std::int64_t weights = 2 * params.head_dim * element;
  return {bytes + weights +
              rotary_bytes(problem.tensors[PLUMB_QK_NORM_ROPE_POSITIONS],
                           problem.tensors[PLUMB_QK_NORM_ROPE_COS_SIN_CACHE]),
          bytes};
}

// A variant serves one number of heads per warp at most, and d<N> in its name heads of N elements alone.
void policy_faults(const plumb_operator& op, const plumb_call& call, std::vector<std::string>& faults) {
  std::vector<int> served(static_cast<std::size_t>(op.variant_count));
  for (const std::int32_t heads_per_warp : {1, 2, 4, 8}) {
    auto params = *static_cast<const plumb_qk_norm_rope_params*>(call.params);
    params.heads_per_warp = heads_per_warp;
    plumb_call asked = call;
    asked.params = &params;
    const Answers answers = ask(op, asked);
    for (std::int32_t variant = 0; variant < op.variant_count; ++variant) {
      int& already = served[static_cast<std::size_t>(variant)];
      if (!answers.serves(variant)) continue;
      if (already != 0) {
        faults.push_back(std::string(op.variant(variant)->name) + " serves heads_per_warp " +
                         std::to_string(already) + " and " + std::to_string(heads_per_warp));
      }
      already = heads_per_warp;
    }
  }
  const auto& params = *static_cast<const plumb_qk_norm_rope_params*>(call.params);
  const Answers answers = ask(op, call);
  for (std::int32_t variant = 0; variant < op.variant_count; ++variant) {
    const int head_dim = promised(op.variant(variant)->name, "d");
    if (head_dim == 0 || head_dim == params.head_dim || !answers.serves(variant)) continue;
    faults.push_back(std::string(op.variant(variant)->name) + " supports heads of " +
                     std::to_string(params.head_dim));
  }
}

}  // namespace

const OperatorSuite& qk_norm_rope_suite() {
  static constexpr OperatorSuite suite{"qk_norm_rope",  schema,  cases,    build, oracle,       replay,
                                       headline_points, traffic, "tokens", 0,     policy_faults};
  return suite;
}

}  // namespace plumb
