#!/usr/bin/env bash
# Fuzzes for a bounded time, with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer: names of cases and
# points, the readers of documents, the argument validation of the optimized library; and the command line itself.
# The corpus is kept in harness/fuzz/corpus; a crash leaves its input in OUTPUT.
#
#   ci/fuzz.sh [SECONDS] [OUTPUT]     seconds per target, default 15; default build/fuzz/found
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build
source ci/common.sh
seconds=${1:-15}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "fuzz.sh: SECONDS is '$seconds'; expected a whole number from 1" >&2; exit 2; }
found=${2:-build/fuzz/found}
if ! command -v clang++ >/dev/null; then
  echo "fuzz: skipped, clang++ is not installed (package: clang)"
  exit 0
fi
CC=clang CXX=clang++ cmake --preset fuzz > build/configure-fuzz.log 2>&1 || { cat build/configure-fuzz.log; exit 2; }
cmake --build build/fuzz -j "$jobs" --target fuzzers
mkdir -p "$found"

code=0
for target in case_name documents call; do
  if [[ $target == call ]]; then
    export PLUMBLINE_FUZZ_LIBRARY=$PWD/$build/libplumbline_optimized.so
    [[ -e $PLUMBLINE_FUZZ_LIBRARY ]] || { echo "fuzz call: skipped, $PLUMBLINE_FUZZ_LIBRARY is not built"; continue; }
  fi
  work=build/fuzz/corpus-$target
  mkdir -p "$work"
  if "build/fuzz/harness/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=4096 \
    -print_final_stats=1 -artifact_prefix="$found/$target-" "$work" "harness/fuzz/corpus/$target" \
    > "$found/$target.log" 2>&1; then
    echo "fuzz $target: $(grep -oE 'number_of_executed_units: *[0-9]+' "$found/$target.log" | grep -oE '[0-9]+') inputs in $seconds s, no crash"
  else
    tail -n 30 "$found/$target.log"
    echo "fuzz $target: FAILED, see $found"
    code=1
  fi
done
"$python" ci/fuzz_command_line.py "$build/plumbline" "$seconds" || code=1
exit $code
