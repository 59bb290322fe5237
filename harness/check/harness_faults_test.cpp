// Faults that harnesses of this field had. Each test fails if this one had it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include <nlohmann/json.hpp>

#include "harness/check/replaying_device.h"
#include "harness/check/run_case.h"
#include "harness/check/supervisor.h"
#include "harness/compare/bits.h"
#include "harness/compare/elements.h"
#include "harness/error.h"
#include "harness/testing.h"
#include "reference/qk_norm_rope/qk_norm_rope.h"
#include "reference/rms_norm/rms_norm.h"
#include "reference/rope/rope.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb {
namespace {

// What a device leaves: the honest outputs after `spoil`, which gets them in the order of problem.outputs.
using Spoil = std::function<void(std::vector<plumb_tensor>& outputs)>;

// A library of one honest variant per operator; ReplayingDevice does the computing.
const Library& library() {
  static const Library opened(PLUMBLINE_FAULTY_REPLAY);
  return opened;
}

CaseResult checked(const PreparedCase& prepared, const Spoil& spoil) {
  ReplayingDevice device("host", [&](const DeviceRun& run) {
    const auto views = views_in(run.problem, run.layout, run.image.data());
    std::vector<plumb_tensor> outputs;
    for (const int index : run.problem.outputs) {
      const plumb_tensor& view = views[static_cast<std::size_t>(index)];
      if (element_count(view) > 0) outputs.push_back(view);
    }
    spoil(outputs);
  });
  bool lost = false;
  return check_on_device(prepared, library(), device, {}, lost);
}
CaseResult checked(const char* name, const Spoil& spoil) { return checked(prepare(parse_case(name), {}), spoil); }

std::vector<std::string> failed_checks(const char* name, const Spoil& spoil) {
  return checked(name, spoil).variants.at(0).failed_checks;
}

bool has(const std::vector<std::string>& checks, const char* check) {
  return std::find(checks.begin(), checks.end(), check) != checks.end();
}

std::byte* element(const plumb_tensor& tensor, std::int64_t index) {
  std::int64_t row = index / row_length(tensor), at = row_offset(tensor, row);
  at += index % row_length(tensor) * tensor.stride[tensor.rank - 1];
  return static_cast<std::byte*>(tensor.data) + at * static_cast<std::int64_t>(size_of(dtype_of(tensor)));
}

void set(const plumb_tensor& tensor, std::int64_t index, float value) {
  store_float(element(tensor, index), dtype_of(tensor), value);
}

void fill_all(std::vector<plumb_tensor>& outputs, float value) {
  for (const plumb_tensor& tensor : outputs) {
    for (std::int64_t i = 0; i < element_count(tensor); ++i) set(tensor, i, value);
  }
}

constexpr const char* kCases[] = {"rms_norm/bf16/rows=9,hidden=129/residual=yes,pad.y=8/seed=7",
                                  "rms_norm/fp32/rows=9,hidden=129/seed=7",
                                  "rope/fp16/tokens=7,hq=3,hk=2,D=64,rotary=64/seed=7",
                                  "qk_norm_rope/bf16/tokens=5,hq=3,hk=2,hv=0,D=64,rotary=64/seed=7",
                                  "solve_tril/fp32/B=3,T=70,H=2,BT=32/keys=corr06/seed=7"};

TEST(HarnessFault, TheHonestDevicePassesHere) {
  for (const char* name : kCases) {
    const CaseResult result = checked(name, [](auto&) {});
    EXPECT_EQ(result.state, "passed") << name << result.reason;
  }
}

TEST(HarnessFault, NanIgnored) {
  const float nan = std::nanf("");
  for (const char* name : kCases) {
    EXPECT_TRUE(has(failed_checks(name, [&](auto& outputs) { fill_all(outputs, nan); }), "bound")) << name;
    EXPECT_TRUE(has(failed_checks(name, [&](auto& outputs) { set(outputs.back(), 1, nan); }), "bound")) << name;
  }
}

TEST(HarnessFault, ExactlyOneMismatchIgnored) {
  for (const char* name : kCases) {
    const auto one_bit = [](auto& outputs) { *element(outputs.back(), 3) ^= std::byte{1}; };
    const CaseResult bits = checked(name, one_bit);
    EXPECT_TRUE(has(bits.variants.at(0).failed_checks, "bits")) << name;
    EXPECT_EQ(bits.variants.at(0).differing, 1) << name;
    EXPECT_EQ(bits.state, "failed") << name;
    EXPECT_TRUE(has(failed_checks(name, [](auto& outputs) { set(outputs.back(), 3, 1e4f); }), "bound")) << name;
  }
}

// The replay judges kernels; were it wrong itself, a kernel with the same bug would equal it bit for bit.
TEST(HarnessFault, BufferComparedWithItself) {
  for (const char* name : kCases) {
    PreparedCase prepared = prepare(parse_case(name), {});
    auto views = views_in(prepared.problem, prepared.layout, prepared.replayed.data());
    const auto before = views_in(prepared.problem, prepared.layout, prepared.pristine.data());
    const auto at = static_cast<std::size_t>(prepared.problem.outputs.back());
    for (std::int64_t i = 0; i < element_count(views[at]); ++i) set(views[at], i, 3.0f);
    prepared.replay_verdict.back() = judge(views[at], before[at], prepared.expected.back(), 0);
    EXPECT_EQ(check_on_replay(prepared).state, "failed") << name;
    const Block wrong = prepared.replayed;
    const CaseResult result = checked(prepared, [&](auto& outputs) { fill_all(outputs, 3.0f); });
    EXPECT_TRUE(has(result.variants.at(0).failed_checks, "bound")) << name;
  }
  // The two libraries that a comparison may be between are told apart by what the files hold.
  EXPECT_EQ(library().digest(), Library(PLUMBLINE_FAULTY_REPLAY).digest());
}

TEST(HarnessFault, ZeroCasesAreGreen) {
  using testing_support::run_program;
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"check", "--filter", "rope/bf16/nothing_like_this*"},
           {"check", "--filter", "rope/bf16/tokens=0,hq=4,hk=0,D=128,rotary=128/seed=7", "--shard", "2/2"},
           {"mutate", "--mutant", "no_such_mutant"}}) {
    EXPECT_EQ(run_program(PLUMBLINE_BINARY, arguments).exit_code, kExitError) << arguments.back();
  }
}

