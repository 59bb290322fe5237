// The built library's selection, held against what was measured and recorded in golden/tune.
#include "harness/tune/choices.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <set>

#include "harness/golden/golden.h"
#include "harness/operators/suite.h"
#include "harness/testing.h"

namespace plumb {
namespace {

constexpr double kPromised = 0.03;  // of the best variant's time, at every recorded point

// Small enough to build in memory: the description must be what the harness would have built.
TEST(CallDescriber, DescribesTheCallThatTheHarnessBuilds) {
  int compared = 0;
  CallDescriber describer;
  for (const TuneGrid& grid : tune_grids()) {
    for (const TuneForm& form : grid.forms) {
      for (Case point : form.cases) {
        const OperatorSuite& suite = *find_suite(grid.operator_name);
        point[suite.row_axis] = 5;
        const Problem problem = suite.build(point);
        const plumb_call call = describer.describe(point, described_device(90));
        ASSERT_EQ(call.tensor_count, static_cast<int>(problem.tensors.size()));
        for (std::size_t i = 0; i < problem.tensors.size(); ++i) {
          const plumb_tensor &a = call.tensors[i], &b = problem.tensors[i].view;
          ASSERT_EQ(a.dtype, b.dtype) << name_of(point);
          ASSERT_EQ(a.rank, b.rank) << name_of(point);
          for (int d = 0; d < a.rank; ++d) {
            ASSERT_EQ(a.shape[d], b.shape[d]) << name_of(point) << " tensor " << i << " axis " << d;
            ASSERT_EQ(a.stride[d], b.stride[d]) << name_of(point) << " tensor " << i << " axis " << d;
          }
          if (!is_present(b)) continue;
          ASSERT_EQ(reinterpret_cast<std::uintptr_t>(a.data) % kBandBytes,
                    problem.tensors[i].data_offset() % kBandBytes);
        }
        // Parameters begin with their size.
        std::uint32_t size = 0;
        std::memcpy(&size, static_cast<const std::byte*>(call.params) + 4, sizeof size);
        ASSERT_EQ(std::memcmp(call.params, problem.params.data(), size), 0) << name_of(point);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 200);
}

TEST(TuneGrid, HasEveryPointOnceAndAKeyForEveryAxis) {
  for (const TuneGrid& grid : tune_grids()) {
    ASSERT_NE(find_suite(grid.operator_name), nullptr);
    EXPECT_LE(grid.axes.size(), 5u) << "as optimized/host/tuned.h has room for";
    std::set<std::string> names;
    for (const TuneForm& form : grid.forms) {
      EXPECT_FALSE(form.cases.empty()) << grid.operator_name << " " << form.name;
      for (const Case& point : form.cases) {
        EXPECT_TRUE(names.insert(name_of(point)).second) << name_of(point);
        EXPECT_EQ(grid.key(point).size(), grid.axes.size());
      }
    }
  }
}

class Recorded : public testing::Test {
 protected:
  void SetUp() override {
    documents_ = read_tune_documents(default_golden_folder());
    ASSERT_FALSE(documents_.empty()) << "golden/tune has no measurements";
    if (!std::filesystem::exists(default_library_path())) {
      GTEST_SKIP() << "no " << default_library_path() << ": it was not built, as there is no nvcc";
    }
    library_ = std::make_unique<Library>(default_library_path());
  }

  std::vector<TuneDocument> documents_;
  std::unique_ptr<Library> library_;
  CallDescriber describer_;
};

TEST_F(Recorded, EveryChoiceIsNearTheBestVariant) {
  for (const TuneDocument& document : documents_) {
    EXPECT_EQ(document.operators.size(), tune_grids().size());
    for (const TuneOperator& measured : document.operators) {
      const plumb_operator* op = library_->find(measured.name);
      ASSERT_NE(op, nullptr) << measured.name;
      const OperatorChoices choices = choices_on_measured_device(*op, describer_, document.machine, measured);
      EXPECT_GT(choices.points, 20) << measured.name;
      EXPECT_LE(choices.worst_regret, kPromised)
          << choices.worst_point << ": selects '" << choices.worst_choice << "'; measure again: plumbline tune";
    }
  }
}

// The same check on measurements that were tampered with: it can fail.
TEST_F(Recorded, ABadChoiceIsSeen) {
  const TuneMachine& machine = documents_.front().machine;
  for (TuneOperator measured : documents_.front().operators) {
    const plumb_operator& op = *library_->find(measured.name);
    TunePoint& point = measured.points.front();
    ASSERT_GE(point.variants.size(), 2u) << point.name;
    const auto rows = rows_of(measured.axes, measured.points, documents_.front().margin);
    for (TuneTiming& timing : point.variants) {
      if (timing.variant == choice_of(rows, point)) timing.time_us *= 1000;
    }
    const OperatorChoices slow = choices_on_measured_device(op, describer_, machine, measured);
    EXPECT_GT(slow.worst_regret, kPromised);
    EXPECT_EQ(slow.worst_point, point.name);
    std::erase_if(point.variants, [&](const TuneTiming& timing) { return timing.variant == slow.worst_choice; });
    EXPECT_EQ(choices_on_measured_device(op, describer_, machine, measured).unmeasured, 1);
  }
}

TEST_F(Recorded, TheLibraryChoosesAsTheRowsSay) {
  for (const TuneDocument& document : documents_) {
    for (const TuneOperator& measured : document.operators) {
      const auto rows = rows_of(measured.axes, measured.points, document.margin);
      plumb_device device = described_device(document.machine.sm);
      device.sm_count = document.machine.sm_count;
      for (const TunePoint& point : measured.points) {
        EXPECT_EQ(selected_variant(*library_->find(measured.name), describer_, point.name, device),
                  choice_of(rows, point))
            << point.name;
      }
    }
  }
}

TEST_F(Recorded, NewerArchitecturesUseTheTableOfSm90) {
  for (const TuneDocument& document : documents_) {
    for (const TuneOperator& measured : document.operators) {
      EXPECT_EQ(choices_as_sm90(*library_->find(measured.name), describer_, measured, 100),
                static_cast<int>(measured.points.size()))
          << measured.name;
    }
  }
}

TEST_F(Recorded, ListSaysWhereTheChoicesComeFrom) {
  for (const TuneOperator& measured : documents_.front().operators) {
    const auto lines = selection_lines(*library_->find(measured.name), documents_);
    ASSERT_GE(lines.size(), 3u);
    EXPECT_NE(lines[0].find("sm_90 measured on NVIDIA H200"), std::string::npos) << lines[0];
    EXPECT_NE(lines[1].find("sm_100 not measured: chooses as sm_90"), std::string::npos) << lines[1];
    EXPECT_NE(lines[2].find("sm_80 not measured"), std::string::npos) << lines[2];
  }
  EXPECT_EQ(selection_lines(*library_->find("rope"), {}).size(), 1u);
}

// The committed tables are what the generator makes of the committed measurements.
TEST(TunedSources, FollowFromTheRecordedMeasurements) {
  const std::string optimized = default_golden_folder() + "/../optimized";
  for (const TuneDocument& document : read_tune_documents(default_golden_folder())) {
    for (const TuneOperator& op : document.operators) {
      const std::string path = table_path(optimized, document, op);
      EXPECT_EQ(testing_support::content_of(path), table_source(document, op))
          << path
          << " is older or newer than golden/tune: plumbline tune --from golden/tune/FILE --output optimized";
    }
  }
}

}  // namespace
}  // namespace plumb
