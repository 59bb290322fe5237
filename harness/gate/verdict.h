// The regression gate's decision: from the log ratios of blocks to one verdict per point, with its numbers.
//
// A block is ABBA or BAAB, chosen at random for each block; its log ratio is how much longer the candidate (B)
// took. For identical code that choice alone makes a block's log ratio symmetric about the placement shift of its
// process, whatever clocks and neighbours do: the signed-rank test's one assumption holds by design. The shift is
// fixed within the process, so more blocks never average it out; it is drawn anew (buffer offsets, load order) in
// every process.
//
// Stage 1, screen: all points in one process. A point is done, and passes, when the signed-rank test sees it
// neither slower than +margin nor faster than -margin at 5%, unadjusted (a suspicion costs time, not a false
// alarm), when its slowdown's upper confidence bound, margin added, is below the promised effect, and when its
// detectable effect is, too. All others are suspects.
//
// Stage 2, confirm: suspects only, in several fresh processes. The process is the unit of replication. In process k
// the signed-rank test of the blocks against +margin gives p_k, valid only if the shift is inside the margin, which
// fails with probability q at most (margin.h). So P(p_k <= t) <= q + (1-q) t, and p*_k = q + (1-q) p_k is a p-value
// for "not slower" that no number of blocks brings below q. The point's p-value is (max_k p*_k)^K: all processes
// must agree. Why the maximum: K independent p-values all lie below t with probability t^K, so the power comes from
// the number of processes. Fisher's and Stouffer's sums reward one extreme p_k, the trace of one odd placement. A
// signed-rank test of the K means would need no q, but 18 processes to reach the 5e-6 that one of 200 points needs,
// against 6. Holm over the suspects: stage 1's data chose them and nothing else, so the family's level holds given
// any choice.
//
//   regressed     Holm-adjusted p of "slower" <= 0.1%
//   improved      the same of "faster", a family of its own
//   pass          upper confidence bound and detectable effect are below the promised effect
//   inconclusive  else, and where the measurement was disturbed
//
// In stage 2 the bounds are those of the processes' estimates, with six the least and the largest; shifts fall to
// either side there, so that no margin is added.
//
// The detectable effect is the smallest that this procedure flags with 99% probability in noise as these blocks
// show it, with every shift at the margin's far end: 2 margin + upper - lower, where lower is a bound at the level
// that each process must reach when all points are suspects, and upper one at 1% shared by all processes.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/gate/margin.h"

namespace plumb {

struct GateRules {
  double promised_effect = log_ratio(0.02);  // what `pass` excludes
  double family_level = 0.001;               // probability of any false regression in a gate
  double screen_level = 0.05;
  double bound_error = 0.02;  // of each confidence bound; six processes reach 2^-6
  double power = 0.99;        // with which the detectable effect is found
};

enum class Verdict { kPass, kRegressed, kImproved, kInconclusive };
std::string_view name_of(Verdict verdict);

struct PointVerdict {
  Verdict verdict = Verdict::kInconclusive;
  double effect = 0, lower = 0, upper = 0;  // Hodges-Lehmann estimate and bounds, log ratios; shifts allowed for
  double detectable = 0;                    // log ratio; infinite where the data certify nothing
  double p_slower = 1, p_faster = 1;        // Holm-adjusted; 1 where stage 1 sufficed
  int processes = 1;                        // that the verdict rests on
  bool certified = false;                   // detectable <= promised effect
};

// What was measured at a point. Values that are not finite, and processes without a block, are a disturbance.
struct PointEvidence {
  std::vector<double> screen = {};           // stage 1: block log ratios of one process
  std::vector<std::vector<double>> confirm;  // stage 2: the same for each fresh process; empty unless a suspect
  Margin margin = {};
  bool disturbed = false;  // throttled clocks, others on the GPU: what was measured must not decide
};

// How many fresh processes stage 2 needs for `family` points: at least six, and so many that each may reject at 1%.
int processes_needed(const GateRules& rules, double exceedance, int family);

// The verdict if stage 1 decides a point, nothing if it is a suspect. `family` counts all points of the gate.
std::optional<PointVerdict> screen(const PointEvidence& point, const GateRules& rules, int family);

// All points' verdicts. A suspect without stage 2, or one disturbed, is inconclusive.
std::vector<PointVerdict> decide(std::span<const PointEvidence> points, const GateRules& rules);

// Of the whole gate: regressed where any point is, else inconclusive where any is or there is none, else pass.
Verdict overall(std::span<const PointVerdict> points);

}  // namespace plumb
