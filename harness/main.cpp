// The command line of plumbline, nothing else.
#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>

#include "build_stamp.h"
#include "harness/check/check.h"
#include "harness/check/worker.h"
#include "harness/error.h"
#include "harness/gate/calibrate.h"
#include "harness/gate/gate.h"
#include "harness/gate/gate_worker.h"
#include "harness/golden/golden.h"
#include "harness/golden/sample.h"
#include "harness/history/history.h"
#include "harness/list.h"
#include "harness/measure/bench.h"
#include "harness/mutate/mutate.h"
#include "harness/tune/tune.h"

namespace {

using namespace plumb;

// Options as typed; turned into CheckOptions once the command is known.
struct Typed {
  std::string tier = "quick", device = "replay", library, reply_fd;
  double device_memory_gib = 0;
  CheckOptions check;
  BenchOptions bench;
  TuneOptions tune;
  std::string sample_folder;
  MutateOptions mutate;
};

// Of cuda:N; -1 for the devices that are none.
int ordinal_of(const std::string& device) {
  int ordinal = 0;
  char extra = 0;
  if (device == "replay" || device == "host") return -1;
  if (std::sscanf(device.c_str(), "cuda:%d%c", &ordinal, &extra) != 1 || ordinal < 0) {
    throw HarnessError(fmt::format("--device '{}': expected replay, host or cuda:N", device));
  }
  return ordinal;
}

CheckOptions resolved(const Typed& typed) {
  CheckOptions options = typed.check;
  options.tier = typed.tier == "full" ? Tier::kFull : Tier::kQuick;
  options.device = typed.device;
  options.library = typed.library;
  const int ordinal = ordinal_of(typed.device);
  options.worker.place = typed.device == "replay" ? Place::kReplay
                         : typed.device == "host" ? Place::kHost
                                                  : Place::kCuda;
  options.worker.ordinal = std::max(ordinal, 0);
  options.worker.device_memory_limit = static_cast<std::int64_t>(typed.device_memory_gib * (1 << 30));
  return options;
}

void add_case_options(CLI::App& command, Typed& typed) {
  command.add_option("--tier", typed.tier, "quick (a few thousand cases) or full (over twenty thousand)")
      ->check(CLI::IsMember({"quick", "full"}))
      ->capture_default_str();
  command.add_option("--filter", typed.check.filter,
                     "glob over case names, such as 'rope/bf16/*'; an operator's name; or one whole case name");
  command.add_option("--shard", typed.check.shard, "I/N: the I-th of N parts, I from 1");
  command.add_option("--seed", typed.check.seed, "seed of the inputs; goldens exist for the default")
      ->capture_default_str();
  command.add_option("--junit", typed.check.junit, "write JUnit XML to this file");
  command.add_option("--json", typed.check.json, "write every result to this file (schema plumbline.check/1)");
  command.add_option("--golden", typed.check.golden, "folder of recorded digests (default: the project's own)");
  command.add_option("--timeout", typed.check.timeout_seconds, "seconds after which a case counts as hanging")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  command.add_flag("--verbose", typed.check.verbose, "GoogleTest's own line per case");
}

void add_device_options(CLI::App& command, Typed& typed) {
  command.add_option("--library", typed.library, "shared library to check (default: the one built with plumbline)");
  command.add_option("--variant", typed.check.worker.check.variant, "only this variant");
  command.add_option("--repeats", typed.check.worker.check.repeats, "runs of each variant, compared bit for bit")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      .add_option("--device-memory", typed.device_memory_gib,
                  "GiB of device memory that may be used (default: all)")
      ->check(CLI::NonNegativeNumber);
}

// A word of `plumbline history` and what it does.
struct HistoryCommand {
  CLI::App* app;
  int (*run)(const HistoryOptions&);
};

std::vector<HistoryCommand> add_history_commands(CLI::App& app, HistoryOptions& options) {
  CLI::App* history = app.add_subcommand("history", "what was measured night by night, and when it changed");
  history->require_subcommand(1);
  const auto command = [&](const char* name, const char* help) {
    CLI::App* added = history->add_subcommand(name, help);
    added->add_option("--db", options.database,
                      "a SQLite file, or postgresql://... (default: $PLUMBLINE_HISTORY, or history.sqlite)");
    return added;
  };
  const auto select = [&](CLI::App* added) {
    added->add_option("--gpu", options.gpu, "only runs of this model of GPU");
    added->add_option("--uuid", options.uuid, "only runs of this one GPU");
    added->add_option("--host", options.host, "only runs of this host");
    added->add_option("--nights", options.nights, "only the latest so many runs that have points (default: all)")
        ->check(CLI::PositiveNumber);
  };
  const auto judge = [&](CLI::App* added) {
    select(added);
    added->add_option("--min-effect", options.min_effect, "the least change that is reported; 0.005 is 0.5%")
        ->check(CLI::Range(1e-6, 10.0))
        ->capture_default_str();
    added
        ->add_option("--false-discovery", options.false_discovery,
                     "expected share of false ones among the findings")
        ->check(CLI::Range(1e-12, 0.5))
        ->capture_default_str();
  };
  CLI::App* add =
      command("add", "adds documents of bench and check, all or none; those that are there change nothing");
  add->add_option("documents", options.documents, "JSON files of bench --json and check --json")->required();
  add->add_option("--note", options.note, "kept with new runs, such as 'recorded'");
  CLI::App* list = command("list", "the runs");
  select(list);
  CLI::App* show = command("show", "series, night by night");
  show->add_option("series", options.series, "a series' id, or a glob over names")->required();
  judge(show);
  CLI::App* exported = command("export", "the whole history as one document (schema plumbline.history/1)");
  exported->add_option("--json", options.json, "to this file (default: standard output)");
  exported->add_option("--series", options.series, "glob over names");
  judge(exported);
  CLI::App* changes =
      command("changes", "change points of all series, with the commits between; outliers and drift");
  changes->add_option("--series", options.series, "glob over names");
  changes->add_option("--json", options.json, "write plumbline.history/1 to this file, too");
  judge(changes);
  CLI::App* baseline =
      command("baseline", "pins a run as the release that drift is held against; without RUN lists");
  baseline->add_option("run", options.run, "its number in history list")->check(CLI::PositiveNumber);
  baseline->add_option("--label", options.label, "name of the release");
  baseline->add_flag("--remove", options.remove, "takes the label away");
  return {{add, run_history_add},         {list, run_history_list},       {show, run_history_show},
          {exported, run_history_export}, {changes, run_history_changes}, {baseline, run_history_baseline}};
}

int run(int argc, char** argv) {
  Typed typed;
  CLI::App app{
      "plumbline: is the fast kernel true, and is it still fast?\n"
      "Checks GPU operators against CPU references, bit for bit where that is possible and inside a derived bound "
      "where\n"
      "it is not, and measures them against the speed of light of the same memory.\n"
      "Exit codes: 0 pass, 1 mismatch, 2 usage or harness error, 3 only mistrusted or nothing compared."};
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return fmt::format("plumbline: {}; see plumbline --help\n", error.what());
  });
  app.set_version_flag("--version", fmt::format("plumbline {} ({})", PLUMBLINE_VERSION, PLUMBLINE_COMMIT));

  CLI::App* list = app.add_subcommand("list", "operators, axes, cases, and the variants of a library");
  list->add_option("--library", typed.library, "shared library (default: the one built with plumbline)");

  bool list_cases = false, list_choices = false;
  list->add_flag("--variants", list_choices,
                 "also which variant serves by default on each architecture, and why the others do not");
  list->add_flag("--cases", list_cases, "the names of the tier's cases, a line each, and nothing else");
  list->add_option("--tier", typed.tier, "quick or full, with --cases")
      ->check(CLI::IsMember({"quick", "full"}))
      ->capture_default_str();

  CLI::App* check = app.add_subcommand(
      "check",
      "run the case matrix: every variant that can serve a case, and the selector's choice.\n"
      "Each case is a GoogleTest; --gtest_repeat, --gtest_shuffle and other --gtest_ flags work.");
  add_case_options(*check, typed);
  check
      ->add_option("--device", typed.device,
                   "cuda:N; host: a --library that computes on the CPU; or replay: the CPU replay in\nthe GPU's "
                   "place, judged by the oracle and by recorded digests")
      ->capture_default_str();
  add_device_options(*check, typed);
  check->allow_extras();

  CLI::App* golden = app.add_subcommand("golden", "digests of what real GPUs computed");
  golden->require_subcommand(1);
  CLI::App* record = golden->add_subcommand("record", "check on a GPU and record the digests of what it computed");
  add_case_options(*record, typed);
  CLI::Option* const on_gpu = record->add_option("--device", typed.device, "cuda:N");
  std::string checked;
  record->add_option("--from", checked, "record what this check's JSON holds; nothing is run")->excludes(on_gpu);
  add_device_options(*record, typed);
  CLI::App* verify =
      golden->add_subcommand("verify", "replay every recorded case on the CPU and compare the digests");
  add_case_options(*verify, typed);
  CLI::App* sample = golden->add_subcommand("sample", "write a few whole cases as safetensors");
  sample->add_option("--output", typed.sample_folder, "folder (default: samples/ beside the recorded digests)");

  CLI::App* bench = app.add_subcommand(
      "bench",
      "measure variants beside the speed of light: a kernel that only moves the same bytes, in the same run.\n"
      "Google Benchmark measures and writes JSON; its --benchmark_ flags work.");
  bench->add_option("--device", typed.bench.device, "cuda:N")->capture_default_str();
  bench->add_option("--library", typed.bench.library,
                    "shared library to measure (default: the one built with plumbline)");
  bench
      ->add_option("--points", typed.bench.points,
                   "headline, alignment, tma, an operator, or a glob over the names of benchmarks")
      ->capture_default_str();
  bench
      ->add_option("--variant", typed.bench.variant, "selected (the selector's choice), all, or one variant's name")
      ->capture_default_str();
  bench->add_option("--cache", typed.bench.cache, "cold (rotating buffers), hot, or both")
      ->check(CLI::IsMember({"cold", "hot", "both"}))
      ->capture_default_str();
  bench->add_option("--json", typed.bench.json, "write Google Benchmark's JSON to this file");
  bench->allow_extras();

  CLI::App* tune = app.add_subcommand(
      "tune",
      "measure every variant over a grid of sizes and write the tables that selection compiles in.\n"
      "Variants whose difference lies inside the noise are not told apart; no table changes a result.");
  tune->add_option("--device", typed.tune.device, "cuda:N")->capture_default_str();
  tune->add_option("--library", typed.tune.library,
                   "shared library to measure (default: the one built with plumbline)");
  tune->add_option("--operator", typed.tune.operator_name, "only this operator");
  tune->add_option("--margin", typed.tune.margin, "share of a time below which two variants count as equal")
      ->capture_default_str();
  tune->add_option("--json", typed.tune.json, "write the measurements to this file (schema plumbline.tune/1)");
  tune->add_option("--output", typed.tune.output, "write the tables below this folder: optimized, in the project");
  tune->add_option("--from", typed.tune.from, "make the tables of this file's measurements; no device is used");
  HistoryOptions history;
  const std::vector<HistoryCommand> history_commands = add_history_commands(app, history);
  CLI::App* mutate =
      app.add_subcommand("mutate",
                         "check the checks: libraries with one known bug each, of which every one must be seen.\n"
                         "Prints the kill matrix, mutant by check, and two scores: with all checks, and judged as "
                         "a third party's library\n"
                         "is, whose bits are its own. Exit code 1: a mutant survived.");
  mutate
      ->add_option("--device", typed.mutate.device, "replay (faults in the CPU replay and in selection), or cuda:N")
      ->capture_default_str();
  mutate->add_option("--tier", typed.tier, "full: what survives the quick tier meets the full one")
      ->check(CLI::IsMember({"quick", "full"}))
      ->capture_default_str();
  mutate->add_option(
      "--mutant", typed.mutate.mutant,
      "an id (rope.truncate), a fault's name, an operator's name, or a number of the catalogue of bugs");
  mutate->add_flag("--bounds-only", typed.mutate.bounds_only, "only the second score decides the exit code");
  mutate->add_option("--json", typed.mutate.json, "write the matrix to this file (schema plumbline.mutation/1)");
  mutate->add_option("--jobs", typed.mutate.jobs, "mutants tried at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  mutate->add_option("--timeout", typed.mutate.timeout_seconds, "seconds after which a case counts as hanging")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();

  CLI::App* worker = app.add_subcommand("worker", "")->group("");  // started by check, not by people
  bool no_oracle = false;
  int reply_fd = -1;
  std::int64_t device_bytes = 0;
  worker->add_option("--device", typed.device);
  worker->add_option("--library", typed.check.worker.library_path);
  worker->add_option("--variant", typed.check.worker.check.variant);
  worker->add_option("--repeats", typed.check.worker.check.repeats);
  worker->add_option("--device-memory", device_bytes);
  worker->add_flag("--no-oracle", no_oracle);
  worker->add_flag("--alone", typed.check.worker.alone);
  worker->add_flag("--selection-only", typed.check.worker.check.selection_only);
  worker->add_option("--fault", typed.check.worker.fault);
  worker->add_option("--reply-fd", reply_fd)->required();

  CLI::App* gate = app.add_subcommand(
      "gate",
      "is the candidate build right, and as fast as the baseline? Both in one process, interleaved, on one GPU.\n"
      "Exit codes: 0 pass or improved, 1 regressed or wrong, 2 usage or harness error, 3 inconclusive.");
  CalibrateOptions calibration;
  GateOptions& gated = calibration.gate;
  gate->add_option("--baseline", gated.baseline, "shared library to compare with")->required();
  gate->add_option("--candidate", gated.candidate, "shared library to judge")->required();
  gate->add_option("--junit", gated.junit, "write JUnit XML to this file");
  gate->add_option("--json", gated.json, "write every number to this file (schema plumbline.gate/1)");
  gate->add_option("--markdown", gated.markdown, "write a summary for a CI job's page to this file");
  gate->add_option("--calibration", gated.calibration, "margins learned by plumbline calibrate");
  CLI::App* calibrate = app.add_subcommand(
      "calibrate", "gates of a library against itself: learns this machine's margins and counts false alarms");
  calibrate->add_option("--library", calibration.library, "shared library (default: the one built with plumbline)");
  calibrate->add_option("--runs", calibration.runs, "how many gates")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  calibrate->add_option("--calibration", calibration.calibration, "the file to make or to extend")->required();
  calibrate->add_option("--from", calibration.from, "JSON of A/A gates that ran before: added, and nothing is run");
  for (CLI::App* command : {gate, calibrate}) {
    command->add_option("--device", gated.device, "cuda:N")->capture_default_str();
    command->add_option("--points", gated.points, "headline, alignment, an operator's name, or a glob over points")
        ->capture_default_str();
    command
        ->add_option("--tier", gated.tier, "quick or full: the cases that must be right before anything is timed")
        ->check(CLI::IsMember({"quick", "full"}))
        ->capture_default_str();
    command->add_option("--seed", gated.seed, "of what each process draws: order, offsets (default: drawn anew)");
    command->add_option("--timeout", gated.timeout_seconds, "seconds without an answer that count as hanging")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
  }

  CLI::App* gate_worker = app.add_subcommand("gate-worker", "")->group("");  // started by gate, not by people
  PairSettings pair;
  gate_worker->add_option("--baseline", pair.baseline)->required();
  gate_worker->add_option("--candidate", pair.candidate)->required();
  gate_worker->add_option("--ordinal", pair.ordinal);
  gate_worker->add_option("--seed", pair.seed);
  gate_worker->add_option("--memory-share", pair.memory_share);
  gate_worker->add_option("--samples", pair.samples);
  gate_worker->add_option("--sample-us", pair.sample_us);
  gate_worker->add_option("--reply-fd", reply_fd)->required();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitPass : kExitError;
  }

  if (*list) {
    if (list_cases) {
      print_cases(resolved(typed).tier, typed.check.seed);
      return kExitPass;
    }
    print_list(typed.library.empty() ? default_library_path() : typed.library, !typed.library.empty(),
               list_choices);
    return kExitPass;
  }
  if (*tune) {
    typed.tune.ordinal = ordinal_of(typed.tune.device);
    return run_tune(typed.tune);
  }
  if (*worker) {
    CheckOptions options = resolved(typed);
    options.worker.device_memory_limit = device_bytes;
    options.worker.check.with_oracle = !no_oracle;
    return run_worker(options.worker, reply_fd);
  }
  gated.ordinal = ordinal_of(gated.device);
  if (*gate) return run_gate(gated);
  if (*calibrate) return run_calibrate(calibration);
  if (*gate_worker) return run_gate_worker([&] { return open_pair_bench(pair); }, std::cin, reply_fd);
  if (*check) {
    CheckOptions options = resolved(typed);
    if (options.worker.place == Place::kHost && options.library.empty()) {
      throw HarnessError("--device host: expected --library PATH with it, a library that computes on the CPU");
    }
    options.gtest_flags = check->remaining();
    return run_check(std::move(options));
  }
  if (*record) {
    if (!checked.empty()) {
      const std::string folder = typed.check.golden.empty() ? default_golden_folder() : typed.check.golden;
      fmt::print("recorded digests of {} cases under {}\n", record_goldens_of(checked, folder), folder);
      return kExitPass;
    }
    CheckOptions options = resolved(typed);
    if (options.worker.place != Place::kCuda)
      throw HarnessError("golden record needs a GPU (--device cuda:N) or what one computed (--from CHECK.json)");
    options.record = options.golden.empty() ? default_golden_folder() : options.golden;
    options.compare_goldens = false;  // what is recorded anew is not held against the old record
    return run_check(std::move(options));
  }
  if (*verify) {
    CheckOptions options = resolved(typed);
    options.worker.check.with_oracle = false;
    return run_check(std::move(options));
  }
  if (*mutate) {
    ordinal_of(typed.mutate.device);
    if (typed.mutate.device == "host") throw HarnessError("mutate --device 'host': expected replay or cuda:N");
    typed.mutate.tier = typed.tier == "full" ? Tier::kFull : Tier::kQuick;
    return run_mutate(typed.mutate);
  }
  if (*sample) {
    const std::string folder =
        typed.sample_folder.empty() ? default_golden_folder() + "/samples" : typed.sample_folder;
    fmt::print("wrote {} samples to {}\n", write_samples(folder), folder);
    return kExitPass;
  }
  for (const HistoryCommand& command : history_commands) {
    if (*command.app) return command.run(history);
  }
  typed.bench.benchmark_flags = bench->remaining();
  typed.bench.ordinal = ordinal_of(typed.bench.device);
  return run_bench(typed.bench);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "plumbline: " << error.what() << "\n";
    return kExitError;
  }
}
