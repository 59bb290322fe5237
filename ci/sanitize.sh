#!/usr/bin/env bash
# Runs compute-sanitizer over the quick tier on a GPU: the worker process itself, which loads the library and launches.
#
# What each tool found goes to OUTPUT/sanitize.json (plumbline.sanitize/1). The tools, and parts of the cases, run side
# by side: a tool's time is mostly the CPU's.
#
#   ci/sanitize.sh OUTPUT [memcheck racecheck synccheck initcheck]     default: memcheck
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=${1:?usage: ci/sanitize.sh OUTPUT [memcheck racecheck synccheck initcheck]}
shift
tools=("$@")
((${#tools[@]})) || tools=(memcheck)
source ci/common.sh
plumbline=$build/plumbline
device=cuda:${PLUMBLINE_GPU:-0}
mkdir -p "$output"
command -v compute-sanitizer >/dev/null || { echo "sanitize.sh: compute-sanitizer is not on PATH" >&2; exit 2; }

"$plumbline" list --cases --tier quick > "$output/cases.txt"
shards=$((jobs / 12 > 1 ? jobs / 12 : 1))
rm -f "$output"/part.*
split -n "r/$shards" -d "$output/cases.txt" "$output/part."

# sanitize TOOL PART     into PART.TOOL.log, .json (the worker's answers), .err and .code
sanitize() {
  local tool=$1 cases=$2 code=0 options=()
  # By itself it makes room for too few barriers in shared memory per block: launches then fail.
  [[ $tool != synccheck ]] || options=(--num-cuda-barriers 256)
  # The worker reads case names and answers with a line of JSON per case; 99 says that the sanitizer found something.
  compute-sanitizer --tool "$tool" "${options[@]}" --error-exitcode 99 --log-file "$cases.$tool.log" \
    "$plumbline" worker --device "$device" --library "$build/libplumbline_optimized.so" --repeats 1 --reply-fd 1 \
    < "$cases" > "$cases.$tool.json" 2> "$cases.$tool.err" || code=$?
  echo "$code $SECONDS" > "$cases.$tool.code"
}

started=$SECONDS
for tool in "${tools[@]}"; do
  for cases in "$output"/part.??; do sanitize "$tool" "$cases" & done
done
wait

code=0
rows=()
expected=$(wc -l < "$output/cases.txt")
for tool in "${tools[@]}"; do
  cat "$output"/part.??."$tool".log > "$output/$tool.log" || true  # none where a process could not start
  cat "$output"/part.??."$tool".json > "$output/$tool.json"
  cat "$output"/part.??."$tool".err > "$output/$tool.err"
  read -r found ended < <(cat "$output"/part.??."$tool".code | awk '{c = $1 > c + 0 ? $1 : c + 0; s = $2 > s + 0 ? $2 : s + 0} END {print c, s}')
  answered=$(grep -c '^{"result"' "$output/$tool.json" || true)
  failed=$(grep -cE '"state":"(failed|crashed|error)"' "$output/$tool.json" || true)
  # The last line of a log counts what was found; a tool that did not get so far found an unknown number.
  count=0
  for log in "$output"/part.??."$tool".log; do
    own=$(tail -1 "$log" | grep -oE '[0-9]+ (errors?|hazards?)' | head -1 | cut -d' ' -f1 || true)
    [[ -n $own && $count != null ]] && count=$((count + own)) || count=null
  done
  echo "$tool: exit code $found, $answered of $expected cases answered, $failed lines with failures," \
    "findings: $count, $((ended - started)) s"
  ((found == 0 && answered == expected && failed == 0)) && [[ $count == 0 ]] || code=1
  rows+=("{\"tool\": \"$tool\", \"findings\": $count, \"cases\": $expected, \"answered\": $answered, \"failed\": $failed, \"seconds\": $((ended - started))}")
done
rm -f "$output"/part.*

gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader -i "${PLUMBLINE_GPU:-0}" | head -1)
driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader -i "${PLUMBLINE_GPU:-0}" | head -1)
commit=$("$plumbline" --version | sed -n 's/.*(\(.*\)).*/\1/p')  # what ran, not what is checked out
{
  printf '{"schema": "plumbline.sanitize/1", "tier": "quick", "date": "%s",\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  printf ' "machine": {"gpu": "%s", "driver": "%s", "commit": "%s"},\n "tools": [\n' "$gpu" "$driver" "$commit"
  (IFS=,; printf '%s' "${rows[*]}")
  printf ']}\n'
} > "$output/sanitize.json.partial"
mv "$output/sanitize.json.partial" "$output/sanitize.json"
exit $code
