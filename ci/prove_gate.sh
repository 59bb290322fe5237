#!/usr/bin/env bash
# Proves the gate on a machine with GPUs: whole A/A gates that must flag nothing, and gates against libraries slowed
# by a known share that must be flagged. Gates run side by side, one on each GPU that no other script here holds.
#
#   ci/prove_gate.sh OUTPUT     OUTPUT/summary.json, and every gate's JSON in OUTPUT/gates.tar.gz
#   PLUMBLINE_AA=30             whole gates of identical code
#   PLUMBLINE_SLOWED="5:4 10:20 20:20 50:4"     thousandths:gates
#   PLUMBLINE_SECONDS=600       no gate is started after so long
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=${1:?usage: ci/prove_gate.sh OUTPUT}
mkdir -p build "$output"
source ci/common.sh
PLUMBLINE_PRESET=${PLUMBLINE_PRESET:-dev}
preset=$PLUMBLINE_PRESET build=build/$PLUMBLINE_PRESET
seconds=${PLUMBLINE_SECONDS:-600}
# Six sizes of two operators, 22 to 83 us; a slowed gate need not repeat the whole set.
points=${PLUMBLINE_SLOWED_POINTS:-$(
  names=(
    rms_norm/bf16/rows=4096,hidden=5120/seed=7
    rms_norm/bf16/rows=8192,hidden=4096/seed=7
    rms_norm/bf16/rows=65536,hidden=1024/seed=7
    qk_norm_rope/bf16/tokens=4096,hq=32,hk=8,hv=8,D=128,rotary=128/seed=7
    qk_norm_rope/bf16/tokens=16384,hq=32,hk=8,hv=8,D=64,rotary=64/seed=7
    qk_norm_rope/bf16/tokens=16384,hq=32,hk=8,hv=8,D=128,rotary=128/seed=7
  )
  IFS=:
  echo "${names[*]}"
)}
have_gpu && have_nvcc || { echo "prove_gate.sh: needs an NVIDIA GPU and nvcc" >&2; exit 2; }

step "build ($preset)"
slowed=${PLUMBLINE_SLOWED:-"5:4 10:20 20:20 50:4"}
targets=(plumbline plumbline_optimized test_library_slowed_0)
for entry in $slowed; do targets+=("test_library_slowed_${entry%%:*}"); done
build_preset "$preset" "${targets[@]}" | tail -1
libraries=$build/harness/test_libraries
export PLUMBLINE_SLOWED_LIBRARY=$PWD/$build/libplumbline_optimized.so

# The queue: one gate a line, A/A and slowed mixed so that an early end leaves some of each.
gates=$output/gates
rm -rf "$gates" && mkdir -p "$gates"
{
  for ((i = 1; i <= ${PLUMBLINE_AA:-30}; ++i)); do echo "$((i * 100 / ${PLUMBLINE_AA:-30})) aa $i"; done
  for entry in $slowed; do
    count=${entry#*:}
    for ((i = 1; i <= count; ++i)); do echo "$((i * 100 / count)) ${entry%%:*} $i"; done
  done
} | sort -n -s -k1,1 | cut -d' ' -f2- > "$output/queue"
mapfile -t gpus < <(nvidia-smi --query-gpu=index --format=csv,noheader)
step "$(wc -l < "$output/queue") gates on ${#gpus[@]} GPUs"
exec {queue}< "$output/queue"
started=$SECONDS
serve() {
  local kind number name code lock
  exec {lock}> "build/gpu-$1.lock"
  flock "$lock"  # until other scripts of this folder are done with this GPU
  while ((SECONDS - started < seconds)) && { flock 9; read -r -u "$queue" kind number; }; do
    flock -u 9
    name=$kind.$number
    code=0
    if [[ $kind == aa ]]; then
      CUDA_VISIBLE_DEVICES=$1 "$build/plumbline" gate --baseline "$build/libplumbline_optimized.so" \
        --candidate "$build/libplumbline_optimized.so" --json "$gates/$name.json" > "$gates/$name.txt" 2>&1 || code=$?
    else
      CUDA_VISIBLE_DEVICES=$1 "$build/plumbline" gate --baseline "$libraries/libslowed_0.so" \
        --candidate "$libraries/libslowed_$kind.so" --points "$points" --json "$gates/$name.json" \
        > "$gates/$name.txt" 2>&1 || code=$?
    fi
    echo "GPU $1: gate $name: exit code $code: $(tail -1 "$gates/$name.txt")"
  done 9> "$output/queue.lock"
}
for gpu in "${gpus[@]}"; do serve "$gpu" & done
wait

step "summary"
python3 ci/gate_summary.py "$gates" "$output/summary.json" --seconds "$((SECONDS - started))"
tar -C "$output" -czf "$output/gates.tar.gz" gates
