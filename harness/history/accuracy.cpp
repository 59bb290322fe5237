// Prints the table of precision and recall in README.md: find_changes beside the simple baseline, on made-up
// series.
#include <fmt/format.h>

#include <chrono>

#include "harness/history/score.h"

int main() {
  using plumb::made::Recipe;
  const Recipe recipes[] = {
      {.name = "steps of 1%", .steps = 2, .step = 0.01},
      {.name = "steps of 2%", .steps = 2, .step = 0.02},
      {.name = "steps of 5%", .steps = 2, .step = 0.05},
      {.name = "ten steps of 1%", .steps = 10, .step = 0.01},
      {.name = "steps of 2%, noise 1%", .noise = 0.01, .steps = 2, .step = 0.02},
      {.name = "steps of 5%, noise 1.2%, 2% of nights +20%",
       .noise = 0.012,
       .steps = 2,
       .step = 0.05,
       .spikes = 0.02,
       .spike = 0.2},
      {.name = "steps of 2%, 2% of nights +8%", .steps = 2, .step = 0.02, .spikes = 0.02, .spike = 0.08},
      {.name = "steps of 2%, t noise of 3 degrees", .steps = 2, .step = 0.02, .freedom = 3},
      {.name = "steps of 2%, correlation 0.3", .steps = 2, .step = 0.02, .correlation = 0.3},
      {.name = "steps of 2%, noise times 4 in one third", .steps = 2, .step = 0.02, .swell = 4},
      {.name = "steps of 2%, 20% of nights missing", .steps = 2, .step = 0.02, .missing = 0.2},
      {.name = "steps of 2%, 30% of nights in a clock state 2% off",
       .steps = 2,
       .step = 0.02,
       .mode_share = 0.3,
       .mode = 0.02},
      {.name = "a step of 2% in 40 nights", .nights = 40, .steps = 1, .step = 0.02},
      {.name = "nothing", .steps = 0},
      {.name = "constant", .noise = 0},
      {.name = "noise 3%", .noise = 0.03},
      {.name = "correlation 0.5, noise 1%", .noise = 0.01, .correlation = 0.5},
      {.name = "t noise of 3 degrees, 1%", .noise = 0.01, .freedom = 3},
      {.name = "2% of nights +8%", .spikes = 0.02, .spike = 0.08},
      {.name = "half the nights in a clock state 2% off", .mode_share = 0.5, .mode = 0.02},
      {.name = "10% of nights in a clock state 5% off", .mode_share = 0.1, .mode = 0.05},
      {.name = "clock state for 5 nights at a time, 2% off", .mode_share = 0.3, .mode = 0.02, .mode_stay = 0.7},
      {.name = "clock state for 14 nights at a time, 2% off", .mode_share = 0.3, .mode = 0.02, .mode_stay = 0.9},
      {.name = "drift of 1%", .drift = 0.01},
      {.name = "drift of 3%", .drift = 0.03},
      {.name = "drift of 5%", .drift = 0.05}};
  constexpr int kSeries = 200;
  const auto start = std::chrono::steady_clock::now();
  fmt::print(
      "| made of | true changes | found | precision | recall | drifts | 5-night means: found | precision | recall "
      "|\n");
  fmt::print("|---|---|---|---|---|---|---|---|---|\n");
  const auto share = [](int hits, int of) {
    return of ? fmt::format("{:.3f}", static_cast<double>(hits) / of) : std::string("-");
  };
  for (const Recipe& recipe : recipes) {
    const plumb::made::Score score = plumb::made::score_of(recipe, kSeries);
    fmt::print("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", recipe.name, score.truth, score.found,
               share(score.hits, score.found), share(score.hits, score.truth), score.drifts, score.baseline_found,
               share(score.baseline_hits, score.baseline_found), share(score.baseline_hits, score.truth));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("\n{} series a row, in {:.1f} s\n", kSeries, seconds.count());
}