TEST(HarnessFault, OnlyTheFirstBatchCompared) {
  for (const char* name : kCases) {
    const CaseResult result =
        checked(name, [](auto& outputs) { set(outputs.back(), element_count(outputs.back()) - 1, 1e4f); });
    EXPECT_TRUE(has(result.variants.at(0).failed_checks, "bound")) << name;
    const CaseResult first_output =
        checked(name, [](auto& outputs) { set(outputs.front(), element_count(outputs.front()) - 1, 1e4f); });
    EXPECT_TRUE(has(first_output.variants.at(0).failed_checks, "bound")) << name;
  }
}

TEST(HarnessFault, ANanReferencePasses) {
  for (const char* name : kCases) {
    PreparedCase prepared = prepare(parse_case(name), {});
    const auto views = views_in(prepared.problem, prepared.layout, prepared.replayed.data());
    const auto before = views_in(prepared.problem, prepared.layout, prepared.pristine.data());
    for (std::size_t i = 0; i < prepared.expected.size(); ++i) {
      const auto at = static_cast<std::size_t>(prepared.problem.outputs[i]);
      std::fill(prepared.expected[i].value.begin(), prepared.expected[i].value.end(), std::nan(""));
      if (is_present(views[at])) prepared.replay_verdict[i] = judge(views[at], before[at], prepared.expected[i], 0);
    }
    EXPECT_EQ(checked(prepared, [](auto&) {}).state, "failed") << name;
    EXPECT_NE(checked(prepared, [](auto& outputs) { fill_all(outputs, std::nanf("")); }).state, "passed") << name;
  }
}

// atol = rtol = 1 lets zeros through: on every case of the quick tier whose answer is not zero they must fail, by
// the bound alone.
TEST(HarnessFault, ATolerancePassesAnAllZeroOutput) {
  for (const OperatorSuite* suite : all_suites()) {
    const std::vector<Case> cases = suite->cases(Tier::kQuick, 7);
    int tried = 0;
    for (std::size_t i = 0; i < cases.size(); i += 23) {
      const PreparedCase prepared = prepare(cases[i], {});
      std::int64_t informative = 0;
      for (const Judgement& verdict : prepared.replay_verdict)
        informative += verdict.judged > 0 ? verdict.informative : 0;
      if (informative == 0) continue;
      const CaseResult result = checked(prepared, [](auto& outputs) { fill_all(outputs, 0.0f); });
      const auto& checks = result.variants.at(0).failed_checks;
      EXPECT_TRUE(has(checks, "bound") || has(checks, "untouched")) << name_of(cases[i]);
      ++tried;
    }
    EXPECT_GT(tried, 10) << suite->name;
  }
}

TEST(HarnessFault, BitwiseModeRunsThroughTheTolerance) {
  for (const char* name : kCases) {
    const auto checks = failed_checks(name, [](auto& outputs) { *element(outputs.back(), 3) ^= std::byte{1}; });
    EXPECT_TRUE(has(checks, "bits")) << name;
  }
  // What a tolerance can never tell apart: the two zeros.
  auto zero = testing_support::tensor_of(PLUMB_F32, {0.0}),
       negative = testing_support::tensor_of(PLUMB_F32, {-0.0});
  EXPECT_EQ(compare_bits(zero.view(), negative.view()).differing, 1);
}

TEST(HarnessFault, OneCrashLosesEveryResult) {
  Supervisor supervisor({"fake-worker", "well"}, 10);  // the scripted worker of main_test.cpp
  supervisor.start();
  const std::vector<std::string> names = {"rope/a", "rope/abort", "rope/b", "rope/exit", "rope/c"};
  supervisor.plan(names);
  std::vector<std::string> states;
  for (const std::string& name : names) states.push_back(supervisor.run(name).state);
  EXPECT_EQ(states, (std::vector<std::string>{"passed", "crashed", "passed", "crashed", "passed"}));
}

