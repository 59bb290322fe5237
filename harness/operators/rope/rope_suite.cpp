// rope: its axes, its matrix, its problems.
#include "harness/cases/matrix.h"
#include "harness/error.h"
#include "harness/operators/rotary_inputs.h"
#include "harness/operators/suite.h"
#include "reference/rope/reference.h"

namespace plumb {
namespace {

const Schema& schema() {
  static const Schema instance{
      "rope",
      {PLUMB_BF16, PLUMB_F16, PLUMB_F32},
      {{.name = "tokens", .fallback = 1, .is_shape = true},
       {.name = "hq", .fallback = 1, .is_shape = true},
       {.name = "hk", .fallback = 0, .is_shape = true},
       {.name = "D", .fallback = 64, .is_shape = true},
       {.name = "rotary", .fallback = 64, .is_shape = true},
       {.name = "style", .words = {"neox", "interleaved"}},
       {.name = "cache", .words = {"same", "fp32"}},  // type of the cos/sin cache
       {.name = "positions", .words = kPositionWords},
       {.name = "magnitude", .words = kMagnitudeWords},
       {.name = "layout",
        .words = {"packed", "head_major"}},  // head_major: [heads, tokens, D] seen as [tokens, heads, D]
       {.name = "step", .fallback = 1},      // element stride of q and k
       {.name = "pad.head"},                 // elements between heads
       {.name = "pad.token"},                // elements between tokens (packed layout)
       {.name = "offset.q"},                 // bytes past a 256-byte boundary
       {.name = "offset.k"},
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
  if (point["offset.q"] % element || point["offset.k"] % element) return false;
  if (point["hk"] == 0 && point["offset.k"]) return false;
  if (point["layout"] && point["pad.token"]) return false;
  if (point["tokens"] >= kRepeatedRows) return true;
  return point["tokens"] * (point["hq"] + point["hk"]) * D * point["step"] <= (std::int64_t{1} << 19);
}

std::vector<Case> cases(Tier tier, std::uint64_t seed) {
  Matrix matrix(schema(), seed, is_valid);
  const bool full = tier == Tier::kFull;
  const std::vector<std::int64_t> rotaries = {2, 4, 6, 8, 12, 16, 32, 64, 96, 128, 192, 256};
  const std::vector<std::int64_t> offsets = {0, 2, 4, 8, 16};
  matrix.cross(
      {{"tokens", {0, 1, 5}}, {"hq", {4}}, {"hk", {0, 1}}, {"D", {128}}, {"rotary", {128}}, {"style", {0, 1}}});
  matrix.cross(
      {{"tokens", {7}}, {"hq", {3}}, {"hk", {1}}, {"D", {64, 128, 256}}, {"rotary", rotaries}, {"style", {0, 1}}});
  for (const char* axis : {"offset.q", "offset.k", "offset.cache"}) {
    matrix.cross({{"tokens", {3}},
                  {"hq", {4}},
                  {"hk", {2}},
                  {"D", {128}},
                  {"rotary", {64}},
                  {"style", {0, 1}},
                  {axis, offsets}});
  }
  // Heads and tokens that start anywhere, behind pointers that are aligned.
  for (const char* axis : {"pad.head", "pad.token"}) {
    matrix.cross({{"tokens", {3}}, {"hq", {4}}, {"hk", {2}}, {"D", {128}}, {"rotary", {64}}, {axis, {1, 2, 4, 8}}});
  }
  matrix.cross({{"tokens", {9}},
                {"hq", {2}},
                {"hk", {1}},
                {"D", {64}},
                {"rotary", {32}},
                {"positions", {0, 1, 2, 3}},
                {"style", {0, 1}}});
  matrix.cross({{"tokens", {9}}, {"hq", {2}}, {"hk", {1}}, {"D", {64}}, {"rotary", {4}}, {"positions", {4}}});
  matrix.cross(
      {{"tokens", {5}}, {"hq", {2}}, {"hk", {2}}, {"D", {128}}, {"rotary", {96}}, {"launch", {0, 1, 2, 3, 4, 5}}});
  matrix.cross(
      {{"tokens", {5}}, {"hq", {2}}, {"hk", {2}}, {"D", {128}}, {"rotary", {128}}, {"magnitude", {0, 1, 2, 3, 4}}});
  if (full) {  // more than 2^31 elements
    matrix.cross(
        {{"tokens", {524290}}, {"hq", {32}}, {"hk", {8}}, {"D", {128}}, {"rotary", {128}}, {"style", {0, 1}}});
    matrix.cross({{"tokens", {2796210}}, {"hq", {4}}, {"hk", {1}}, {"D", {192}}, {"rotary", {96}}});
  }
  const AxisValues everything = {{"tokens", {0, 1, 2, 3, 4, 7, 8, 9, 16, 17, 31, 33, 64, 65, 130, 257}},
                                 {"hq", {1, 2, 3, 4, 5, 8, 16, 32}},
                                 {"hk", {0, 1, 2, 3, 8}},
                                 {"D", {2, 8, 32, 64, 64, 72, 96, 128, 128, 128, 192, 256, 256}},
                                 {"rotary", rotaries},
                                 {"style", {0, 1}},
                                 {"cache", {0, 0, 1}},
                                 {"positions", {0, 0, 0, 0, 1, 2, 3, 3}},
                                 {"magnitude", {0, 0, 0, 0, 2, 3, 4}},
                                 {"layout", {0, 0, 1}},
                                 {"step", {1, 1, 1, 1, 1, 1, 2, 3}},
                                 {"pad.head", {0, 0, 0, 8, 2}},
                                 {"pad.token", {0, 0, 0, 8, 1}},
                                 {"offset.q", {0, 0, 0, 0, 2, 4, 8, 16}},
                                 {"offset.k", {0, 0, 0, 0, 2, 4, 8, 16}},
                                 {"offset.positions", {0, 0, 0, 8}},
                                 {"offset.cache", {0, 0, 0, 0, 2, 4, 8, 16}},
                                 {"launch", {0, 0, 0, 0, 1, 2, 3, 4, 5}}};
  // Half of the sample keeps to what the fast paths ask for: drawn freely, hardly a case would reach them.
  const AxisValues aligned = {{"D", {64, 128, 128, 192, 256}},
                              {"rotary", {16, 32, 64, 96, 128, 192, 256}},
                              {"step", {1}},
                              {"pad.head", {0, 0, 8}},
                              {"pad.token", {0, 0, 8}},
                              {"offset.q", {0, 0, 16}},
                              {"offset.k", {0, 0, 16}},
                              {"offset.cache", {0, 0, 16}}};
  const std::size_t wanted = full ? 5000 : 520, free_draws = wanted > matrix.size() ? wanted - matrix.size() : 0;
  matrix.sample(replaced(everything, aligned), free_draws / 2, 12);
  matrix.sample(everything, free_draws - free_draws / 2, 2);
  // Many tokens for each of few multiprocessors.
  matrix.cross({{"tokens", {100}},
                {"hq", {8}},
                {"hk", {2}},
                {"D", {64, 128}},
                {"rotary", {64}},
                {"style", {0, 1}},
                {"sms", {1, 3}}});
  if (full) matrix.sample(with(replaced(everything, aligned), {"sms", {1, 2, 5}}), 300, 32);
  return matrix.take();
}

Problem build(const Case& point) {
  const std::int64_t tokens = point["tokens"], D = point["D"], step = point["step"], rotary = point["rotary"];
  if (rotary < 2 || rotary % 2 || rotary > D) {
    throw HarnessError("rope: rotary is " + std::to_string(rotary) + ", expected an even number from 2 to D");
  }
  if (step < 1) throw HarnessError("rope: step is " + std::to_string(step) + ", expected at least 1");
  Problem problem;
  set_launch(problem, point);
  auto& tensors = problem.tensors;
  tensors.resize(PLUMB_ROPE_TENSOR_COUNT);

  const auto heads_of = [&](const char* name, int index, std::int64_t heads) {
    const std::int64_t head = D * step + point["pad.head"];
    const bool head_major = point["layout"];
    const std::int64_t token_stride = head_major ? head : heads * head + point["pad.token"];
    const std::int64_t head_stride = head_major ? std::max<std::int64_t>(tokens, 1) * head : head;
    HostTensor tensor = allocate(name, index, Role::kInOut, point.dtype, {tokens, heads, D},
                                 {token_stride, head_stride, step}, point[std::string("offset.") + name]);
    fill_activations(tensor, static_cast<Magnitude>(point["magnitude"]),
                     RandomStream(point.seed, static_cast<std::uint32_t>(index)), heads * D);
    return tensor;
  };
  tensors[PLUMB_ROPE_Q] = heads_of("q", PLUMB_ROPE_Q, point["hq"]);
  if (point["hk"] > 0) tensors[PLUMB_ROPE_K] = heads_of("k", PLUMB_ROPE_K, point["hk"]);

  add_rotary_inputs(problem, point, PLUMB_ROPE_POSITIONS, PLUMB_ROPE_COS_SIN_CACHE);
  problem.outputs = {PLUMB_ROPE_Q, PLUMB_ROPE_K};

  auto params = versioned<plumb_rope_params>();
  params.style = static_cast<std::int32_t>(point["style"]);
  params.rotary_dim = static_cast<std::int32_t>(rotary);
  problem.params = Params::of(params);
  return problem;
}

std::vector<Expectation> oracle(const Problem& problem) {
  return rope_oracle(problem.params.as<plumb_rope_params>(), problem.views());
}

void replay(Problem& problem) { rope_replay(problem.params.as<plumb_rope_params>(), problem.views()); }

std::vector<Case> headline_points(std::uint64_t seed) {
  Matrix matrix(schema(), seed, [](const Case& point) { return point.dtype == PLUMB_BF16; });
  const std::vector<std::int64_t> tokens = {1, 16, 256, 1024, 4096, 16384, 65536};
  for (const ModelShape& shape : kModelShapes) {
    matrix.cross({{"hq", {shape.heads_q}},
                  {"hk", {shape.heads_k}},
                  {"D", {shape.head_dim}},
                  {"rotary", {shape.rotary_dim}},
                  {"tokens", tokens}});
  }
  return matrix.take();
}

Traffic traffic(const Problem& problem) {
  Traffic traffic;
  for (const int index : problem.outputs) {
    const plumb_tensor& heads = problem.tensors[static_cast<std::size_t>(index)].view;
    if (!is_present(heads)) continue;
    const auto rotary = problem.params.as<plumb_rope_params>().rotary_dim;
    const std::int64_t bytes =
        heads.shape[0] * heads.shape[1] * rotary * static_cast<std::int64_t>(size_of(dtype_of(heads)));
    traffic.read_bytes += bytes;
    traffic.written_bytes += bytes;
  }
  traffic.read_bytes +=
      rotary_bytes(problem.tensors[PLUMB_ROPE_POSITIONS], problem.tensors[PLUMB_ROPE_COS_SIN_CACHE]);
  return traffic;
}

}  // namespace

const OperatorSuite& rope_suite() {
  static constexpr OperatorSuite suite{"rope", schema,          cases,   build,    oracle,
                                       replay, headline_points, traffic, "tokens", 0};
  return suite;
}

}  // namespace plumb
