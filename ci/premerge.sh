#!/usr/bin/env bash
# The gate between two commits: builds the libraries of both, times one against the other, writes a summary.
#
#   ci/premerge.sh BASE HEAD [OUTPUT]     results go to OUTPUT (default build/premerge/result)
#   PLUMBLINE_CALIBRATION=FILE            margins of plumbline calibrate
#   PLUMBLINE_POINTS=GLOB                 other points than headline
#
# Exit codes: those of plumbline gate (0 pass, 1 regressed or wrong, 2 error, 3 inconclusive); 2, with a sentence, where
# there is no GPU or no nvcc. Libraries are kept by the digest of the tree that they are built from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
base=${1:?usage: ci/premerge.sh BASE HEAD [OUTPUT]}
head=${2:?usage: ci/premerge.sh BASE HEAD [OUTPUT]}
output=${3:-build/premerge/result}
mkdir -p build/premerge "$output"
source ci/common.sh
PLUMBLINE_PRESET=${PLUMBLINE_PRESET:-dev}
preset=$PLUMBLINE_PRESET build=build/$PLUMBLINE_PRESET
# GitHub and others show this file on the job's page.
summary=${GITHUB_STEP_SUMMARY:-}

refuse() {
  echo "premerge.sh: $*" >&2
  [[ -z $summary ]] || printf '## plumbline gate: not run\n\n%s\n' "$*" >> "$summary"
  exit 2
}
for commit in "$base" "$head"; do
  git rev-parse -q --verify "$commit^{commit}" >/dev/null || refuse "'$commit' is no commit of this repository"
done
have_nvcc || refuse "no nvcc here: the libraries of $base and $head cannot be built, nothing was compared"
have_gpu || refuse "no GPU here: $base and $head cannot be timed against each other, nothing was compared"

# What a library is made of: the trees of its sources, the build files, the compiler, the preset.
key_of() {
  {
    git rev-parse "$1:optimized" "$1:reference" "$1:cmake" "$1:CMakeLists.txt" "$1:CMakePresets.json"
    { command -v nvcc >/dev/null && nvcc --version || /usr/local/cuda/bin/nvcc --version; } | tail -2
    echo "$preset"
  } | sha256sum | cut -c1-24
}

library_of() {
  local key library
  key=$(key_of "$1")
  library=build/premerge/$key/libplumbline_optimized.so
  if [[ ! -e $library ]]; then
    work=build/premerge/$key.$$
    trap 'rm -rf "$work"' EXIT  # of the subshell that this function runs in
    mkdir -p "$work/source"
    git archive "$1" | tar -x -C "$work/source"
    (cd "$work/source" && mkdir -p build && PLUMBLINE_COMMIT=$(git rev-parse --short=12 "$1") &&
      export PLUMBLINE_COMMIT && cmake --preset "$preset" && cmake --build "build/$preset" -j "$jobs" \
        --target plumbline_optimized) > "build/premerge/$key.log" 2>&1 ||
      { tail -20 "build/premerge/$key.log" >&2; return 1; }
    mkdir -p "build/premerge/$key"
    mv "$work/source/build/$preset/libplumbline_optimized.so" "$library.$$" && mv "$library.$$" "$library"
  fi
  echo "$library"
}

step "libraries of $base and $head"
baseline=$(library_of "$base") || refuse "the library of $base could not be built; see above"
candidate=$(library_of "$head") || refuse "the library of $head could not be built; see above"
echo "$baseline"
echo "$candidate"

step "plumbline ($preset)"
build_preset "$preset" plumbline | tail -1

step "gate"
arguments=()
[[ -z ${PLUMBLINE_CALIBRATION:-} ]] || arguments+=(--calibration "$PLUMBLINE_CALIBRATION")
[[ -z ${PLUMBLINE_POINTS:-} ]] || arguments+=(--points "$PLUMBLINE_POINTS")
code=0
"$build/plumbline" gate --baseline "$baseline" --candidate "$candidate" --device "cuda:${PLUMBLINE_GPU:-0}" \
  --json "$output/gate.json" --junit "$output/gate.xml" --markdown "$output/gate.md" "${arguments[@]}" || code=$?
[[ -z $summary || ! -e $output/gate.md ]] || cat "$output/gate.md" >> "$summary"
exit $code
