#!/usr/bin/env bash
# Fuzzes for a bounded time, with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer: names of cases and
# points, axes of cases, the readers of documents, the argument validation of the optimized library; and the command
# line itself. The corpus is kept in harness/fuzz/corpus (harness_tests run it, too); a crash leaves its input in OUTPUT.
#
#   ci/fuzz.sh [SECONDS] [OUTPUT] [SEED]     seconds per target, default 15; default build/fuzz/found; default 1
#
# The same seed for every change to the project, so that one is not blamed for a bug that another has: to look for new
# ones, ci/fuzz.sh 600 build/fuzz/found $RANDOM.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build
source ci/common.sh
seconds=${1:-15}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "fuzz.sh: SECONDS is '$seconds'; expected a whole number from 1" >&2; exit 2; }
found=${2:-build/fuzz/found}
seed=${3:-1}
mkdir -p "$found"
export PLUMBLINE_FUZZ_LIBRARY=$PWD/$build/libplumbline_optimized.so

# One target: its log, and a line of what came of it.
fuzz() {
  local target=$1 work=build/fuzz/corpus-$1 log=$found/$1.log
  rm -rf "$work" && mkdir -p "$work"
  if "build/fuzz/harness/fuzz/fuzz_$target" -seed="$seed" -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=4096 -max_len=4096 -print_final_stats=1 -artifact_prefix="$found/$target-" \
    "$work" "harness/fuzz/corpus/$target" > "$log" 2>&1; then
    echo "fuzz $target: $(sed -n 's/.*number_of_executed_units: *//p' "$log") inputs in $seconds s, no crash"
  else
    tail -n 30 "$log"
    echo "fuzz $target: FAILED, see $found"
    return 1
  fi
}

program='extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }'
if ! command -v clang++ >/dev/null; then
  echo "fuzz: libFuzzer's targets skipped: clang++ is not installed (package: clang)"
elif ! clang++ -fsanitize=fuzzer,address,undefined -x c++ - -o build/fuzz-probe <<< "$program" 2>/dev/null; then
  echo "fuzz: libFuzzer's targets skipped: $(clang++ --version | head -1) has no libFuzzer (package: libclang-rt-N-dev)"
else
  CC=clang CXX=clang++ build_preset fuzz fuzzers
  targets=(case_name case_values documents checks)
  if [[ -e $PLUMBLINE_FUZZ_LIBRARY ]]; then targets+=(call); else
    echo "fuzz call: skipped, $PLUMBLINE_FUZZ_LIBRARY is not built"
  fi
  pids=()
  for target in "${targets[@]}"; do
    ((${#pids[@]} < jobs)) || wait "${pids[-jobs]}" || true  # as many at once as there are cores; judged below
    fuzz "$target" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do part wait "$pid"; done
fi
part "$python" ci/fuzz_command_line.py "$build/plumbline" "$seconds" "$seed"
exit "$(worst_of "${codes[@]}")"
