#!/usr/bin/env bash
# Makes the report of a folder of results: what the folder holds, and for the parts that it lacks what golden/ has
# recorded. A document that cannot be read is told on the page, so that one broken part never costs the whole report.
#
#   ci/report.sh FOLDER [--not-run WHAT=WHY ...]     FOLDER/*.json -> FOLDER/report.json, FOLDER/report.html
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source ci/common.sh
shopt -s extglob
folder=${1:?usage: ci/report.sh FOLDER [--not-run WHAT=WHY ...]}
shift
[[ -d $folder ]] || { echo "report.sh: there is no folder $folder" >&2; exit 2; }

# The documents of one kind: those of the folder, else the recorded ones.
arguments=("$@")
add() {
  local kind=$1 found=() path
  shift
  for path in "$folder/$kind".json "$folder/$kind"-*.json "$folder/$kind".json.gz; do
    [[ -e $path ]] && found+=("$path")
  done
  if ((${#found[@]} == 0)); then
    for path in "$@"; do [[ -e $path ]] && found+=("$path"); done
  fi
  for path in "${found[@]}"; do arguments+=("--$kind" "$path"); done
}
# What the replay did says nothing of kernels: what a GPU was last seen to do stands beside it.
#
# add_of_gpu KIND PATTERN RECORDED...     unless a document of the folder has PATTERN, as those of a GPU have
add_of_gpu() {
  local kind=$1 pattern=$2 path
  shift 2
  ! grep -qsE "$pattern" "$folder/$kind"*.json || return 0
  for path in "$@"; do [[ ! -e $path ]] || arguments+=("--$kind" "$path"); done
}
add check
add_of_gpu check '"kind": ?"cuda"' golden/check/*.json golden/check/*.json.gz
add bench golden/performance/*.json
add gate golden/gate/*.json
add calibration golden/calibration/h200.json
add history golden/history.json golden/history.json.gz
add mutation golden/mutation/replay.json
add_of_gpu mutation '"device": ?"cuda' golden/mutation/!(replay).json
add tune golden/tune/*.json
add fingerprint golden/fingerprint.json
add sanitize golden/sanitize/h200.json

export PYTHONPATH=reports${PYTHONPATH:+:$PYTHONPATH}
"$python" -m plumbline_report assemble --tolerant "${arguments[@]}" --json "$folder/report.json"
"$python" -m plumbline_report --report "$folder/report.json" --output "$folder/report.html"
