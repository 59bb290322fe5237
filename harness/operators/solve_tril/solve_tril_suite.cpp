// solve_tril: its axes, its matrix, its problems.
#include "harness/cases/fill.h"
#include "harness/cases/matrix.h"
#include "harness/check/selection.h"
#include "harness/error.h"
#include "harness/operators/solve_tril/solve_tril_inputs.h"
#include "harness/operators/suite.h"
#include "reference/solve_tril/reference.h"

namespace plumb {
namespace {

constexpr std::int64_t kManySequences = 3 * 70000;  // tokens; more sequences than a grid may have in y or z
constexpr plumb_dtype kOutTypes[] = {PLUMB_F32, PLUMB_BF16, PLUMB_F16};

const Schema& schema() {
  static const Schema instance{
      "solve_tril",
      {PLUMB_F32, PLUMB_BF16, PLUMB_F16},
      {{.name = "B", .fallback = 1, .is_shape = true},
       {.name = "T", .fallback = 64, .is_shape = true},
       {.name = "H", .fallback = 1, .is_shape = true},
       {.name = "BT", .fallback = 64, .is_shape = true},
       {.name = "out", .words = {"fp32", "bf16", "fp16"}},
       {.name = "precision", .words = {"ieee", "tf32x3", "tf32"}},
       {.name = "tma", .fallback = PLUMB_TMA_AUTO, .words = {"off", "on", "auto"}},
       {.name = "fla", .words = {"unset", "0", "1"}},  // FLA_USE_TMA
       {.name = "seqs", .words = kSequenceWords},
       {.name = "cu", .words = {"i64", "i32"}},  // type of cu_seqlens
       {.name = "keys", .words = kKeyWords},
       {.name = "decay", .words = kDecayWords},
       {.name = "beta", .words = {"to1", "near2"}},
       {.name = "garbage", .words = kGarbageWords},
       {.name = "special", .words = {"no", "yes"}},  // a NaN and an Inf below the diagonal
       {.name = "layout",
        .words = {"token_major", "head_major"}},  // head_major: [B, H, T, BT] seen as [B, T, H, BT]
       {.name = "pad.a"},                         // elements between rows
       {.name = "pad.x"},
       {.name = "offset.a"},  // bytes past a 256-byte boundary
       {.name = "offset.x"},
       {.name = "offset.cu"},
       kLaunchAxis,
       kMultiprocessorsAxis}};
  return instance;
}

bool is_valid(const Case& point) {
  const auto in = static_cast<std::int64_t>(size_of(point.dtype));
  const auto out = static_cast<std::int64_t>(size_of(kOutTypes[point["out"]]));
  if (point["offset.a"] % in || point["offset.x"] % out) return false;
  const bool dense = point["seqs"] == static_cast<int>(Sequences::kDense);
  if (!dense && (point["B"] != 1 || point["T"] == 0)) return false;
  if (dense && (point["cu"] || point["offset.cu"])) return false;
  if (point["offset.cu"] % (point["cu"] ? 4 : 8)) return false;
  if (point["T"] >= kManySequences) return dense == (point["T"] >= kRepeatedRows);  // few, and meant so
  return point["B"] * point["T"] * point["H"] * point["BT"] <= (std::int64_t{1} << 19);
}

std::vector<Case> cases(Tier tier, std::uint64_t seed) {
  Matrix matrix(schema(), seed, is_valid);
  const bool full = tier == Tier::kFull;
  const std::vector<std::int64_t> lengths = {0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129};
  matrix.cross({{"T", lengths}, {"H", {2}}, {"BT", {16, 32, 64}}});
  matrix.cross({{"T", {70}}, {"H", {3}}, {"BT", {16, 32, 64}}, {"out", {0, 1, 2}}, {"garbage", {0, 2}}});
  matrix.cross({{"T", {150}}, {"H", {2}}, {"BT", {16, 32, 64}}, {"seqs", {1, 2, 3, 4}}, {"cu", {0, 1}}});
  matrix.cross({{"T", {96}}, {"H", {2}}, {"tma", {0, 1, 2}}, {"fla", {0, 1, 2}}});
  matrix.cross({{"T", {130}}, {"H", {1}}, {"keys", {0, 1, 2, 3, 4}}, {"decay", {0, 1, 2}}, {"beta", {0, 1}}});
  for (const char* axis : {"offset.a", "offset.x"}) {
    matrix.cross({{"T", {70}}, {"H", {2}}, {"BT", {16, 64}}, {"out", {1}}, {axis, {0, 2, 4, 8, 16}}});
  }
  matrix.cross({{"T", {80}}, {"H", {2}}, {"BT", {32, 64}}, {"launch", {0, 1, 2, 3, 4, 5}}, {"special", {0, 1}}});
  matrix.cross({{"B", {3}},
                {"T", {70}},
                {"H", {2}},
                {"layout", {0, 1}},
                {"pad.a", {0, 1, 2, 4, 8}},
                {"pad.x", {0, 1, 2, 4, 8}}});
  if (full) {
    matrix.cross({{"T", {kManySequences}}, {"H", {1}}, {"BT", {16, 32}}, {"seqs", {5}}});
    matrix.cross({{"T", {129}}, {"H", {2}}, {"BT", {16, 64}}, {"seqs", {6}}, {"cu", {0, 1}}});
    // More than 2^31 elements.
    matrix.cross({{"T", {1048643}}, {"H", {32}}, {"BT", {64}}, {"out", {0, 1}}, {"tma", {0, 1}}});
    matrix.cross({{"T", {4194323}}, {"H", {32}}, {"BT", {16}}, {"out", {1}}});
  }
  const AxisValues everything = {{"B", {1, 1, 1, 2, 3}},
                                 {"T", {1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 100, 128, 129, 200, 257, 513, 1025}},
                                 {"H", {1, 2, 3, 4, 5, 8, 16, 33}},
                                 {"BT", {16, 32, 64, 64}},
                                 {"out", {0, 1, 2}},
                                 {"tma", {2, 2, 2, 0, 1}},
                                 {"fla", {0, 0, 1, 2}},
                                 {"seqs", {0, 0, 0, 1, 2, 2, 3, 4}},
                                 {"cu", {0, 0, 1}},
                                 {"keys", {0, 1, 2, 3, 4}},
                                 {"decay", {0, 1, 1, 2}},
                                 {"beta", {0, 0, 1}},
                                 {"garbage", {0, 0, 1, 2}},
                                 {"special", {0, 0, 0, 0, 0, 1}},
                                 {"layout", {0, 0, 1}},
                                 {"pad.a", {0, 0, 0, 1, 8}},
                                 {"pad.x", {0, 0, 0, 1, 8}},
                                 {"offset.a", {0, 0, 0, 0, 2, 4, 8, 16}},
                                 {"offset.x", {0, 0, 0, 0, 2, 4, 8, 16}},
                                 {"offset.cu", {0, 0, 4, 8}},
                                 {"launch", {0, 0, 0, 0, 1, 2, 3, 4, 5}},
                                 {"precision", {PLUMB_IEEE}}};
  // Half of the sample keeps to what the fast paths ask for: drawn freely, hardly a case would reach them.
  const AxisValues aligned = {{"T", {15, 16, 17, 31, 33, 63, 64, 65, 100, 128, 129, 200, 257, 513, 1025}},
                              {"tma", {PLUMB_TMA_AUTO, PLUMB_TMA_AUTO, PLUMB_TMA_ON, PLUMB_TMA_OFF}},
                              {"pad.a", {0, 0, 8}},
                              {"pad.x", {0, 0, 8}},
                              {"offset.a", {0, 0, 16}},
                              {"offset.x", {0, 0, 16}}};
  const std::size_t wanted = full ? 5000 : 560, free_draws = wanted > matrix.size() ? wanted - matrix.size() : 0;
  matrix.sample(replaced(everything, aligned), free_draws / 2, 14);
  matrix.sample(everything, free_draws - free_draws / 2, 4);
  // The tensor cores' precisions.
  const std::vector<std::int64_t> merged = {PLUMB_TF32X3, PLUMB_TF32};
  matrix.cross({{"T", lengths}, {"H", {2}}, {"BT", {16, 32, 64}}, {"precision", merged}});
  matrix.cross({{"T", {70}}, {"H", {3}}, {"BT", {16, 32, 64}}, {"out", {0, 1, 2}}, {"precision", merged}});
  matrix.cross({{"T", {150}}, {"H", {2}}, {"BT", {16, 32, 64}}, {"seqs", {1, 2, 3, 4}}, {"precision", merged}});
  matrix.cross({{"T", {96}}, {"H", {2}}, {"tma", {0, 1, 2}}, {"fla", {0, 1, 2}}, {"precision", merged}});
  matrix.cross(
      {{"T", {130}}, {"keys", {0, 1, 2, 3, 4}}, {"decay", {0, 1, 2}}, {"beta", {0, 1}}, {"precision", merged}});
  matrix.cross(
      {{"T", {80}}, {"H", {2}}, {"BT", {32, 64}}, {"special", {1}}, {"garbage", {0, 2}}, {"precision", merged}});
  matrix.cross({{"B", {3}},
                {"T", {70}},
                {"layout", {0, 1}},
                {"pad.a", {0, 1, 8}},
                {"pad.x", {0, 8}},
                {"precision", merged}});
  if (full) {
    const AxisValues drawn = replaced(everything, {{"precision", merged}});
    matrix.sample(replaced(drawn, aligned), 1200, 24);
    matrix.sample(drawn, 300, 25);
  }
  // Many tiles for each of few multiprocessors.
  matrix.cross({{"T", {300}},
                {"H", {8}},
                {"BT", {64}},
                {"out", {0, 1}},
                {"seqs", {0, 2}},
                {"tma", {0, 1}},
                {"garbage", {2}},
                {"sms", {1, 8}}});
  matrix.cross({{"T", {300}}, {"H", {5}}, {"BT", {16, 32}}, {"seqs", {0, 2}}, {"tma", {0, 1}}, {"sms", {1}}});
  if (full) {
    const AxisValues few = with(replaced(everything, aligned), {"sms", {1, 2, 5, 8}});
    matrix.sample(few, 600, 34);
    matrix.sample(replaced(few, {{"T", {257, 513, 1025}}, {"BT", {64}}, {"launch", {0, 3}}}), 300, 35);
  }
  return matrix.take();
}

Problem build(const Case& point) {
  const std::int64_t B = point["B"], T = point["T"], H = point["H"], BT = point["BT"];
  if (BT != 16 && BT != 32 && BT != 64) {
    throw HarnessError("solve_tril: BT is " + std::to_string(BT) + ", expected 16, 32 or 64");
  }
  const auto sequences = static_cast<Sequences>(point["seqs"]);
  if (sequences != Sequences::kDense && B != 1) {
    throw HarnessError("solve_tril: B is " + std::to_string(B) + ", expected 1, as seqs is " + point.text("seqs"));
  }
  Problem problem;
  set_launch(problem, point);
  if (point["fla"]) problem.fla_use_tma = point.text("fla");
  auto& tensors = problem.tensors;
  tensors.resize(PLUMB_SOLVE_TRIL_TENSOR_COUNT);
  const auto tile_rows = [&](const char* name, int index, Role role, plumb_dtype dtype) {
    const std::string axis = name;
    const std::int64_t row = BT + point["pad." + axis];
    const bool head_major = point["layout"];
    return allocate(name, index, role, dtype, {B, T, H, BT},
                    {T * H * row, head_major ? row : H * row, head_major ? T * row : row, 1},
                    point["offset." + axis]);
  };
  auto& a = tensors[PLUMB_SOLVE_TRIL_A] = tile_rows("a", PLUMB_SOLVE_TRIL_A, Role::kInput, point.dtype);
  const auto cumulative =
      cumulative_lengths(sequences, T, BT, RandomStream(point.seed, PLUMB_SOLVE_TRIL_CU_SEQLENS));
  const SystemStyle style{static_cast<Keys>(point["keys"]), static_cast<int>(point["decay"]), point["beta"] != 0,
                          static_cast<Garbage>(point["garbage"]), point["special"] != 0};
  fill_systems(a, cumulative, style, RandomStream(point.seed, PLUMB_SOLVE_TRIL_A));
  tensors[PLUMB_SOLVE_TRIL_X] = tile_rows("x", PLUMB_SOLVE_TRIL_X, Role::kOutput, kOutTypes[point["out"]]);
  if (sequences != Sequences::kDense) {
    auto& lengths = tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS] =
        allocate("cu_seqlens", PLUMB_SOLVE_TRIL_CU_SEQLENS, Role::kInput, point["cu"] ? PLUMB_I32 : PLUMB_I64,
                 {static_cast<std::int64_t>(cumulative.size())}, {}, point["offset.cu"]);
    fill(lengths, [&](std::int64_t i) { return cumulative[static_cast<std::size_t>(i)]; });
  }
  problem.outputs = {PLUMB_SOLVE_TRIL_X};

