// The promises of a policy, on a made-up operator that breaks one at a time.
#include "harness/check/selection.h"

#include <gtest/gtest.h>

#include "harness/operators/suite.h"
#include "reference/solve_tril/solve_tril.h"

namespace plumb {
namespace {

// What the made-up policy does wrong; the variants are "vec16", "tma" and "scalar", as solve_tril has them.
enum class Wrong {
  kNothing,
  kChoosesWhatItRefuses,
  kRefusesWhatServes,
  kLooksAtAddresses,
  kTakesAnyAlignment,
  kTmaThoughOff,
  kNoTmaThoughOn,
  kIgnoresOptIn,
  kTmaEverywhere
};
Wrong wrong = Wrong::kNothing;

constexpr int kVec16 = 0, kTma = 1, kScalar = 2;
const char* const kNames[] = {"vec16", "tma", "scalar"};

const plumb_variant* variant(std::int32_t index) {
  static plumb_variant rows[3];
  if (index < 0 || index > 2) return nullptr;
  rows[index] = versioned<plumb_variant>();
  rows[index].name = kNames[index];
  rows[index].bit_class = "canonical";
  return &rows[index];
}

std::int32_t tma_of(const plumb_call& call) {
  return static_cast<const plumb_solve_tril_params*>(call.params)->tma;
}

plumb_status supports(const plumb_call* call, std::int32_t index) {
  const auto address = reinterpret_cast<std::uintptr_t>(call->tensors[PLUMB_SOLVE_TRIL_X].data);
  const std::int32_t tma = tma_of(*call);
  if (index == kTma) {
    const bool has = call->device->sm >= 90 && call->device->has_tensor_map;
    const bool off = tma == PLUMB_TMA_OFF && wrong != Wrong::kTmaThoughOff;
    return (has || wrong == Wrong::kTmaEverywhere) && !off && address % 16 == 0 ? PLUMB_OK : PLUMB_UNSUPPORTED;
  }
  if (tma == PLUMB_TMA_ON && wrong != Wrong::kNoTmaThoughOn) return PLUMB_UNSUPPORTED;
  if (index == kScalar || wrong == Wrong::kTakesAnyAlignment) return PLUMB_OK;
  if (wrong == Wrong::kLooksAtAddresses && (address >> 20) % 2) return PLUMB_UNSUPPORTED;
  return address % 16 == 0 ? PLUMB_OK : PLUMB_UNSUPPORTED;
}

plumb_status select(const plumb_call* call, std::int32_t* selected) {
  const bool opted_in = call->device->fla_use_tma && std::string_view(call->device->fla_use_tma) == "1";
  const bool wants_tma = tma_of(*call) == PLUMB_TMA_ON || (opted_in && wrong != Wrong::kIgnoresOptIn);
  if (wrong == Wrong::kRefusesWhatServes) return PLUMB_UNSUPPORTED;
  for (const int index : {kTma, kVec16, kScalar}) {
    if (index == kTma && !wants_tma) continue;
    if (supports(call, index) != PLUMB_OK && wrong != Wrong::kChoosesWhatItRefuses) continue;
    *selected = index;
    return PLUMB_OK;
  }
  return PLUMB_UNSUPPORTED;
}

std::vector<std::string> faults_with(Wrong what) {
  wrong = what;
  auto op = versioned<plumb_operator>();
  op.name = "solve_tril";
  op.variant_count = 3;
  op.variant = variant;
  op.supports = supports;
  op.select = select;
  std::vector<std::string> faults;
  const OperatorSuite& suite = *find_suite("solve_tril");
  for (const char* name :
       {"solve_tril/fp32/B=1,T=70,H=2,BT=64/fla=1/seed=7", "solve_tril/fp32/B=1,T=70,H=2,BT=64/tma=on/seed=7",
        "solve_tril/fp32/B=1,T=70,H=2,BT=64/offset.x=4/seed=7"}) {
    const Problem problem = suite.build(parse_case(name));
    const auto found = selection_faults_on_described_devices(suite, problem, op);
    faults.insert(faults.end(), found.begin(), found.end());
  }
  return faults;
}

TEST(Selection, AnHonestPolicyHasNoFaults) { EXPECT_EQ(faults_with(Wrong::kNothing), std::vector<std::string>{}); }

TEST(Selection, EveryBrokenPromiseIsSaid) {
  const std::pair<Wrong, const char*> rows[] = {
      {Wrong::kChoosesWhatItRefuses, "which supports() refuses"},
      {Wrong::kRefusesWhatServes, "select refuses what"},
      {Wrong::kLooksAtAddresses, "answered otherwise"},
      {Wrong::kTakesAnyAlignment, "no multiple of 16 bytes"},
      {Wrong::kTmaThoughOff, "tma serves with TMA on and with TMA off"},
      {Wrong::kNoTmaThoughOn, "scalar serves with TMA on and with TMA off"},
      {Wrong::kIgnoresOptIn, "in spite of FLA_USE_TMA=1"},
      {Wrong::kTmaEverywhere, "on a device that has none"}};
  for (const auto& [what, words] : rows) {
    std::string all;
    for (const std::string& fault : faults_with(what)) all += fault + "\n";
    EXPECT_NE(all.find(words), std::string::npos) << words << "\n" << all;
  }
}

TEST(Selection, WordsOfANamePromise) {
  EXPECT_EQ(promised("d64_vec16", "vec"), 16);
  EXPECT_EQ(promised("d64_vec16", "d"), 64);
  EXPECT_EQ(promised("d128_direct", "d"), 128);  // "direct" holds no number
  EXPECT_EQ(promised("vector", "vec"), 0);
  EXPECT_EQ(promised("vec16_split", "vec"), 16);
  EXPECT_EQ(promised("scalar", "vec"), 0);
}

}  // namespace
}  // namespace plumb
