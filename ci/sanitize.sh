#!/usr/bin/env bash
# Runs compute-sanitizer over the quick tier on a GPU: the worker process itself, which loads the library and launches.
#
# What each tool found goes to OUTPUT/sanitize.json (plumbline.sanitize/1).
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
code=0
rows=()
for tool in "${tools[@]}"; do
  started=$SECONDS
  # The worker reads case names and answers with a line of JSON per case; 99 says that the sanitizer found something.
  compute-sanitizer --tool "$tool" --error-exitcode 99 --log-file "$output/$tool.log" \
    "$plumbline" worker --device "$device" --library "$build/libplumbline_optimized.so" --repeats 1 --reply-fd 1 \
    < "$output/cases.txt" > "$output/$tool.json" 2> "$output/$tool.err" && found=0 || found=$?
  answered=$(grep -c '^{"result"' "$output/$tool.json" || true)
  failed=$(grep -cE '"state":"(failed|crashed|error)"' "$output/$tool.json" || true)
  expected=$(wc -l < "$output/cases.txt")
  echo "$tool: exit code $found, $answered of $expected cases answered, $failed lines with failures," \
    "$(tail -1 "$output/$tool.log" | sed 's/^=* *//'), $((SECONDS - started)) s"
  ((found == 0 && answered == expected && failed == 0)) || code=1
  # The last line of a tool's log counts what it found; a tool that did not get so far found an unknown number.
  count=$(tail -1 "$output/$tool.log" | grep -oE '[0-9]+ (errors?|hazards?)' | head -1 | cut -d' ' -f1 || true)
  rows+=("{\"tool\": \"$tool\", \"findings\": ${count:-null}, \"cases\": $expected, \"answered\": $answered, \"failed\": $failed, \"seconds\": $((SECONDS - started))}")
done

gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader -i "${PLUMBLINE_GPU:-0}" | head -1)
driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader -i "${PLUMBLINE_GPU:-0}" | head -1)
commit=${PLUMBLINE_COMMIT:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)}
{
  printf '{"schema": "plumbline.sanitize/1", "tier": "quick", "date": "%s",\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  printf ' "machine": {"gpu": "%s", "driver": "%s", "commit": "%s"},\n "tools": [\n' "$gpu" "$driver" "$commit"
  (IFS=,; printf '%s' "${rows[*]}")
  printf ']}\n'
} > "$output/sanitize.json.partial"
mv "$output/sanitize.json.partial" "$output/sanitize.json"
exit $code
