// Running one case and judging what came back.
#include "harness/check/run_case.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "harness/check/selection.h"
#include "harness/compare/bits.h"
#include "reference/numeric/digest.h"

namespace plumb {
namespace {

// Of all elements, at least this share must be able to show an error; below it a pass would say little.
constexpr double kLeastInformative = 0.02;

CaseResult blank_result(const Case& point) {
  CaseResult result;
  result.name = name_of(point);
  result.operator_name = point.schema->operator_name;
  result.dtype = name_of(point.dtype);
  for (const Axis& axis : point.schema->axes) result.axes[axis.name] = point.text(axis.name);
  return result;
}

std::string describe(const Judgement& verdict, const plumb_tensor& tensor, std::string_view name) {
  std::string text = fmt::format("  {}: {} of {} elements out of bound, {} touched, {} unwritten\n", name,
                                 verdict.out_of_bound, verdict.elements, verdict.touched, verdict.unwritten);
  for (const auto& [title, list] : {std::pair{"first", &verdict.first}, std::pair{"worst", &verdict.worst}}) {
    for (const Offence& offence : *list) {
      text += fmt::format("    {} [{}] {}: got {:.9g} (0x{:x}), expected {:.9g}, bound {:.3g}\n", title,
                          offence.index, offence.what, offence.got, offence.bits, offence.expected, offence.bound);
    }
  }
  return text + describe_offenders(verdict, tensor);
}

// Runs of each variant beside a crowd that changes from run to run.
constexpr int kCrowdedRepeats = 4;

std::string describe(const RowDifference& difference, const PreparedCase& prepared) {
  return fmt::format(
      "{} pieces of 16 bytes of {} differ between rows with the same inputs, the first in row {} of {}",
      difference.pieces, prepared.problem.tensors[static_cast<std::size_t>(difference.tensor)].name, difference.row,
      prepared.repetition->rows);
}

// Everything that one run of one variant is held against.
class Examination {
 public:
  Examination(const PreparedCase& prepared, VariantResult& result, std::string& details)
      : prepared_(prepared), result_(result), details_(details) {}

  void fail(const char* check, const std::string& words) {
    auto& checks = result_.failed_checks;
    if (std::find(checks.begin(), checks.end(), check) == checks.end()) checks.emplace_back(check);
    if (result_.reason.empty()) result_.reason = words;
    result_.state = "failed";
    if (details_.size() < kLongestDetails) details_ += fmt::format("  [{}] {}: {}\n", result_.name, check, words);
  }

  // The verdict of the bound, the poison, the untouched regions and the bias on one output.
  void apply(const Judgement& verdict, const plumb_tensor& tensor, const std::string& name) {
    result_.worst = std::max(result_.worst, std::min(verdict.worst_share, kLargestShare));
    result_.compared += verdict.judged + verdict.kept;
    if (verdict.bias_samples >= kBiasSamples && std::fabs(verdict.bias) > std::fabs(result_.bias)) {
      result_.bias = verdict.bias;
    }
    add_histogram(verdict.ulp_histogram);
    const std::size_t failures = result_.failed_checks.size();
    if (verdict.out_of_bound > 0)
      fail("bound", fmt::format("{} elements of {} out of bound", verdict.out_of_bound, name));
    if (verdict.touched > 0)
      fail("untouched", fmt::format("{} elements of {} changed that must not", verdict.touched, name));
    if (verdict.unwritten > 0)
      fail("poison", fmt::format("{} elements of {} were never written", verdict.unwritten, name));
    if (is_biased(verdict, dtype_of(tensor))) {
      fail("bias", fmt::format("errors of {} have a mean of {:+.3f} ulp over {} elements", name, verdict.bias,
                               verdict.bias_samples));
    }
    if (result_.failed_checks.size() > failures && details_.size() < kLongestDetails) {
      details_ += describe(verdict, tensor, name);
    }
  }

