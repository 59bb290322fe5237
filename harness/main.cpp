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
#include "harness/golden/golden.h"
#include "harness/golden/sample.h"
#include "harness/list.h"
#include "harness/measure/bench.h"

namespace {

using namespace plumb;

// Options as typed; turned into CheckOptions once the command is known.
struct Typed {
  std::string tier = "quick", device = "replay", library, reply_fd;
  double device_memory_gib = 0;
  CheckOptions check;
  BenchOptions bench;
  std::string sample_folder;
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
  options.worker.on_host = typed.device == "host";
  options.worker.on_replay = typed.device == "replay";
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
  record->add_option("--device", typed.device, "cuda:N")->required();
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
  worker->add_option("--reply-fd", reply_fd)->required();

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
  if (*worker) {
    CheckOptions options = resolved(typed);
    options.worker.device_memory_limit = device_bytes;
    options.worker.check.with_oracle = !no_oracle;
    return run_worker(options.worker, reply_fd);
  }
  if (*check) {
    CheckOptions options = resolved(typed);
    if (options.worker.on_host && options.library.empty()) {
      throw HarnessError("--device host: expected --library PATH with it, a library that computes on the CPU");
    }
    options.gtest_flags = check->remaining();
    return run_check(std::move(options));
  }
  if (*record) {
    CheckOptions options = resolved(typed);
    if (options.worker.on_replay || options.worker.on_host)
      throw HarnessError("golden record needs a GPU: --device cuda:N");
    options.record = options.golden.empty() ? default_golden_folder() : options.golden;
    options.compare_goldens = false;  // what is recorded anew is not held against the old record
    return run_check(std::move(options));
  }
  if (*verify) {
    CheckOptions options = resolved(typed);
    options.worker.check.with_oracle = false;
    return run_check(std::move(options));
  }
  if (*sample) {
    const std::string folder =
        typed.sample_folder.empty() ? default_golden_folder() + "/samples" : typed.sample_folder;
    fmt::print("wrote {} samples to {}\n", write_samples(folder), folder);
    return kExitPass;
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
