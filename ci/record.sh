#!/usr/bin/env bash
# On a machine with a GPU: checks everything and records what golden/ holds, into a folder to be copied there.
#
#   ci/record.sh OUTPUT [digests|bench|memcheck ...]     default: all three, in this order
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=${1:?usage: ci/record.sh OUTPUT [digests|bench|memcheck ...]}
shift
parts=("$@")
((${#parts[@]})) || parts=(digests bench memcheck)
mkdir -p build "$output"
source ci/common.sh
PLUMBLINE_PRESET=${PLUMBLINE_PRESET:-dev}
preset=$PLUMBLINE_PRESET build=build/$PLUMBLINE_PRESET
device=cuda:${PLUMBLINE_GPU:-0}

step "build ($preset)"
time build_preset "$preset" plumbline
build_preset "$preset" plumbline_optimized >/dev/null
plumbline=$build/plumbline

for part in "${parts[@]}"; do
  case $part in
    digests)
      step "full tier on $device, digests recorded"
      /usr/bin/env time -v "$plumbline" golden record --tier full --device "$device" --golden "$output/golden" \
        --json "$output/check.json" 2> "$output/record-usage.txt" || { tail -5 "$output/record-usage.txt"; exit 1; }
      grep -E 'Elapsed|Maximum resident' "$output/record-usage.txt" || true
      tar -C "$output" -czf "$output/golden.tar.gz" golden
      ;;
    bench)
      step "headline points on $device"
      "$plumbline" bench --device "$device" --points headline --json "$output/bench.json"
      ;;
    memcheck)
      step "quick tier under compute-sanitizer memcheck"
      time compute-sanitizer --tool memcheck --target-processes all --error-exitcode 99 \
        "$plumbline" check --tier quick --device "$device" --repeats 1 --timeout 600 > "$output/memcheck.txt" 2>&1 \
        && echo "memcheck: clean" || echo "memcheck: exit code $?, see memcheck.txt"
      tail -4 "$output/memcheck.txt"
      ;;
    *) echo "record.sh: unknown part '$part'" >&2; exit 2 ;;
  esac
done