  // All of it, for the block that a run left. `canonical` asks for the replay's bits.
  void examine(const Block& image, bool canonical) {
    if (canonical && image == prepared_.replayed) {  // not a byte differs, in the tensors or around them
      for (std::size_t i = 0; i < prepared_.replay_verdict.size(); ++i) {
        const HostTensor& tensor = output(i);
        apply(prepared_.replay_verdict[i], tensor.view, tensor.name);
      }
      return;
    }
    const auto views = views_in(prepared_.problem, prepared_.layout, image.data());
    const auto before = views_in(prepared_.problem, prepared_.layout, prepared_.pristine.data());
    const auto replayed = views_in(prepared_.problem, prepared_.layout, prepared_.replayed.data());
    for (std::size_t i = 0; i < prepared_.expected.size(); ++i) {
      const HostTensor& tensor = output(i);
      if (!is_present(tensor.view)) continue;
      const auto at = static_cast<std::size_t>(prepared_.problem.outputs[i]);
      apply(judge(views[at], before[at], prepared_.expected[i],
                  tensor.role == Role::kOutput ? poison_word(prepared_.problem.outputs[i]) : std::uint16_t{0}),
            views[at], tensor.name);
      if (canonical) {
        const BitDifference difference = compare_bits(views[at], replayed[at]);
        result_.differing += difference.differing;
        if (difference.differing > 0) {
          note_change(i, views[at], replayed[at]);
          fail("bits",
               fmt::format("{} elements of {} differ from the replay, the first at [{}], by up to {} ulp",
                           difference.differing, tensor.name, difference.first_index, difference.largest_ulp));
        }
      }
    }
    guard(image);
  }

  // Inputs must be as they were, and nothing outside the elements of outputs may change.
  void guard(const Block& image) {
    for (std::size_t i = 0; i < prepared_.problem.tensors.size(); ++i) {
      const HostTensor& tensor = prepared_.problem.tensors[i];
      if (!is_present(tensor.view) || tensor.alias_of >= 0) continue;
      const std::span<const std::byte> storage(image.data() + prepared_.layout.offset[i], tensor.storage.size());
      if (std::memcmp(storage.data(), tensor.storage.data(), storage.size()) == 0) continue;
      std::int64_t first = 0;
      const std::int64_t stray = stray_bytes(tensor.storage, storage, tensor.view, tensor.data_offset(), &first);
      if (stray > 0) {
        fail("canary",
             fmt::format("{} bytes around the elements of {} were overwritten, the first {} bytes {} its start",
                         stray, tensor.name, std::abs(first), first < 0 ? "before" : "after"));
      }
      if (tensor.role == Role::kInput) fail("inputs", fmt::format("the input {} was changed", tensor.name));
    }
  }

 private:
  static constexpr std::size_t kLongestDetails = 6000;
  static constexpr double kLargestShare = 1e9;  // in place of infinity, which JSON does not have

  // Two results within the bound are at most two bounds apart: a larger change is one that the bound must have
  // seen.
  void note_change(std::size_t i, const plumb_tensor& result, const plumb_tensor& replayed) {
    const Expectation& expected = prepared_.expected[i];
    const double change = largest_change(result, replayed, [&](std::int64_t index) {
      return expected.slack[static_cast<std::size_t>(index)] != Expectation::kUnjudged;
    });
    const double bound = prepared_.replay_verdict[i].largest_bound;
    result_.change = std::max(result_.change, bound > 0 ? std::min(change / (2 * bound), kLargestShare) : 0.0);
  }

  void add_histogram(const UlpHistogram& counts) {
    std::vector<std::int64_t>& sum = result_.ulp_histogram;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      if (sum.size() <= i) sum.resize(i + 1);
      sum[i] += counts[i];
    }
  }

  const HostTensor& output(std::size_t i) const {
    return prepared_.problem.tensors[static_cast<std::size_t>(prepared_.problem.outputs[i])];
  }

  const PreparedCase& prepared_;
  VariantResult& result_;
  std::string& details_;
};

// The faults of a library's policy, as if selection were a variant that failed; nothing where there are none.
std::optional<VariantResult> policy_verdict(const PreparedCase& prepared, const std::vector<std::string>& faults,
                                            std::string& details) {
  if (faults.empty()) return std::nullopt;
  VariantResult verdict{.name = "selection", .state = "passed"};
  Examination examination(prepared, verdict, details);
  for (const std::string& fault : faults) examination.fail("served", fault);
  return verdict;
}

// Passed becomes mistrusted where the case could hardly have failed. A no-op is judged on the memory it must leave
// alone.
void settle(CaseResult& result, const PreparedCase& prepared) {
  std::int64_t elements = 0, informative = 0;
  for (const Judgement& verdict : prepared.replay_verdict) {
    elements += verdict.elements;
    informative += verdict.informative;
    result.blind_spot = std::max(result.blind_spot, verdict.blind_spot);
  }
  if (result.state == "passed" && elements > 0 &&
      static_cast<double>(informative) < kLeastInformative * static_cast<double>(elements)) {
    result.state = "mistrusted";
    result.reason = fmt::format("only {} of {} elements could have shown an error", informative, elements);
  }
}

std::string output_digest(const PreparedCase& prepared, const Block& image) {
  const auto views = views_in(prepared.problem, prepared.layout, image.data());
  std::vector<plumb_tensor> outputs;
  for (const int index : prepared.problem.outputs) outputs.push_back(views[static_cast<std::size_t>(index)]);
  return to_hex(digest_of(outputs));
}

}  // namespace

