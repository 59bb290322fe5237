// Reading measured tables: which table a device gets, which row a call, and that the committed tables are sound.
#include "optimized/host/tuned.h"

#include <gtest/gtest.h>

#include <array>

#include "optimized/host/test_library.h"
#include "optimized/qk_norm_rope/tuned/sm90.h"
#include "optimized/rms_norm/tuned/sm90.h"
#include "optimized/rope/tuned/sm90.h"
#include "optimized/solve_tril/tuned/sm90.h"

namespace plumb {
namespace {

TEST(Tuned, ADeviceGetsTheNewestTableThatIsNotNewerThanItself) {
  const TunedTable tables[] = {{90, 132, {}}, {100, 148, {}}};
  EXPECT_EQ(table_for(tables, 80), nullptr);
  EXPECT_EQ(table_for(tables, 89), nullptr);
  EXPECT_EQ(table_for(tables, 90), &tables[0]);
  EXPECT_EQ(table_for(tables, 100), &tables[1]);
  EXPECT_EQ(table_for(tables, 120), &tables[1]);
  EXPECT_EQ(table_for({}, 90), nullptr);
}

TEST(Tuned, SizesAreScaledToTheMeasuredDevice) {
  EXPECT_EQ(scaled_size(264, 132, 132), 264);
  EXPECT_EQ(scaled_size(216, 108, 132), 264);
  EXPECT_EQ(scaled_size(1, 148, 132), 1);
  EXPECT_EQ(scaled_size(0, 108, 132), 0);
  EXPECT_EQ(scaled_size(kAnySize, 1, 132), kAnySize);
}

struct MadeUpCall {
  const plumb_device* device;
  std::int64_t size;
};

struct MadeUp {
  struct Row {
    const char* name;
  };
  static constexpr std::size_t kSizeAxis = 1;
  static std::span<const Row> rows() {
    static constexpr Row all[] = {{"a"}, {"b"}, {"c"}};
    return all;
  }
  static std::span<const TunedTable> tables() {
    static constexpr TunedRow chosen[] = {
        {{{{2, 2}, {0, 100}}}, "b"}, {{{{2, 2}, {101, kAnySize}}}, "gone"}, {{{{2, 2}, {0, kAnySize}}}, "c"}};
    static constexpr TunedTable all[] = {{90, 132, chosen}};
    return all;
  }
  static TunedKey tuned_key(const MadeUpCall& call) { return {2, call.size}; }
};

TEST(Tuned, TheFirstRowWhoseVariantServesIsTaken) {
  const auto on = [](int sm, int sm_count) {
    plumb_device device = described_device(sm);
    device.sm_count = sm_count;
    return device;
  };
  const plumb_device h200 = on(90, 132), half = on(100, 66), a100 = on(80, 108);
  const auto any = [](std::int32_t) { return true; };
  const auto not_b = [](std::int32_t index) { return index != 1; };
  const auto none = [](std::int32_t) { return false; };
  EXPECT_EQ(tuned_choice<MadeUp>(MadeUpCall{&h200, 100}, any), 1);
  EXPECT_EQ(tuned_choice<MadeUp>(MadeUpCall{&h200, 100}, not_b), 2);
  EXPECT_EQ(tuned_choice<MadeUp>(MadeUpCall{&h200, 101}, any), 2) << "a variant that is no more is passed over";
  EXPECT_EQ(tuned_choice<MadeUp>(MadeUpCall{&h200, 100}, none), -1);
  EXPECT_EQ(tuned_choice<MadeUp>(MadeUpCall{&half, 50}, any), 1);
  EXPECT_EQ(tuned_choice<MadeUp>(MadeUpCall{&half, 51}, any), 2);
  EXPECT_EQ(tuned_choice<MadeUp>(MadeUpCall{&a100, 1}, any), -1) << "no table: the plain order decides";
}

TEST(Tuned, CommittedTablesNameVariantsThatExist) {
  const std::pair<const char*, const TunedTable*> tables[] = {{"qk_norm_rope", &kQkNormRopeSm90},
                                                              {"rms_norm", &kRmsNormSm90},
                                                              {"rope", &kRopeSm90},
                                                              {"solve_tril", &kSolveTrilSm90}};
  for (const auto& [name, table] : tables) {
    EXPECT_EQ(table->sm, 90) << name;
    EXPECT_GT(table->sm_count, 0) << name;
    EXPECT_FALSE(table->rows.empty()) << name;
    for (const TunedRow& row : table->rows) {
      EXPECT_GE(variant_named(opened_operator(name), row.variant), 0) << name << " " << row.variant;
      for (const TunedRange& range : row.ranges) EXPECT_LE(range.first, range.last) << name << " " << row.variant;
    }
  }
}

}  // namespace
}  // namespace plumb
