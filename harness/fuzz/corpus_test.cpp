// The kept corpus and spoilt copies of it through every fuzz target, without libFuzzer: what it once found stays
// mended.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "harness/files.h"
#include "harness/fuzz/targets.h"

namespace plumb {
namespace {

struct Target {
  const char* name;  // of its folder in the corpus
  FuzzFn run;
};
constexpr Target kTargets[] = {{"case_name", fuzz_case_name},
                               {"case_values", fuzz_case_values},
                               {"documents", fuzz_documents},
                               {"checks", fuzz_checks},
#ifdef PLUMBLINE_FUZZ_LIBRARY
                               {"call", fuzz_call}
#endif
};

std::vector<std::string> inputs_of(const std::string& target) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(PLUMBLINE_CORPUS "/" + target)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

void run(const Target& target, const std::string& input) {
  target.run({reinterpret_cast<const std::uint8_t*>(input.data()), input.size()});
}

// Cut short, one byte changed, one piece doubled: what a careless writer leaves.
std::string spoilt(std::string input, std::mt19937& random) {
  const auto place = [&] { return random() % (input.size() + 1); };
  switch (random() % 3) {
    case 0:
      return input.substr(0, place());
    case 1: {
      const std::size_t at = place();
      if (at < input.size()) input[at] = static_cast<char>(random());
      return input;
    }
    default: {
      const std::string piece = input.substr(place(), random() % 32);
      return input.insert(place(), piece);
    }
  }
}

// One test per target, named after its folder. A crash ends the process: the file stands in the line printed
// before.
class FuzzCorpus : public testing::TestWithParam<Target> {
 protected:
  void SetUp() override {
#ifdef PLUMBLINE_FUZZ_LIBRARY
    setenv("PLUMBLINE_FUZZ_LIBRARY", PLUMBLINE_FUZZ_LIBRARY, 0);
#endif
  }
};

TEST_P(FuzzCorpus, EndsWell) {
  const std::vector<std::string> inputs = inputs_of(GetParam().name);
  ASSERT_GE(inputs.size(), 4u);
  for (const std::string& path : inputs) {
    std::fprintf(stderr, "%s\r", path.c_str());
    run(GetParam(), read_file(path));
  }
  std::fprintf(stderr, "%zu inputs\n", inputs.size());
}

TEST_P(FuzzCorpus, EndsWellWhenSpoilt) {
  std::mt19937 random(7);
  for (const std::string& path : inputs_of(GetParam().name)) {
    std::fprintf(stderr, "%s, spoilt\r", path.c_str());
    const std::string input = read_file(path);
    for (int i = 0; i < 20; ++i) run(GetParam(), spoilt(input, random));
  }
  std::fprintf(stderr, "\n");
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpus, testing::ValuesIn(kTargets),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace plumb