std::optional<CaseResult> skipped_without_device(const Case& point) {
  const OperatorSuite& suite = *find_suite(point.schema->operator_name);
  if (point[suite.row_axis] < kRepeatedRows) return std::nullopt;
  CaseResult result = blank_result(point);
  result.state = "skipped";
  result.reason = fmt::format("{} {} repeat a period, on a GPU only", point[suite.row_axis], suite.row_axis);
  return result;
}

std::optional<CaseResult> skipped_without_operator(const Case& point, const Library& library) {
  if (library.find(point.schema->operator_name)) return std::nullopt;
  CaseResult result = blank_result(point);
  result.state = "skipped";
  result.reason = fmt::format("the library has no operator {}", point.schema->operator_name);
  return result;
}

PreparedCase prepare(const Case& point, const CheckSettings& settings) {
  PreparedCase prepared(point);
  prepared.suite = find_suite(point.schema->operator_name);
  const OperatorSuite& suite = *prepared.suite;
  Case built = point;
  if (const std::int64_t rows = point[suite.row_axis]; rows >= kRepeatedRows) {
    prepared.repetition = {suite.row_dimension, rows};
    built[suite.row_axis] = kRowPeriod;
  }
  prepared.problem = suite.build(built);
  prepared.layout = layout_of(prepared.problem);
  prepared.pristine = pack(prepared.problem, prepared.layout);
  if (settings.selection_only) return prepared;
  Problem replay = clone(prepared.problem);
  prepared.suite->replay(replay);
  prepared.replayed = pack(replay, prepared.layout);
  const auto is_canonical = prepared.suite->replay_is_canonical;
  prepared.replay_is_canonical = is_canonical == nullptr || is_canonical(prepared.problem);
  prepared.replay_digest = output_digest(prepared, prepared.replayed);
  if (!settings.with_oracle) return prepared;
  prepared.expected = prepared.suite->oracle(prepared.problem);
  const auto after = views_in(prepared.problem, prepared.layout, prepared.replayed.data());
  const auto before = views_in(prepared.problem, prepared.layout, prepared.pristine.data());
  for (std::size_t i = 0; i < prepared.problem.outputs.size(); ++i) {
    const int index = prepared.problem.outputs[i];
    const auto at = static_cast<std::size_t>(index);
    const bool poisoned = prepared.problem.tensors[at].role == Role::kOutput;
    prepared.replay_verdict.push_back(
        is_present(after[at])
            ? judge(after[at], before[at], prepared.expected[i], poisoned ? poison_word(index) : std::uint16_t{0})
            : Judgement{});
  }
  return prepared;
}

CaseResult check_on_replay(const PreparedCase& prepared, const Library* library) {
  CaseResult result = blank_result(prepared.point);
  if (!prepared.replay_digest.empty() && prepared.replay_is_canonical) {
    result.digests["canonical"] = prepared.replay_digest;
  }
  VariantResult variant{.name = "replay", .state = "passed"};
  std::string details;
  Examination examination(prepared, variant, details);
  if (!prepared.replayed.empty()) {
    examination.examine(prepared.replayed, true);
    examination.guard(prepared.replayed);  // equal to itself, the replay was not yet held against the canaries
  }
  result.variants.push_back(variant);
  result.state = variant.state;
  if (const plumb_operator* op = library ? library->find(prepared.suite->name) : nullptr) {
    const auto faults = selection_faults_on_described_devices(*prepared.suite, prepared.problem, *op);
    if (const auto policy = policy_verdict(prepared, faults, details)) {
      result.state = "failed";
      result.variants.push_back(*policy);
    }
  }
  result.reason = details;
  settle(result, prepared);
  return result;
}

