// Which cases `plumbline bench` measures: named groups, globs, or one case.
#include "harness/cases/points.h"

#include <cstdint>
#include <set>

#include "harness/operators/suite.h"

namespace plumb {
namespace {

constexpr std::uint64_t kSeed = 7;  // the one that recorded runs used
constexpr std::int64_t kByteOffsets[] = {2, 4, 8};

struct AlignmentGroup {
  const char* aligned;            // every pointer on a 256-byte boundary
  std::vector<const char*> axes;  // moved one at a time
};

const std::vector<AlignmentGroup>& alignment_groups() {
  static const std::vector<AlignmentGroup> groups = {
      {"rms_norm/bf16/rows=8192,hidden=4096/seed=7", {"offset.x", "offset.y", "offset.weight"}},
      {"rope/bf16/tokens=4096,hq=32,hk=8,D=128,rotary=128/seed=7", {"offset.q", "offset.k", "offset.cache"}},
      {"qk_norm_rope/bf16/tokens=4096,hq=32,hk=8,hv=8,D=128,rotary=128/seed=7",
       {"offset.qkv", "offset.cache", "offset.q_weight", "offset.k_weight"}}};
  return groups;
}

std::vector<Case> all_groups() {
  std::vector<Case> cases;
  std::set<std::string> names;
  for (const auto& group : {headline_points(), alignment_points(), tma_points()}) {
    for (const Case& point : group) {
      if (names.insert(name_of(point)).second) cases.push_back(point);
    }
  }
  return cases;
}

}  // namespace

std::vector<Case> headline_points() {
  std::vector<Case> cases;
  for (const OperatorSuite* suite : all_suites()) {
    for (Case& point : suite->headline_points(kSeed)) cases.push_back(std::move(point));
  }
  return cases;
}

std::vector<Case> alignment_points() {
  std::vector<Case> cases;
  for (const AlignmentGroup& group : alignment_groups()) {
    const Case aligned = parse_case(group.aligned);
    cases.push_back(aligned);
    for (const char* axis : group.axes) {
      for (const std::int64_t offset : kByteOffsets) {
        cases.push_back(aligned);
        cases.back()[axis] = offset;
      }
    }
  }
  return cases;
}

std::vector<Case> tma_points() {
  std::vector<Case> cases;
  for (const char* types : {"fp32/B=1,T=8192,H=32,BT=64/", "fp32/B=1,T=8192,H=32,BT=64/out=bf16,",
                            "bf16/B=1,T=8192,H=32,BT=64/out=bf16,"}) {
    const Case middle = parse_case("solve_tril/" + std::string(types) + "keys=corr03/seed=7");
    for (const std::int64_t chunk : {16, 32, 64}) {
      for (const int precision : {0, 1, 2}) {
        for (const int tma : {0, 1, 2}) {
          for (const int fla : {0, 1, 2}) {
            Case& point = cases.emplace_back(middle);
            point["BT"] = chunk;
            point["precision"] = precision;
            point["tma"] = tma;
            point["fla"] = fla;
          }
        }
      }
    }
  }
  return cases;
}

PointSelection select_points(std::string_view spec) {
  if (spec == "headline") return {headline_points(), ""};
  if (spec == "alignment") return {alignment_points(), ""};
  if (spec == "tma") return {tma_points(), ""};
  if (const OperatorSuite* suite = find_suite(spec)) return {suite->headline_points(kSeed), ""};
  if (spec.find_first_of("*?") != std::string_view::npos) return {all_groups(), std::string(spec)};
  const std::size_t variant = spec.find("/variant=");
  return {{parse_case(spec.substr(0, variant))}, variant == std::string_view::npos ? "" : std::string(spec)};
}

bool matches_glob(std::string_view pattern, std::string_view text) {
  // Greedy with one point of return: only the last '*' seen ever needs to take one character more.
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace plumb
