#!/usr/bin/env bash
# Builds, and checks on the GPU of this machine; on every GPU of it at once, each with its shard, by GoogleTest's own
# shard variables. Without a GPU the replay stands in, and that is said.
#
#   ci/check_gpu.sh [OUTPUT]                  results go to OUTPUT (default build/check)
#   PLUMBLINE_TIER=full|quick                 default quick
#   PLUMBLINE_SHARD=I/N                       this host is the I-th of N that share the tier
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build
source ci/common.sh
output=${1:-build/check}
tier=${PLUMBLINE_TIER:-quick}
host=${PLUMBLINE_SHARD:-1/1}
[[ $host =~ ^([1-9][0-9]*)/([1-9][0-9]*)$ ]] && ((BASH_REMATCH[1] <= BASH_REMATCH[2])) ||
  { echo "PLUMBLINE_SHARD is '$host'; expected I/N, I from 1 to N" >&2; exit 2; }
host_index=${BASH_REMATCH[1]} hosts=${BASH_REMATCH[2]}
mkdir -p "$output"
rm -f "$output"/check*.json "$output"/check*.xml "$output"/check*.log

ci/setup.sh
build_preset "$preset"
devices=(replay)
if have_gpu && have_nvcc; then mapfile -t devices < <(nvidia-smi -L | grep -oE '^GPU [0-9]+' | sed 's/GPU /cuda:/'); fi
[[ ${devices[0]} == replay ]] && echo "no GPU here: the CPU replay is judged by the oracle and by recorded digests"

pids=()
for i in "${!devices[@]}"; do
  name=check$( ((${#devices[@]} > 1)) && echo "-$i" || true)
  GTEST_TOTAL_SHARDS=$((hosts * ${#devices[@]})) GTEST_SHARD_INDEX=$(((host_index - 1) * ${#devices[@]} + i)) \
    "$build/plumbline" check --tier "$tier" --device "${devices[i]}" --json "$output/$name.json" \
    --junit "$output/$name.xml" > "$output/$name.log" 2>&1 &
  pids+=($!)
done
for i in "${!pids[@]}"; do
  part wait "${pids[i]}"
  tail -n 60 "$output/check$( ((${#pids[@]} > 1)) && echo "-$i" || true).log"
done
exit "$(worst_of "${codes[@]}")"
