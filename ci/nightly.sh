#!/usr/bin/env bash
# The main job, from a bare machine to a report: set-up, build, check, mutants, fuzzing, sanitizers, bench, history,
# report.
# With a GPU the CUDA fast paths are checked and measured on it; without one, what a real GPU computed is verified
# by replay, bit for bit, and the recorded measurements are shown.
#
#   ci/nightly.sh [OUTPUT]     results go to OUTPUT (default build/nightly)
#   PLUMBLINE_TIER=quick ci/nightly.sh     the small matrix
#   PLUMBLINE_SHARD=I/N ci/nightly.sh      this host checks the I-th of N parts; every host measures and reports
#   PLUMBLINE_HISTORY=postgresql://... ci/nightly.sh     remembers the run there, not in OUTPUT/history.sqlite
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build
source ci/common.sh
output=${1:-build/nightly}
tier=${PLUMBLINE_TIER:-full}
mkdir -p "$output"

step "set-up"
ci/setup.sh

step "build ($preset)"
build_preset "$preset"
plumbline=$build/plumbline

device=replay
if have_gpu && have_nvcc; then device=cuda:${PLUMBLINE_GPU:-0}; fi

# On every GPU of this machine, and the share of PLUMBLINE_SHARD.
step "check, $tier tier"
part env PLUMBLINE_TIER="$tier" ci/check_gpu.sh "$output"

# A check that sees nothing passes everything: libraries with one known bug each must fail, every one. On the last of
# several GPUs, because "always device 0" is no bug on the first.
mutated=$device
[[ $device == replay ]] || mutated=cuda:$(($(nvidia-smi -L | grep -c '^GPU ') - 1))
step "mutants on $mutated"
# Side by side: the start of one fills the gaps of another (25 mutants on 2 cores: 16 s instead of 23).
part "$plumbline" mutate --tier "$tier" --device "$mutated" --jobs "$((jobs < 4 ? jobs : 4))" \
  --json "$output/mutation.json"

if [[ $tier == full ]]; then
  step "fuzzing, with another seed each night"
  ci/fuzz.sh 30 "$output/fuzz" "$(date +%Y%m%d)" || codes+=(2)  # a crash is the harness's fault, not a mismatch
fi

omissions=()
if [[ $device == replay ]]; then
  step "bench: no GPU here; the report shows the recorded runs of golden/"
  omissions+=(--not-run "Timing=no GPU here; the times shown are those recorded in golden/, on the machines that they name")
else
  if command -v compute-sanitizer >/dev/null; then
    step "compute-sanitizer on $device"
    part ci/sanitize.sh "$output/sanitizer" memcheck racecheck synccheck initcheck
    [[ ! -e $output/sanitizer/sanitize.json ]] || mv "$output/sanitizer/sanitize.json" "$output/sanitize.json"
  else
    omissions+=(--not-run "Sanitizers=compute-sanitizer is not on PATH")
  fi
  step "bench on $device"
  part "$plumbline" bench --device "$device" --points headline --json "$output/bench.json"
  # One gate of the library against itself each night: the published rate of false alarms is measured for ever.
  calibration=${PLUMBLINE_CALIBRATION:-$output/calibration.json}
  step "A/A gate on $device, added to $calibration"
  aa=0
  "$plumbline" calibrate --device "$device" --runs 1 --calibration "$calibration" || aa=$?
  case $aa in
    0) ;;
    1) echo "the gate flagged identical code: this counts against the gate, not against the kernels" ;;
    *) codes+=("$aa") ;;
  esac
fi

history=${PLUMBLINE_HISTORY:-$output/history.sqlite}
if grep -q 'history. is not built' "build/configure-$preset.log"; then
  step "history: this build has none"
else
  step "history"
  export PLUMBLINE_HISTORY=$history
  documents=("$output"/check*.json)
  [[ $device != replay && -e $output/bench.json ]] && documents+=("$output/bench.json")
  # What was measured once is not tonight's: it is added once, and says that it is recorded.
  { [[ $device != replay ]] ||
    "$plumbline" history add golden/performance/{past/,}*.json --note "recorded: golden/performance"; } &&
    "$plumbline" history add "${documents[@]}" && "$plumbline" history changes --json "$output/history.json" || codes+=(2)
fi

step "report"
part ci/report.sh "$output" "${omissions[@]}"
echo "report: $output/report.html"

step "verdict"
code=$(worst_of "${codes[@]}")
case $code in
  0) echo "pass" ;;
  1) echo "MISMATCH, or a mutant survived: see above, and the failing cases in the report" ;;
  3) echo "NOTHING PROVED: only mistrusted cases, or nothing was compared" ;;
  *) echo "HARNESS ERROR (exit code $code)" ;;
esac
exit "$code"
