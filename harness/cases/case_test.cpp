// Names of cases round-trip, and bad names say what is wrong with them.
#include "harness/cases/case.h"

#include <gtest/gtest.h>

#include <set>

#include "harness/error.h"
#include "harness/operators/suite.h"

namespace plumb {
namespace {

TEST(CaseName, EveryCaseOfEveryTierRoundTripsAndIsUnique) {
  std::size_t quick = 0, full = 0;
  for (const Tier tier : {Tier::kQuick, Tier::kFull}) {
    std::set<std::string> names;
    for (const OperatorSuite* suite : all_suites()) {
      for (const Case& point : suite->cases(tier, 7)) {
        const std::string name = name_of(point);
        ASSERT_TRUE(names.insert(name).second) << name;
        const Case parsed = parse_case(name);
        ASSERT_EQ(name_of(parsed), name);
        ASSERT_EQ(parsed.values, point.values) << name;
      }
    }
    (tier == Tier::kQuick ? quick : full) = names.size();
  }
  EXPECT_GE(quick, 2000u);
  EXPECT_GE(full, 20000u);
}

TEST(CaseName, ReadsTheDocumentedExample) {
  const Case point = parse_case(
      "qk_norm_rope/bf16/tokens=17,hq=32,hk=8,hv=8,D=128,rotary=64/offset.qkv=2,style=interleaved/seed=7");
  EXPECT_EQ(point.dtype, PLUMB_BF16);
  EXPECT_EQ(point["tokens"], 17);
  EXPECT_EQ(point.text("style"), "interleaved");
  EXPECT_EQ(point.text("hpw"), "auto");
  EXPECT_EQ(point.seed, 7u);
}

std::string complaint(const std::string& name) {
  try {
    parse_case(name);
  } catch (const HarnessError& error) {
    return error.what();
  }
  return "";
}

TEST(CaseName, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"rmsnorm/bf16/rows=1/seed=7", "no operator 'rmsnorm'"},
      {"rms_norm/fp8/rows=1/seed=7", "the type is 'fp8'"},
      {"rms_norm/i32/rows=1/seed=7", "the type is 'i32'"},
      {"rms_norm/bf16/row=1/seed=7", "no axis 'row'"},
      {"rms_norm/bf16/rows=many/seed=7", "rows is 'many', expected an integer"},
      {"rms_norm/bf16/rows=-1/seed=7", "rows is -1, expected at least 0"},
      {"rms_norm/bf16/rows=1/residual=maybe/seed=7", "residual is 'maybe', expected one of no, yes"},
      {"rms_norm/bf16/rows=1/seed=", "seed is ''"},
      {"rms_norm", "the type is ''"},
      {"", "no operator ''"},
  };
  for (const auto& [name, words] : rows)
    EXPECT_NE(complaint(name).find(words), std::string::npos) << name << ": " << complaint(name);
}

}  // namespace
}  // namespace plumb
