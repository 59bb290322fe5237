// One case on a made-up device: every fault that is put into a run is reported by its own check, and by no other.
#include "harness/check/run_case.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>

#include "harness/check/replaying_device.h"
#include "harness/compare/bits.h"
#include "harness/test_libraries/tiny.h"
#include "harness/testing.h"
#include "reference/numeric/digest.h"
#include "reference/rms_norm/rms_norm.h"
#include "reference/rope/rope.h"

namespace plumb {
namespace {

using Fault = ReplayingDevice::Spoil;

using Checks = std::vector<std::string>;

constexpr const char* kNormCase = "rms_norm/fp32/rows=9,hidden=129/residual=yes,pad.x=8,pad.y=8,offset.y=4/seed=7";
constexpr const char* kRopeCase = "rope/fp32/tokens=7,hq=3,hk=2,D=64,rotary=32/positions=padded/seed=7";

class CheckOnDevice : public testing::Test {
 protected:
  CheckOnDevice()
      : path_(std::string(PLUMBLINE_TEST_LIBRARIES) + "/libtiny.so"),
        library_(path_),
        handle_(dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL)),
        script_(*static_cast<TinyScript*>(dlsym(handle_, TINY_SCRIPT_SYMBOL))) {
    script_ = {PLUMB_OK, TINY_ONE, 0};
  }
  ~CheckOnDevice() override { dlclose(handle_); }

  const CaseResult& check(const char* name, Fault fault, const CheckSettings& settings = {}) {
    prepared_ = std::make_unique<PreparedCase>(prepare(parse_case(name), settings));
    ReplayingDevice device("fake", std::move(fault));
    device.repeated = repeated_;
    device_lost_ = false;
    result_ = check_on_device(*prepared_, library_, device, settings, device_lost_);
    runs_ = device.runs();
    return result_;
  }

  // The checks that fail when the fault spoils every run of variant `two` alone; the other variants must pass.
  Checks failures(const char* name, const std::function<void(const DeviceRun&)>& fault) {
    const CaseResult& result = check(name, [&](const DeviceRun& run) {
      if (run.variant == TINY_TWO) fault(run);
    });
    EXPECT_EQ(result.variants.size(), static_cast<std::size_t>(TINY_VARIANT_COUNT));
    for (const VariantResult& variant : result.variants) {
      if (variant.name == "two") continue;
      EXPECT_EQ(variant.state, "passed") << variant.name << ": " << variant.reason;
      EXPECT_EQ(variant.failed_checks, Checks{}) << variant.name;
    }
    const VariantResult& two = result.variants.at(TINY_TWO);
    EXPECT_EQ(two.state, two.failed_checks.empty() ? "passed" : "failed");
    EXPECT_EQ(two.reason.empty(), two.failed_checks.empty());
    EXPECT_EQ(result.state, two.state);
    for (const std::string& failed : two.failed_checks) {
      EXPECT_NE(result.reason.find("[two] " + failed), std::string::npos) << result.reason;
    }
    return two.failed_checks;
  }