// JSON has no infinity: an error beyond every bound must reach the parent as a failure, not as an answer that
// cannot be read (this harness had that fault).
TEST(HarnessFault, AnInfiniteErrorIsReportedAsACrash) {
  for (const char* name : kCases) {
    const CaseResult result = checked(name, [](auto& outputs) { fill_all(outputs, INFINITY); });
    ASSERT_EQ(result.state, "failed");
    EXPECT_EQ(case_result_from(nlohmann::json::parse(to_json(result).dump())).state, "failed") << name;
  }
}

// --- Input ranges that hide bugs ---

TEST(HarnessFault, EpsNeverMatters) {
  // Some rows' mean square is so near eps that dropping eps moves the answer out of its bound.
  int sensitive = 0;
  const OperatorSuite& suite = *find_suite("rms_norm");
  for (const Case& point : suite.cases(Tier::kQuick, 7)) {
    if (point.text("magnitude") != "near_eps" || point.text("eps") == "0" || point["rows"] == 0) continue;
    Problem problem = suite.build(point);
    const std::vector<Expectation> with = suite.oracle(problem);
    auto params = problem.params.as<plumb_rms_norm_params>();
    params.eps = 0;
    problem.params = Params::of(params);
    const std::vector<Expectation> without = suite.oracle(problem);
    for (std::size_t i = 0; i < with.back().value.size(); ++i) {
      const double change = std::fabs(with.back().value[i] - without.back().value[i]);
      if (change > 0.01 * std::fabs(with.back().value[i])) {
        ++sensitive;
        break;
      }
    }
  }
  EXPECT_GE(sensitive, 10);
}

TEST(HarnessFault, DecayLeavesNothingOfTheState) {
  // In most cases with two rows or more the inverse is far from the identity.
  int far = 0, cases = 0;
  const OperatorSuite& suite = *find_suite("solve_tril");
  for (const Case& point : suite.cases(Tier::kQuick, 7)) {
    if (point["T"] < 16 || point["T"] > 200 || point["special"]) continue;
    const Problem problem = suite.build(point);
    const Expectation expected = std::move(suite.oracle(problem).at(0));
    double largest = 0;
    const std::int64_t width = point["BT"], heads = point["H"];
    for (std::size_t i = 0; i < expected.value.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i) / width / heads;
      if (expected.value[i] != 1 && row % width > 0) largest = std::max(largest, std::fabs(expected.value[i]));
    }
    ++cases;
    far += largest > 0.1;
  }
  EXPECT_GT(far, cases * 3 / 4);
}

TEST(HarnessFault, PaddingIsNeverNegative) {
  // -1 minus an unsigned number is four billion (this harness had that fault).
  for (const char* name : {"rope/bf16/tokens=33,hq=2,hk=1,D=64,rotary=32/positions=padded/seed=7",
                           "qk_norm_rope/bf16/tokens=33,hq=2,hk=1,hv=1,D=64,rotary=32/positions=padded/seed=7"}) {
    const Case point = parse_case(name);
    const Problem problem = find_suite(point.schema->operator_name)->build(point);
    const bool is_rope = point.schema->operator_name == "rope";
    const auto& positions = problem.tensors[static_cast<std::size_t>(is_rope ? int{PLUMB_ROPE_POSITIONS}
                                                                             : int{PLUMB_QK_NORM_ROPE_POSITIONS})];
    const auto& cache = problem.tensors[static_cast<std::size_t>(is_rope ? int{PLUMB_ROPE_COS_SIN_CACHE}
                                                                         : int{PLUMB_QK_NORM_ROPE_COS_SIN_CACHE})];
    int small_negative = 0, cut_to_valid = 0, past = 0;
    for (std::int64_t i = 0; i < positions.view.shape[0]; ++i) {
      const std::int64_t position = load_integer(address(positions.view, {i}), PLUMB_I64);
      const bool is_valid = position >= 0 && position < cache.view.shape[0];
      const auto cut = static_cast<std::int32_t>(position);
      small_negative += position < 0 && position > -10;
      past += position >= cache.view.shape[0] && position < cache.view.shape[0] + 10;
      cut_to_valid += !is_valid && cut >= 0 && cut < cache.view.shape[0];
    }
    EXPECT_GT(small_negative, 2) << name;
    EXPECT_GT(past, 1) << name;
    EXPECT_GT(cut_to_valid, 4) << name;
  }
}

TEST(HarnessFault, TwoWeightsAreAlike) {
  // A head that takes another's weight must show: q's and k's weights differ in nearly every element.
  const Case point = parse_case("qk_norm_rope/bf16/tokens=1,hq=1,hk=1,hv=1,D=128,rotary=128/seed=7");
  const Problem problem = find_suite("qk_norm_rope")->build(point);
  const BitDifference difference = compare_bits(problem.tensors[PLUMB_QK_NORM_ROPE_Q_WEIGHT].view,
                                                problem.tensors[PLUMB_QK_NORM_ROPE_K_WEIGHT].view);
  EXPECT_GT(difference.differing, 110);
}

}  // namespace
}  // namespace plumb
