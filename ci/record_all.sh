#!/usr/bin/env bash
# On a machine with GPUs: everything that golden/ holds, the parts side by side, one GPU each, and then the proof of the
# gate on every GPU that is free. What is finished is packed at once, so that an early end loses only what is unfinished.
#
#   ci/record_all.sh OUTPUT [PART...]     OUTPUT/PART.tar.gz and OUTPUT/PART.log; OUTPUT/gate/ (ci/prove_gate.sh)
#                         parts: tune sanitize mutation check bench gate; default all
#   PLUMBLINE_SECONDS=600        no gate is started later than this after the start
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=${1:?usage: ci/record_all.sh OUTPUT [tune|sanitize|mutation|check|bench|gate ...]}
shift
known=(tune sanitize mutation check bench gate)
parts=("$@")
((${#parts[@]})) || parts=("${known[@]}")
for part in "${parts[@]}"; do
  [[ " ${known[*]} " == *" $part "* ]] || { echo "record_all.sh: PART is '$part'; expected one of ${known[*]}" >&2; exit 2; }
done
wanted() { [[ " ${parts[*]} " == *" $1 "* ]]; }
mkdir -p build "$output"
source ci/common.sh
export PLUMBLINE_PRESET=${PLUMBLINE_PRESET:-dev}
have_gpu || { echo "record_all.sh: needs an NVIDIA GPU" >&2; exit 2; }
mapfile -t gpus < <(nvidia-smi --query-gpu=index --format=csv,noheader)

# record NAME GPU PART...     one call of ci/record.sh, into OUTPUT/NAME.tar.gz
record() {
  local name=$1 gpu=$2 code=0
  shift 2
  local where=("PLUMBLINE_GPU=$gpu")
  # Sanitizers see their own GPU alone: a context on another one disturbs a gate there. The rest must see both.
  [[ $name != sanitize ]] || where=(PLUMBLINE_GPU=0 "CUDA_VISIBLE_DEVICES=$gpu")
  env "${where[@]}" ci/record.sh "$output/$name" "$@" > "$output/$name.log" 2>&1 || code=$?
  tar -C "$output" -czf "$output/$name.tar.gz.partial" "$name" && mv "$output/$name.tar.gz.partial" "$output/$name.tar.gz"
  rm -r "${output:?}/$name"
  echo "$name on GPU $gpu: exit code $code at $SECONDS s"
  return "$code"
}

step "build"
build_preset "$PLUMBLINE_PRESET" plumbline plumbline_optimized plumbline_faulty plumbline_faulty_replay
if wanted tune; then
  step "tables of selection, which the rest is built with"
  record tune "${gpus[0]}" tune
  tar -C "$output" -xzf "$output/tune.tar.gz" tune/optimized
  cp -r "$output/tune/optimized/." optimized/ && rm -r "$output/tune"
  build_preset "$PLUMBLINE_PRESET" plumbline_optimized
fi

step "${#gpus[@]} GPUs"
# The longest first, each with its words for ci/record.sh.
printf '%s\n' "sanitize sanitize" "check digests" "bench bench alignment tma" | while read -r name what; do
  ! wanted "$name" || echo "$name $what"
done > "$output/queue"
exec {queue}< "$output/queue"
work() {
  local gpu=$1 codes=() lock name what
  exec {lock}> "build/gpu-$gpu.lock"
  flock "$lock"  # ci/prove_gate.sh waits for it
  # The mutants are the last GPU's, as "always device 0" is no bug on the first.
  if [[ $gpu == "${gpus[-1]}" ]] && wanted mutation; then PLUMBLINE_GPU_HELD=1 part record mutation "$gpu" mutation; fi
  while { flock 9; read -r -u "$queue" name what; }; do
    flock -u 9
    # shellcheck disable=SC2086  # several words
    PLUMBLINE_GPU_HELD=1 part record "$name" "$gpu" $what
  done 9> "$output/queue.lock"
  return "$(worst_of "${codes[@]}")"
}
workers=()
for gpu in "${gpus[@]}"; do
  work "$gpu" &
  workers+=($!)
  sleep 0.5
done
if wanted gate; then
  PLUMBLINE_SECONDS=$((${PLUMBLINE_SECONDS:-600} - SECONDS)) part ci/prove_gate.sh "$output/gate" > "$output/gate.log" 2>&1
  tail -n 40 "$output/gate.log"
fi
for worker in "${workers[@]}"; do part wait "$worker"; done
exit "$(worst_of "${codes[@]}")"
