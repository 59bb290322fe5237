// From measurements to a selection table.
#include "harness/tune/table.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <span>

namespace plumb {
namespace {

using Points = std::vector<const TunePoint*>;

const TuneTiming& best_of(const TunePoint& point) {
  return *std::min_element(point.variants.begin(), point.variants.end(),
                           [](const TuneTiming& a, const TuneTiming& b) { return a.time_us < b.time_us; });
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Those of `words` that `others` has too, in the order of `words`.
std::vector<std::string> common(const std::vector<std::string>& words, const std::vector<std::string>& others) {
  std::vector<std::string> both;
  for (const std::string& word : words) {
    if (has(others, word)) both.push_back(word);
  }
  return both;
}

// Where points of one key disagree, the variant whose worst loss is least.
std::vector<std::string> compromise(const Points& points) {
  std::pair<double, std::string> least{std::numeric_limits<double>::infinity(), ""};
  for (const TuneTiming& timing : points.front()->variants) {
    double worst = 0;
    for (const TunePoint* point : points) worst = std::max(worst, regret_of(*point, timing.variant));
    if (worst < least.first) least = {worst, timing.variant};
  }
  if (least.second.empty()) return {points.front()->variants.front().variant};
  return {least.second};
}

std::map<std::int64_t, Points> by_value(const Points& points, std::size_t axis) {
  std::map<std::int64_t, Points> values;
  for (const TunePoint* point : points) values[point->key[axis]].push_back(point);
  return values;
}

// The largest integer not above the geometric mean.
std::int64_t border(std::int64_t below, std::int64_t above) {
  if (below < 1) return below;
  const auto mean = static_cast<std::int64_t>(std::sqrt(static_cast<double>(below) * static_cast<double>(above)));
  return std::clamp(mean, below, above - 1);
}

// Neighbouring values whose points share an answer of type T (what `solve` gives for them, if anything), as groups
// of the first and the last value.
template <class T>
struct Group {
  std::int64_t first, last;
  T answer;
};

struct Solver {
  std::span<const TuneAxis> axes;
  double margin;

  // The table of these points from this axis on, without the ranges of the axes before it. nullopt where one table
  // cannot serve them all within the noise; with `must`, the least bad one.
  std::optional<std::vector<TuneRow>> solve(const Points& points, std::size_t axis, bool must) const {
    if (axis == axes.size()) {
      const auto variants = agreed(points, must);
      if (variants.empty()) return std::nullopt;
      return std::vector<TuneRow>{{"", {}, variants.front()}};
    }
    if (axes[axis].kind == AxisKind::kExact) return exact(points, axis, must);
    return axis + 1 == axes.size() ? sizes(points, axis, must) : ranges(points, axis, must);
  }

 private:
  std::vector<std::string> agreed(const Points& points, bool must) const {
    auto variants = equals_of_best(*points.front(), margin);
    for (const TunePoint* point : points) variants = common(variants, equals_of_best(*point, margin));
    return variants.empty() && must ? compromise(points) : variants;
  }

  static void append(std::vector<TuneRow>& rows, TuneRange range, const std::vector<TuneRow>& more) {
    for (TuneRow row : more) {
      row.ranges.insert(row.ranges.begin(), range);
      rows.push_back(std::move(row));
    }
  }

  std::optional<std::vector<TuneRow>> exact(const Points& points, std::size_t axis, bool must) const {
    std::vector<TuneRow> rows;
    for (const auto& [value, some] : by_value(points, axis)) {
      const auto table = solve(some, axis + 1, must);
      if (!table) return std::nullopt;
      append(rows, {value, value}, *table);
    }
    return rows;
  }

  // The innermost axis: a row is as long as its points have a variant in common.
  std::optional<std::vector<TuneRow>> sizes(const Points& points, std::size_t axis, bool must) const {
    std::vector<Group<std::vector<std::string>>> groups;
    for (const auto& [value, some] : by_value(points, axis)) {
      auto variants = agreed(some, must);
      if (variants.empty()) return std::nullopt;
      if (!groups.empty()) {
        const auto both = common(groups.back().answer, variants);
        if (!both.empty()) {
          groups.back().last = value;
          groups.back().answer = both;
          continue;
        }
      }
      groups.push_back({value, value, std::move(variants)});
    }
    std::vector<TuneRow> rows;
    between(groups, [&](TuneRange range, const std::vector<std::string>& variants) {
      rows.push_back({"", {range}, variants.front()});
    });
    return rows;
  }

  // An outer range: neighbours share a table as long as one serves them all within the noise.
  std::optional<std::vector<TuneRow>> ranges(const Points& points, std::size_t axis, bool must) const {
    struct Table {
      Points points;
      std::vector<TuneRow> rows;
    };
    std::vector<Group<Table>> groups;
    for (const auto& [value, some] : by_value(points, axis)) {
      if (!groups.empty()) {
        Points together = groups.back().answer.points;
        together.insert(together.end(), some.begin(), some.end());
        if (auto rows = solve(together, axis + 1, false)) {
          groups.back().last = value;
          groups.back().answer = {std::move(together), std::move(*rows)};
          continue;
        }
      }
      auto rows = solve(some, axis + 1, must);
      if (!rows) return std::nullopt;
      groups.push_back({value, value, {some, std::move(*rows)}});
    }
    std::vector<TuneRow> all;
    between(groups, [&](TuneRange range, const Table& table) { append(all, range, table.rows); });
    return all;
  }

  template <class T, class Visit>
  static void between(const std::vector<Group<T>>& groups, const Visit& visit) {
    std::int64_t first = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool is_last = i + 1 == groups.size();
      const std::int64_t last = is_last ? kEndless : border(groups[i].last, groups[i + 1].first);
      visit(TuneRange{first, last}, groups[i].answer);
      first = is_last ? first : last + 1;
    }
  }
};

bool contains(const TuneRow& row, const std::vector<std::int64_t>& key) {
  for (std::size_t axis = 0; axis < key.size(); ++axis) {
    if (key[axis] < row.ranges[axis].first || key[axis] > row.ranges[axis].last) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> equals_of_best(const TunePoint& point, double margin) {
  const TuneTiming& best = best_of(point);
  std::vector<std::string> variants;
  for (const TuneTiming& timing : point.variants) {
    const double scatter = ((timing.spread - 1) + (best.spread - 1)) / 2;
    const double allowed = std::clamp(scatter, margin, 2 * margin);
    if (timing.time_us <= best.time_us * (1 + allowed)) variants.push_back(timing.variant);
  }
  return variants;
}

std::vector<TuneRow> rows_of(const std::vector<TuneAxis>& axes, const std::vector<TunePoint>& points,
                             double margin) {
  std::vector<std::string> forms;
  for (const TunePoint& point : points) {
    if (!has(forms, point.form)) forms.push_back(point.form);
  }
  std::vector<TuneRow> rows;
  for (const std::string& form : forms) {
    Points of_form;
    for (const TunePoint& point : points) {
      if (point.form == form) of_form.push_back(&point);
    }
    auto table = Solver{axes, margin}.solve(of_form, 0, true);
    for (TuneRow& row : table.value()) {
      row.form = form;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::string choice_of(const std::vector<TuneRow>& rows, const TunePoint& point) {
  for (const TuneRow& row : rows) {
    if (!contains(row, point.key)) continue;
    for (const TuneTiming& timing : point.variants) {
      if (timing.variant == row.variant) return row.variant;
    }
  }
  return point.variants.front().variant;
}

double regret_of(const TunePoint& point, const std::string& variant) {
  for (const TuneTiming& timing : point.variants) {
    if (timing.variant == variant) return timing.time_us / best_of(point).time_us - 1;
  }
  return std::numeric_limits<double>::infinity();
}

}  // namespace plumb