CaseResult check_on_device(const PreparedCase& prepared, const Library& library, CudaDevice& device,
                           const CheckSettings& settings, bool& device_lost) {
  if (auto skipped = skipped_without_operator(prepared.point, library)) return *std::move(skipped);
  CaseResult result = blank_result(prepared.point);
  const plumb_operator* op = library.find(prepared.suite->name);
  if (prepared.problem.launch == LaunchMode::kForeign && device.info().device_count < 2) {
    result.state = "skipped";
    result.reason = "launch=foreign needs a machine with a second device";
    return result;
  }
  if (prepared.repetition) {
    device.load_repeated(prepared.problem, prepared.layout, prepared.pristine, *prepared.repetition);
  } else {
    device.load(prepared.problem, prepared.layout, prepared.pristine);
  }
  const plumb_call call = device.call();
  std::int32_t selected = -1;
  const plumb_status choice = op->select(&call, &selected);
  if (choice != PLUMB_OK) selected = -1;
  const std::string no_choice = choice == PLUMB_OK ? "" : library.last_error();
  if (choice == PLUMB_OK && (selected < 0 || selected >= op->variant_count)) {
    result.state = "failed";
    result.reason = fmt::format("select returned variant {}, expected 0 to {}", selected, op->variant_count - 1);
    return result;
  }
  if (choice == PLUMB_OK) result.selected = op->variant(selected)->name;

  std::string details;
  std::optional<VariantResult> policy;
  if (device.info().kind == "cuda") {  // host memory has neither warps nor TMA to choose between
    policy = policy_verdict(prepared, selection_faults(*prepared.suite, prepared.problem, *op, call), details);
  }
  std::map<std::string, Block> first_of_class;
  std::vector<std::string> refusals;
  int served_count = 0;
  const bool is_no_op =
      std::all_of(prepared.problem.outputs.begin(), prepared.problem.outputs.end(), [&](int output) {
        return element_count(prepared.problem.tensors[static_cast<std::size_t>(output)].view) == 0;
      });
  Block image(prepared.layout.bytes), again(prepared.layout.bytes);
  const bool crowded = prepared.problem.launch == LaunchMode::kCrowded;
  const int repeats = crowded ? std::max(settings.repeats, kCrowdedRepeats) : settings.repeats;
  for (std::int32_t index = 0; index < op->variant_count && !device_lost; ++index) {
    const plumb_variant& row = *op->variant(index);
    if (!settings.variant.empty() && settings.variant != row.name) continue;
    VariantResult variant{.name = row.name, .state = "passed"};
    Examination examination(prepared, variant, details);
    const plumb_status support = op->supports(&call, index);
    if (support == PLUMB_UNSUPPORTED) {
      variant.state = "unsupported";
      variant.reason = library.last_error();
      refusals.push_back(fmt::format("{}: {}", row.name, variant.reason));
      if (index == selected) examination.fail("served", "select chose it, but supports refuses: " + variant.reason);
      result.variants.push_back(variant);
      continue;
    }
    const bool canonical = prepared.replay_is_canonical && std::string_view(row.bit_class) == "canonical";
    for (int repeat = 0; repeat < repeats && variant.state == "passed"; ++repeat) {
      Block& target = repeat == 0 ? image : again;
      RowDifference rows;
      const RunResult run =
          prepared.repetition ? device.run_repeated(*op, index, target, rows) : device.run(*op, index, target);
      if (run.status != PLUMB_OK) {
        examination.fail("device", fmt::format("launch failed with status {}: {}", static_cast<int>(run.status),
                                               run.error.empty() ? library.last_error() : run.error));
        device_lost = run.device_lost;
        break;
      }
      if (run.served != index && !(run.served == -1 && is_no_op)) {
        examination.fail("served", fmt::format("variant {} was asked for, {} says it ran", index, run.served));
      }
      if (rows.tensor >= 0) {
        examination.fail("repeat", describe(rows, prepared));
      }
      if (repeat == 0) {
        examination.examine(image, canonical);
      } else if (image != again) {
        examination.fail("repeat", "two runs on the same inputs gave different bytes");
      }
    }
    if (variant.state == "passed") ++served_count;
    if (variant.state == "passed" && *row.bit_class && !prepared.repetition) {
      const auto [place, is_first] = first_of_class.try_emplace(row.bit_class, image);
      if (is_first) {
        result.digests[row.bit_class] =
            canonical && image == prepared.replayed ? prepared.replay_digest : output_digest(prepared, image);
      } else if (!canonical && output_digest(prepared, image) != result.digests[row.bit_class]) {
        examination.fail("bits", fmt::format("differs from another variant of class {}", row.bit_class));
      }
    }
    result.variants.push_back(variant);
  }
  if (policy) result.variants.push_back(*policy);
  const bool failed = std::any_of(result.variants.begin(), result.variants.end(),
                                  [](const VariantResult& variant) { return variant.state == "failed"; });
  if (failed) {
    result.state = "failed";
    result.reason = details;
  } else if (result.variants.empty()) {
    result.state = "skipped";
    result.reason = fmt::format("the library's {} has no variant '{}'", op->name, settings.variant);
  } else if (served_count == 0) {
    result.state = "unsupported";
    result.reason = choice == PLUMB_OK ? fmt::format("{}", fmt::join(refusals, "; ")) : no_choice;
  } else if (choice != PLUMB_OK && settings.variant.empty()) {
    result.state = "failed";
    result.reason = fmt::format("a variant serves this case but select refuses it: {}", no_choice);
  } else {
    result.state = "passed";
  }
  settle(result, prepared);
  return result;
}

}  // namespace plumb