  std::string path_;
  Library library_;
  void* handle_;
  TinyScript& script_;
  std::unique_ptr<PreparedCase> prepared_;
  CaseResult result_;
  bool device_lost_ = false;
  int runs_ = 0;
  std::map<std::int32_t, RowDifference> repeated_;
};

TEST_F(CheckOnDevice, AnHonestDevicePasses) {
  for (const char* name : {kNormCase, kRopeCase, "rms_norm/bf16/rows=17,hidden=769/inplace=yes/seed=7",
                           "rms_norm/fp16/rows=0,hidden=128/seed=7"}) {
    const CaseResult& result = check(name, [](const DeviceRun&) {});
    EXPECT_EQ(result.state, "passed") << name << result.reason;
    EXPECT_EQ(result.name, name);
    EXPECT_EQ(result.selected, "one");
    EXPECT_EQ(result.variants.size(), static_cast<std::size_t>(TINY_VARIANT_COUNT));
    EXPECT_EQ(result.digests.at("canonical"), prepared_->replay_digest);
    EXPECT_EQ(runs_, 2 * TINY_VARIANT_COUNT);
    EXPECT_FALSE(device_lost_);
  }
}

TEST_F(CheckOnDevice, OneBitInsideTheBoundIsReportedAllTheSame) {
  const auto flip = [](const DeviceRun& run) { run.byte(PLUMB_RMS_NORM_Y, 4 * 77) ^= std::byte{1}; };
  EXPECT_EQ(failures(kNormCase, flip), Checks{"bits"});
  EXPECT_EQ(result_.variants[TINY_TWO].differing, 1);
  EXPECT_NE(result_.reason.find("the first at [77], by up to 1 ulp"), std::string::npos) << result_.reason;
  EXPECT_LT(result_.variants[TINY_TWO].worst, 1.0);
}

TEST_F(CheckOnDevice, OneElementOutOfBoundIsFoundWhereverItIs) {
  for (const std::int64_t row : {0, 4, 8}) {
    const auto spoil = [&](const DeviceRun& run) {
      run.byte(PLUMB_RMS_NORM_Y, 4 * (row * 137 + 128) + 2) ^= std::byte{2};
    };
    EXPECT_EQ(failures(kNormCase, spoil), (Checks{"bound", "bits"}));
    EXPECT_NE(result_.reason.find(std::to_string(row * 129 + 128)), std::string::npos) << result_.reason;
  }
  // The second output of an operator counts as much as the first.
  const auto residual = [](const DeviceRun& run) { run.byte(PLUMB_RMS_NORM_RESIDUAL, 3) ^= std::byte{1}; };
  EXPECT_EQ(failures(kNormCase, residual), (Checks{"bound", "bits"}));
}

TEST_F(CheckOnDevice, NanAndZeroAreNoAnswers) {
  const auto fill = [](int pattern) {
    return [pattern](const DeviceRun& run) {
      for (std::int64_t row = 0; row < 9; ++row) {
        std::memset(&run.byte(PLUMB_RMS_NORM_Y, 4 * row * 137), pattern, 4 * 129);
      }
    };
  };
  EXPECT_EQ(failures(kNormCase, fill(0)), (Checks{"bound", "bits"}));
  EXPECT_EQ(failures(kNormCase, fill(0x7f)), (Checks{"bound", "bits"}));
  EXPECT_EQ(failures(kNormCase, fill(0xff)), (Checks{"bound", "bits"}));  // NaN
}

TEST_F(CheckOnDevice, WritesAroundElementsAreSeen) {
  const std::int64_t end = 4 * (8 * 137 + 129);
  for (const std::int64_t offset : {std::int64_t{-1}, std::int64_t{-256}, std::int64_t{4 * 129}, end, end + 255}) {
    EXPECT_EQ(
        failures(kNormCase, [&](const DeviceRun& run) { run.byte(PLUMB_RMS_NORM_Y, offset) ^= std::byte{1}; }),
        Checks{"canary"})
        << offset;
  }
}

TEST_F(CheckOnDevice, ANoOpMustLeaveEverythingAlone) {
  constexpr const char* kEmpty = "rms_norm/bf16/rows=0,hidden=128/seed=7";
  EXPECT_EQ(failures(kEmpty, [](const DeviceRun& run) { run.result.served = -1; }), Checks{});
  EXPECT_EQ(failures(kEmpty, [](const DeviceRun& run) { run.byte(PLUMB_RMS_NORM_Y, 0) ^= std::byte{1}; }),
            Checks{"canary"});
}

TEST_F(CheckOnDevice, ChangedInputsAreSeen) {
  EXPECT_EQ(failures(kNormCase, [](const DeviceRun& run) { run.byte(PLUMB_RMS_NORM_WEIGHT, 0) ^= std::byte{1}; }),
            Checks{"inputs"});
  EXPECT_EQ(failures(kNormCase, [](const DeviceRun& run) { run.byte(PLUMB_RMS_NORM_X, 4 * 128) ^= std::byte{1}; }),
            Checks{"inputs"});
  EXPECT_EQ(failures(kNormCase, [](const DeviceRun& run) { run.byte(PLUMB_RMS_NORM_X, -1) ^= std::byte{1}; }),
            (Checks{"canary", "inputs"}));
}

TEST_F(CheckOnDevice, WhatWasNeverWrittenIsSeen) {
  EXPECT_EQ(failures(kNormCase,
                     [](const DeviceRun& run) {
                       const std::size_t at = run.layout.offset[PLUMB_RMS_NORM_Y] +
                                              run.problem.tensors[PLUMB_RMS_NORM_Y].data_offset() + 4 * 200;
                       std::memcpy(&run.image[at], &run.pristine[at], 4);
                     }),
            (Checks{"poison", "bits"}));
  // A launch that does nothing at all: an old result cannot stand in for a new one.
  EXPECT_EQ(failures(kNormCase,
                     [](const DeviceRun& run) {
                       std::copy(run.pristine.begin(), run.pristine.end(), run.image.begin());
                     }),
            (Checks{"bound", "bits", "poison"}));
}

TEST_F(CheckOnDevice, RegionsThatMustNotChangeAreHeldToTheirBits) {
  // Element 40 of a head lies behind rotary_dim 32; token 1 is padding.
  EXPECT_EQ(failures(kRopeCase, [](const DeviceRun& run) { run.byte(PLUMB_ROPE_Q, 4 * 40) ^= std::byte{1}; }),
            (Checks{"untouched", "bits"}));
  EXPECT_EQ(failures(kRopeCase, [](const DeviceRun& run) { run.byte(PLUMB_ROPE_K, 4 * 2 * 64) ^= std::byte{1}; }),
            (Checks{"untouched", "bits"}));
}

TEST_F(CheckOnDevice, AnotherVariantThanTheOneAskedForIsSeen) {
  EXPECT_EQ(failures(kNormCase, [](const DeviceRun& run) { run.result.served = TINY_ONE; }), Checks{"served"});
  EXPECT_EQ(failures(kNormCase, [](const DeviceRun& run) { run.result.served = -1; }), Checks{"served"});
  // The last output is absent, the first has elements: this is no no-op.
  EXPECT_EQ(failures("rope/fp32/tokens=7,hq=3,hk=0,D=64,rotary=32/seed=7",
                     [](const DeviceRun& run) { run.result.served = -1; }),
            Checks{"served"});
}

TEST_F(CheckOnDevice, RunsThatDifferAreSeen) {
  EXPECT_EQ(failures(kNormCase,
                     [](const DeviceRun& run) {
                       if (run.number == 1) run.byte(PLUMB_RMS_NORM_Y, 4 * 77) ^= std::byte{1};
                     }),
            Checks{"repeat"});
  CheckSettings patient;
  patient.repeats = 5;
  check(
      kNormCase,
      [](const DeviceRun& run) {
        if (run.number == 4) run.byte(PLUMB_RMS_NORM_Y, 4 * 77) ^= std::byte{1};
      },
      patient);
  for (const VariantResult& variant : result_.variants) EXPECT_EQ(variant.failed_checks, Checks{"repeat"});
}

TEST_F(CheckOnDevice, ADeviceErrorCostsOneVariant) {
  EXPECT_EQ(failures(kNormCase,
                     [](const DeviceRun& run) {
                       run.result.status = PLUMB_DEVICE_ERROR;
                       run.result.error = "too many resources requested for launch";
                     }),
            Checks{"device"});
  EXPECT_NE(result_.reason.find("too many resources requested for launch"), std::string::npos);
  EXPECT_FALSE(device_lost_);
}

TEST_F(CheckOnDevice, ALostDeviceEndsTheCase) {
  const CaseResult& result = check(kNormCase, [](const DeviceRun& run) {
    if (run.variant != TINY_TWO) return;
    run.result.status = PLUMB_DEVICE_ERROR;
    run.result.error = "an illegal memory access was encountered";
    run.result.device_lost = true;
  });
  EXPECT_TRUE(device_lost_);
  EXPECT_EQ(result.state, "failed");
  ASSERT_EQ(result.variants.size(), 2u);  // nothing was asked of the dead device
  EXPECT_EQ(result.variants[TINY_TWO].failed_checks, Checks{"device"});
  EXPECT_EQ(runs_, 3);
}

TEST_F(CheckOnDevice, OtherClassesOwnTheirBitsInsideTheBound) {
  const auto shift = [](const DeviceRun& run) {
    if (run.variant >= TINY_TENSOR) run.byte(PLUMB_RMS_NORM_Y, 4 * 77) ^= std::byte{1};
  };
  const CaseResult& result = check(kNormCase, shift);
  EXPECT_EQ(result.state, "passed") << result.reason;
  EXPECT_EQ(result.digests.size(), 2u);  // a variant that promises no bits has no digest either
  EXPECT_NE(result.digests.at("tensor_core"), result.digests.at("canonical"));
}

TEST_F(CheckOnDevice, VariantsOfOneClassMustAgree) {
  check(kNormCase, [](const DeviceRun& run) {
    if (run.variant == TINY_OTHER || run.variant == TINY_LOOSE) run.byte(PLUMB_RMS_NORM_Y, 4 * 77) ^= std::byte{1};
  });
  EXPECT_EQ(result_.state, "failed");
  EXPECT_EQ(result_.variants[TINY_TENSOR].failed_checks, Checks{});
  EXPECT_EQ(result_.variants[TINY_OTHER].failed_checks, Checks{"bits"});
  EXPECT_EQ(result_.variants[TINY_LOOSE].failed_checks, Checks{});
}

TEST_F(CheckOnDevice, WhatNoVariantServesIsUnsupported) {
  script_ = {PLUMB_UNSUPPORTED, 0, 0x1f};
  const CaseResult& result = check(kNormCase, [](const DeviceRun&) {});
  EXPECT_EQ(result.state, "unsupported");
  EXPECT_EQ(result.reason, "the script refuses");
  EXPECT_EQ(runs_, 0);
  for (const VariantResult& variant : result.variants) EXPECT_EQ(variant.state, "unsupported");
}

TEST_F(CheckOnDevice, RefusedVariantsAreCountedAndTheRestDecides) {
  script_.refused = 1u << TINY_TWO;
  const CaseResult& result = check(kNormCase, [](const DeviceRun&) {});
  EXPECT_EQ(result.state, "passed");
  EXPECT_EQ(result.variants[TINY_TWO].state, "unsupported");
  EXPECT_EQ(result.variants[TINY_TWO].reason, "the script refuses");
}

TEST_F(CheckOnDevice, TheSelectorMustChooseWhatServes) {
  script_ = {PLUMB_OK, TINY_TWO, 1u << TINY_TWO};
  EXPECT_EQ(check(kNormCase, [](const DeviceRun&) {}).state, "failed");
  EXPECT_EQ(result_.variants[TINY_TWO].failed_checks, Checks{"served"});

  script_ = {PLUMB_OK, TINY_VARIANT_COUNT, 0};
  EXPECT_EQ(check(kNormCase, [](const DeviceRun&) {}).state, "failed");
  EXPECT_NE(result_.reason.find("select returned variant 5, expected 0 to 4"), std::string::npos);

  script_ = {PLUMB_UNSUPPORTED, 0, 0};
  EXPECT_EQ(check(kNormCase, [](const DeviceRun&) {}).state, "failed");
  EXPECT_NE(result_.reason.find("select refuses"), std::string::npos);
}

TEST_F(CheckOnDevice, OneVariantCanBeAskedForAlone) {
  CheckSettings settings;
  settings.variant = "two";
  EXPECT_EQ(check(
                kNormCase, [](const DeviceRun&) {}, settings)
                .state,
            "passed");
  ASSERT_EQ(result_.variants.size(), 1u);
  EXPECT_EQ(result_.variants[0].name, "two");
  settings.variant = "tow";
  EXPECT_EQ(check(
                kNormCase, [](const DeviceRun&) {}, settings)
                .state,
            "skipped");
  EXPECT_EQ(result_.reason, "the library's rms_norm has no variant 'tow'");
}

TEST_F(CheckOnDevice, AnOperatorThatTheLibraryLacksIsSkipped) {
  const CaseResult& result = check("solve_tril/fp32/B=1,T=64,H=2,BT=16/seed=7", [](const DeviceRun&) {});
  EXPECT_EQ(result.state, "skipped");
  EXPECT_EQ(result.reason, "the library has no operator solve_tril");
}

// A case that could hardly have failed never passes: here nothing but infinities and NaN come out.
constexpr const char* kHollowCase = "rms_norm/bf16/rows=4,hidden=128/eps=0,magnitude=tiny/seed=7";

TEST_F(CheckOnDevice, ACaseThatProvesLittleIsMistrusted) {
  EXPECT_EQ(check(kHollowCase, [](const DeviceRun&) {}).state, "mistrusted") << result_.reason;
  EXPECT_NE(result_.reason.find("elements could have shown an error"), std::string::npos);
}

TEST(CheckOnReplay, IsJudgedByTheOracle) {
  for (const char* name : {kNormCase, kRopeCase}) {
    const CaseResult result = check_on_replay(prepare(parse_case(name), {}));
    EXPECT_EQ(result.state, "passed") << result.reason;
    ASSERT_EQ(result.variants.size(), 1u);
    EXPECT_EQ(result.variants[0].name, "replay");
    EXPECT_GT(result.variants[0].compared, 0);
    EXPECT_GT(result.blind_spot, 0.0);
  }
  EXPECT_EQ(check_on_replay(prepare(parse_case(kHollowCase), {})).state, "mistrusted");
}

TEST(CheckOnReplay, AReplayThatIsWrongFails) {
  const auto checks_after = [](const auto& spoil) {
    PreparedCase prepared = prepare(parse_case(kNormCase), {});
    const std::size_t y =
        prepared.layout.offset[PLUMB_RMS_NORM_Y] + prepared.problem.tensors[PLUMB_RMS_NORM_Y].data_offset();
    spoil(prepared, y);
    const auto after = views_in(prepared.problem, prepared.layout, prepared.replayed.data());
    const auto before = views_in(prepared.problem, prepared.layout, prepared.pristine.data());
    prepared.replay_verdict[1] = judge(after[PLUMB_RMS_NORM_Y], before[PLUMB_RMS_NORM_Y], prepared.expected[1],
                                       poison_word(PLUMB_RMS_NORM_Y));
    const CaseResult result = check_on_replay(prepared);
    EXPECT_EQ(result.state, result.variants.at(0).failed_checks.empty() ? "passed" : "failed");
    return result.variants.at(0).failed_checks;
  };
  EXPECT_EQ(checks_after([](PreparedCase&, std::size_t) {}), Checks{});
  EXPECT_EQ(checks_after([](PreparedCase& prepared, std::size_t y) { prepared.replayed[y + 2] ^= std::byte{2}; }),
            Checks{"bound"});
  EXPECT_EQ(checks_after([](PreparedCase& prepared, std::size_t y) { prepared.replayed[y - 1] ^= std::byte{2}; }),
            Checks{"canary"});
  EXPECT_EQ(checks_after([](PreparedCase& prepared, std::size_t) {
              prepared.replayed[prepared.layout.offset[PLUMB_RMS_NORM_X] + 600] ^= std::byte{2};
            }),
            Checks{"inputs"});
}

// Every replay stays inside its outputs. A sample of each operator's quick matrix.
TEST(CheckOnReplay, PassesASampleOfTheMatrix) {
  for (const OperatorSuite* suite : all_suites()) {
    const std::vector<Case> cases = suite->cases(Tier::kQuick, 7);
    for (std::size_t i = 0; i < cases.size(); i += 29) {
      const CaseResult result = check_on_replay(prepare(cases[i], {}));
      EXPECT_TRUE(result.state == "passed" || result.state == "mistrusted") << result.name << "\n" << result.reason;
    }
  }
}

// A case of very many rows is a period of few that repeats.
constexpr const char* kLongCase = "rms_norm/bf16/rows=1000000,hidden=8/seed=7";

TEST_F(CheckOnDevice, RowsThatDoNotRepeatAreAFailure) {
  EXPECT_EQ(check(kLongCase, [](const DeviceRun&) {}).state, "passed");
  EXPECT_EQ(prepared_->problem.tensors[PLUMB_RMS_NORM_X].view.shape[0], kRowPeriod);
  repeated_[TINY_TWO] = {PLUMB_RMS_NORM_Y, 536871, 3};
  EXPECT_EQ(failures(kLongCase, [](const DeviceRun&) {}), Checks{"repeat"});
  EXPECT_NE(result_.reason.find("536871 of 1000000"), std::string::npos) << result_.reason;
}

TEST_F(CheckOnDevice, TheReplaySkipsRowsThatRepeat) {
  const auto result = skipped_without_device(parse_case(kLongCase));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->state, "skipped");
  EXPECT_EQ(result->name, kLongCase);
  EXPECT_FALSE(skipped_without_device(parse_case(kNormCase)));
}

TEST_F(CheckOnDevice, AnotherCurrentDeviceNeedsASecondDevice) {
  const CaseResult& result = check("rms_norm/fp32/rows=3,hidden=8/launch=foreign/seed=7", [](const DeviceRun&) {});
  EXPECT_EQ(result.state, "skipped");
  EXPECT_EQ(runs_, 0);
}

TEST_F(CheckOnDevice, BesideACrowdEveryVariantRunsFourTimes) {
  EXPECT_EQ(check("rms_norm/fp32/rows=3,hidden=8/launch=crowded/seed=7", [](const DeviceRun&) {}).state, "passed");
  EXPECT_EQ(runs_, 4 * TINY_VARIANT_COUNT);
}

}  // namespace
}  // namespace plumb
