// `plumbline bench`: cases become benchmarks, Google Benchmark runs them.
#include "harness/measure/bench.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "build_stamp.h"
#include "harness/cases/points.h"
#include "harness/device/cuda_device.h"
#include "harness/error.h"
#include "harness/files.h"
#include "harness/library/library.h"
#include "harness/measure/measurement.h"
#include "harness/measure/report.h"
#include "harness/measure/samples.h"

namespace plumb {
namespace {

struct NamedState {
  CacheState state;
  const char* word;
};

std::vector<NamedState> cache_states(const std::string& word) {
  const NamedState cold{CacheState::kCold, "cold"}, hot{CacheState::kHot, "hot"};
  if (word == "cold") return {cold};
  if (word == "hot") return {hot};
  if (word == "both") return {cold, hot};
  throw HarnessError(fmt::format("--cache '{}': expected cold, hot or both", word));
}

std::string benchmark_name(const Case& point, std::string_view variant, const NamedState& cache) {
  return fmt::format("{}/variant={}/{}", name_of(point), variant, cache.word);
}

// Google Benchmark takes its flags out of what is left of the command line; what remains then is a mistake.
void initialize_benchmark(const std::vector<std::string>& flags) {
  static std::vector<std::string> words;  // Google Benchmark keeps a pointer to the program's name
  words = {"plumbline bench"};
  for (const std::string& flag : flags) {
    if (flag.rfind("--benchmark_out", 0) == 0 || flag.rfind("--benchmark_format", 0) == 0) {
      throw HarnessError(fmt::format("{}: bench writes its JSON itself: use --json FILE", flag));
    }
    words.push_back(flag);
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int argc = static_cast<int>(words.size());
  benchmark::Initialize(&argc, argv.data());
  if (argc > 1) throw HarnessError(fmt::format("bench: unknown argument '{}'", argv[1]));
}

void describe_run(const DeviceInfo& device, const Library& library) {
  const std::pair<const char*, std::string> entries[] = {
      {"gpu", device.name},
      {"uuid", device.uuid},
      {"driver", device.driver},
      {"cuda", device.cuda},
      {"commit", PLUMBLINE_COMMIT},
      {"library", fmt::format("{} {}", library.table().name, library.table().version)},
      {"library_digest", library.digest()},
      {"timing",
       fmt::format("per launch, over {} replays of a CUDA graph: real_time is the mean, time_us the median",
                   kReplays)}};
  for (const auto& [key, value] : entries) benchmark::AddCustomContext(key, value);
  const std::pair<const char*, int> clocks[] = {{"sm_clock_mhz", device.sm_clock_mhz},
                                                {"memory_clock_mhz", device.memory_clock_mhz}};
  for (const auto& [key, mhz] : clocks) {
    if (mhz > 0) benchmark::AddCustomContext(key, std::to_string(mhz));
  }
}

class Bench {
 public:
  Bench(const BenchOptions& options, const Library& library, const CudaDevice& device)
      : options_(options),
        caches_(cache_states(options.cache)),
        library_(library),
        workload_(device, timer_.stream()) {}

  // Throws HarnessError when nothing was measured, and for the first benchmark that failed.
  void run() {
    PointSelection selection = select_points(options_.points);
    glob_ = selection.glob;
    std::erase_if(selection.cases, [&](const Case& point) { return !may_match(point); });
    if (selection.cases.empty()) {
      throw HarnessError(fmt::format("--points '{}' --variant {} --cache {}: no benchmark has such a name",
                                     options_.points, options_.variant, options_.cache));
    }
    std::size_t done = 0, matched = 0;
    for (const Case& point : selection.cases) {
      report_.show_progress(done++, selection.cases.size());
      matched += run_case(point);
    }
    report_.clear_progress();
    if (matched > 0) return;
    throw HarnessError(fmt::format("--points '{}' --variant {}: nothing to measure{}{}", options_.points,
                                   options_.variant, refusal_.empty() ? "" : "; the last refusal: ", refusal_));
  }

  std::string json() { return report_.json(); }

 private:
  const plumb_operator& operator_of(const Case& point) const {
    const plumb_operator* op = library_.find(point.schema->operator_name);
    if (op) return *op;
    throw HarnessError(fmt::format("library {} has no operator {}", library_.path(), point.schema->operator_name));
  }

  bool is_wanted(const std::string& name) const { return glob_.empty() || matches_glob(glob_, name); }

  // Whether the case could have a wanted benchmark, as far as is known before it is built.
  bool may_match(const Case& point) const {
    const plumb_operator& op = operator_of(point);
    const bool any_variant = options_.variant == "selected" || options_.variant == "all";
    for (std::int32_t i = 0; i < op.variant_count; ++i) {
      const char* variant = op.variant(i)->name;
      if (!any_variant && options_.variant != variant) continue;
      for (const NamedState& cache : caches_) {
        if (is_wanted(benchmark_name(point, variant, cache))) return true;
      }
    }
    return false;
  }

  // The variants to measure for the case that is loaded.
  std::vector<std::int32_t> variants_of(const plumb_operator& op) {
    const plumb_call call = workload_.call(0);
    std::vector<std::int32_t> variants;
    if (options_.variant == "selected") {
      std::int32_t selected = -1;
      if (op.select(&call, &selected) == PLUMB_OK) {
        if (!op.variant(selected)) throw HarnessError(fmt::format("select returned variant {}", selected));
        variants.push_back(selected);
      } else {
        refusal_ = library_.last_error();
      }
      return variants;
    }
    for (std::int32_t i = 0; i < op.variant_count; ++i) {
      if (options_.variant != "all" && options_.variant != op.variant(i)->name) continue;
      if (op.supports(&call, i) == PLUMB_OK) {
        variants.push_back(i);
      } else {
        refusal_ = library_.last_error();
      }
    }
    return variants;
  }

  // Registers and runs one case's benchmarks, so that its tensors are built once and in memory alone. Returns how
  // many there were.
  std::size_t run_case(const Case& point) {
    const plumb_operator& op = operator_of(point);
    try {
      workload_.load(*find_suite(op.name), point);
      workload_.rotate(caches_.front().state);
    } catch (const HarnessError& error) {
      throw HarnessError(fmt::format("bench {}: {}", name_of(point), error.what()));
    }
    limits_ = {};
    benchmark::ClearRegisteredBenchmarks();
    const std::vector<std::int32_t> variants = variants_of(op);
    bool any = false;
    for (const NamedState& cache : caches_) {
      for (const std::int32_t variant : variants) {
        const std::string name = benchmark_name(point, op.variant(variant)->name, cache);
        if (!is_wanted(name)) continue;
        any = true;
        benchmark::RegisterBenchmark(name.c_str(),
                                     [this, &op, variant, cache, name](benchmark::State& state) {
                                       guarded(name, state, [&] { measure(op, variant, cache.state, state); });
                                     })
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond)
            ->Iterations(kReplays);
      }
    }
    const std::size_t run = any ? benchmark::RunSpecifiedBenchmarks(&report_) : 0;
    if (failure_) std::rethrow_exception(failure_);
    return run;
  }

  // Exceptions must not cross Google Benchmark: the first is kept, and whatever would follow it is skipped.
  template <class Body>
  void guarded(const std::string& name, benchmark::State& state, const Body& body) {
    if (!failure_) {
      try {
        return body();
      } catch (const std::exception& error) {
        failure_ = std::make_exception_ptr(HarnessError(fmt::format("bench {}: {}", name, error.what())));
        report_.set_valid(false);
      }
    }
    state.SkipWithError("failed");
  }

  void measure(const plumb_operator& op, std::int32_t variant, CacheState cache, benchmark::State& state) {
    workload_.rotate(cache);
    std::optional<double>& limit = limits_[cache == CacheState::kHot];
    if (!limit) limit = measure_limit(timer_, workload_);
    workload_.rotate(cache);  // the limit has overwritten the outputs
    const Launch launch = launcher(library_, op, variant, workload_);
    const double host = measure_host(op, workload_, launch, timer_.stream());
    record(timer_, workload_, plan_launches(timer_, workload_, launch), launch);
    std::vector<double> samples;
    for ([[maybe_unused]] auto _ : state) {
      samples.push_back(sample(timer_, workload_));
      state.SetIterationTime(samples.back() * 1e-6);
    }
    const double time = median(samples);
    const Traffic traffic = workload_.traffic();
    state.counters[kTime] = time;
    state.counters[kLimit] = *limit;
    state.counters[kShare] = *limit / time;
    state.counters[kRate] = static_cast<double>(traffic.read_bytes + traffic.written_bytes) / time * 1e-3;
    state.counters[kHost] = host;
    state.counters[kSpread] = quantile(samples, 0.9) / quantile(samples, 0.1);
  }

  const BenchOptions& options_;
  std::vector<NamedState> caches_;
  std::string glob_;
  const Library& library_;
  GraphTimer timer_;
  Workload workload_;
  BenchReport report_;
  std::array<std::optional<double>, 2> limits_;  // of the case, cold and hot: all its variants are held against it
  std::string refusal_;                          // why a variant could not serve
  std::exception_ptr failure_;
};

}  // namespace

int run_bench(const BenchOptions& options) {
  if (options.ordinal < 0) throw HarnessError(fmt::format("bench --device '{}': expected cuda:N", options.device));
  initialize_benchmark(options.benchmark_flags);
  std::optional<FileWriter> file;
  if (!options.json.empty()) file.emplace(options.json);
  const Library library(options.library.empty() ? default_library_path() : options.library);
  const std::unique_ptr<CudaDevice> device = open_cuda_device(options.ordinal, 0);
  describe_run(device->info(), library);
  Bench bench(options, library, *device);
  bench.run();
  if (file) {
    const std::string document = bench.json();
    if (document.empty()) throw HarnessError("nothing was measured: no JSON is written");
    file->commit(document);
  }
  return kExitPass;
}

}  // namespace plumb
