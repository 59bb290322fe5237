#!/usr/bin/env bash
# On a machine with a GPU: checks everything and records what golden/ holds, into a folder to be copied there.
#
#   ci/record.sh OUTPUT [tune|digests|bench|alignment|tma|memcheck|sanitize|mutation ...]
#                         default: digests bench memcheck, in this order
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=${1:?usage: ci/record.sh OUTPUT [tune|digests|bench|alignment|tma|memcheck|sanitize|mutation ...]}
shift
parts=("$@")
((${#parts[@]})) || parts=(digests bench memcheck)
mkdir -p build "$output"
source ci/common.sh
PLUMBLINE_PRESET=${PLUMBLINE_PRESET:-dev}
preset=$PLUMBLINE_PRESET build=build/$PLUMBLINE_PRESET
device=cuda:${PLUMBLINE_GPU:-0}

step "build ($preset)"
build_preset "$preset" plumbline plumbline_optimized
plumbline=$build/plumbline

# One script of this folder at a time on a GPU; several GPUs may record side by side (ci/record_all.sh).
if [[ -z ${PLUMBLINE_GPU_HELD:-} ]]; then
  exec {lock}> "build/gpu-${PLUMBLINE_GPU:-0}.lock"
  flock "$lock"
fi
for part in "${parts[@]}"; do
  case $part in
    tune)
      # The tables are source: copy OUTPUT/optimized over optimized/ and build again before digests and bench.
      step "every variant over the grid of sizes on $device"
      mkdir -p "$output/optimized"
      "$plumbline" tune --device "$device" --json "$output/tune.json" --output "$output/optimized"
      tar -C "$output" -czf "$output/optimized.tar.gz" optimized
      ;;
    digests)
      step "full tier on $device, digests recorded"
      "$plumbline" golden record --tier full --device "$device" --golden "$output/golden" --json "$output/check.json"
      gzip -9c "$output/check.json" > "$output/check.json.gz"
      tar -C "$output" -czf "$output/golden.tar.gz" golden
      ;;
    bench)
      step "headline points on $device"
      "$plumbline" bench --device "$device" --points headline --json "$output/bench.json"
      ;;
    alignment | tma)
      step "points of $part on $device"
      "$plumbline" bench --device "$device" --points "$part" --json "$output/bench-$part.json"
      ;;
    mutation)
      step "libraries with one known bug each on $device"
      build_preset "$preset" plumbline_faulty plumbline_faulty_replay >/dev/null
      "$plumbline" mutate --device "$device" --tier full --jobs $((jobs / 8 > 4 ? jobs / 8 : 4)) \
        --json "$output/mutation.json"
      ;;
    sanitize)
      step "quick tier under all tools of compute-sanitizer"
      PLUMBLINE_PRESET=$preset ci/sanitize.sh "$output/sanitize" memcheck racecheck synccheck initcheck
      ;;
    memcheck)
      step "quick tier under compute-sanitizer memcheck"
      PLUMBLINE_PRESET=$preset ci/sanitize.sh "$output/sanitize" memcheck
      ;;
    *) echo "record.sh: unknown part '$part'" >&2; exit 2 ;;
  esac
done