  auto params = versioned<plumb_solve_tril_params>();
  params.precision = static_cast<std::int32_t>(point["precision"]);
  params.tma = static_cast<std::int32_t>(point["tma"]);
  problem.params = Params::of(params);
  return problem;
}

std::vector<Expectation> oracle(const Problem& problem) {
  return solve_tril_oracle(problem.params.as<plumb_solve_tril_params>(), problem.views());
}

void replay(Problem& problem) { solve_tril_replay(problem.params.as<plumb_solve_tril_params>(), problem.views()); }

bool replay_is_canonical(const Problem& problem) {
  return solve_tril_replay_is_canonical(problem.params.as<plumb_solve_tril_params>());
}

std::vector<Case> headline_points(std::uint64_t seed) {
  Matrix matrix(schema(), seed, [](const Case& point) {
    return point.dtype == PLUMB_F32 || (point.dtype == PLUMB_BF16 && point.text("out") == "bf16");
  });
  const std::vector<std::int64_t> lengths = {64, 512, 2048, 8192, 32768};
  matrix.cross({{"out", {0, 1}}, {"T", lengths}, {"H", {32}}, {"BT", {64}}, {"keys", {1}}});
  matrix.cross({{"out", {0, 1}}, {"T", {8192, 32768}}, {"H", {48}}, {"BT", {64}}, {"keys", {1}}});
  matrix.cross({{"out", {0, 1}}, {"T", {8192}}, {"H", {32}}, {"BT", {16, 32}}, {"keys", {1}}});
  matrix.cross({{"out", {0, 1}}, {"T", {8192}}, {"H", {32}}, {"BT", {64}}, {"seqs", {2}}, {"keys", {1}}});
  matrix.cross(
      {{"out", {0, 1}}, {"T", {2048, 8192}}, {"H", {32}}, {"BT", {64}}, {"keys", {1}}, {"precision", {1, 2}}});
  for (const std::int64_t heads : {32, 48}) {
    matrix.cross(
        {{"out", {0, 1}},
         {"T", heads == 32 ? std::vector<std::int64_t>{2048, 8192, 32768} : std::vector<std::int64_t>{8192, 32768}},
         {"H", {heads}},
         {"BT", {64}},
         {"tma", {PLUMB_TMA_OFF, PLUMB_TMA_ON}},
         {"keys", {1}}});
  }
  return matrix.take();
}

// A's lower triangle in 16-byte granules, X's full tiles.
Traffic traffic(const Problem& problem) {
  const plumb_tensor& a = problem.tensors[PLUMB_SOLVE_TRIL_A].view;
  const plumb_tensor& x = problem.tensors[PLUMB_SOLVE_TRIL_X].view;
  const std::int64_t rows = a.shape[0] * a.shape[1] * a.shape[2], width = a.shape[3];
  const std::int64_t granule = 16 / static_cast<std::int64_t>(size_of(dtype_of(a)));
  std::int64_t granules = 0;
  for (std::int64_t i = 0; i < width; ++i) granules += (i + granule - 1) / granule;
  return {rows * granules * 16 / width, rows * width * static_cast<std::int64_t>(size_of(dtype_of(x)))};
}

// Which variants use TMA is what params.tma tells: on and off must part them, auto restricts none and then follows
// the opt-in of the caller's environment.
void policy_faults(const plumb_operator& op, const plumb_call& call, std::vector<std::string>& faults) {
  const plumb_device& device = *call.device;
  std::vector<Answers> by_tma;
  for (const std::int32_t tma : {PLUMB_TMA_OFF, PLUMB_TMA_ON, PLUMB_TMA_AUTO}) {
    auto params = *static_cast<const plumb_solve_tril_params*>(call.params);
    params.tma = tma;
    plumb_call asked = call;
    asked.params = &params;
    by_tma.push_back(ask(op, asked));
  }
  const Answers &off = by_tma[PLUMB_TMA_OFF], &on = by_tma[PLUMB_TMA_ON], &free = by_tma[PLUMB_TMA_AUTO];
  const bool possible = device.sm >= 90 && device.has_tensor_map != 0;
  bool any_uses_tma = false, any_does_not = false;
  for (std::int32_t variant = 0; variant < op.variant_count; ++variant) {
    const std::string name = op.variant(variant)->name;
    if (on.serves(variant) && off.serves(variant)) faults.push_back(name + " serves with TMA on and with TMA off");
    if (free.serves(variant) != (on.serves(variant) || off.serves(variant))) {
      faults.push_back(name + " answers to TMA auto otherwise than to both on and off");
    }
    if (on.serves(variant) && !possible) faults.push_back(name + " serves with TMA on a device that has none");
    any_uses_tma |= on.serves(variant);
    any_does_not |= off.serves(variant);
  }
  const bool opted_in = device.fla_use_tma != nullptr && std::string_view(device.fla_use_tma) == "1";
  if (free.select != PLUMB_OK) return;
  const std::string chosen = op.variant(free.selected)->name;
  if (on.serves(free.selected) && !opted_in && any_does_not) {
    faults.push_back("TMA auto selects " + chosen + " without FLA_USE_TMA=1");
  }
  if (!on.serves(free.selected) && opted_in && any_uses_tma) {
    faults.push_back("TMA auto selects " + chosen + " in spite of FLA_USE_TMA=1");
  }
}

}  // namespace

const OperatorSuite& solve_tril_suite() {
  static constexpr OperatorSuite suite{"solve_tril",    schema,  cases, build, oracle,        replay,
                                       headline_points, traffic, "T",   1,     policy_faults, replay_is_canonical};
  return suite;
}

}  // namespace plumb
