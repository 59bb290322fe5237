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
python3 - "$gates" "$output/summary.json" "$((SECONDS - started))" <<'PY'
"""One JSON of all gates: false alarms, what was found, how long it took."""
import glob, json, os, statistics, sys

folder, target, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3])
documents, broken = {}, []
for text in sorted(glob.glob(folder + "/*.txt")):
    kind, number, _ = os.path.basename(text).split(".")
    try:
        documents.setdefault(kind, []).append(json.load(open(text[:-4] + ".json")))
    except OSError:
        broken.append({"gate": f"{kind}.{number}", "said": open(text).read()[-300:]})


def spread(values):
    values = sorted(values)
    return {"median": statistics.median(values), "least": values[0], "most": values[-1]} if values else None


def verdicts(gates):
    return {word: sum(g["verdict"] == word for g in gates) for word in ("pass", "regressed", "improved", "inconclusive")}


aa = documents.pop("aa", [])
points = [p for g in aa for p in g["points"]]
false = sum(g["verdict"] == "regressed" for g in aa)
summary = {
    "schema": "plumbline.gate_proof/1",
    "seconds": seconds,
    "machines": sorted({g["machine"]["uuid"] for g in aa}),
    "machine": {k: v for k, v in aa[0]["machine"].items() if k != "uuid"} if aa else None,
    "aa": {
        "gates": len(aa),
        "false_regressions": false,
        # Clopper and Pearson; without a false alarm 1 - 0.05^(1/n)
        "upper_95": 1 - 0.05 ** (1 / len(aa)) if aa and not false else None,
        "verdicts": verdicts(aa),
        "points": len(points),
        "points_regressed": sum(p["verdict"] == "regressed" for p in points),
        "points_improved": sum(p["verdict"] == "improved" for p in points),
        "points_inconclusive": sum(p["verdict"] == "inconclusive" for p in points),
        "points_identical_code": sum(p["identical_code"] is True for p in points),
        "flags_on_identical_code": sum(p["false_alarm"] for p in points),
        "certified": sum(p["certified"] for p in points),
        "detectable": spread([p["detectable"] for p in points if p["detectable"] is not None]),
        "absolute_effect": spread([abs(p["screen_effect"]) for p in points if p["screen_effect"] is not None]),
        "suspects": spread([g["suspects"] for g in aa]),
        "seconds": spread([g["seconds"] for g in aa]),
        "seconds_without_suspects": spread([g["seconds"] for g in aa if g["suspects"] == 0]),
    },
    "slowed": [
        {
            "slowdown": int(kind) / 1000,
            "gates": len(gates),
            "found": sum(g["verdict"] == "regressed" for g in gates),
            "verdicts": verdicts(gates),
            "points": sum(len(g["points"]) for g in gates),
            "points_found": sum(p["verdict"] == "regressed" for g in gates for p in g["points"]),
            "effect": spread([p["effect"] for g in gates for p in g["points"] if p["effect"] is not None]),
            "seconds": spread([g["seconds"] for g in gates]),
        }
        for kind, gates in sorted(documents.items(), key=lambda item: int(item[0]))
    ],
    "no_result": broken,
}
with open(target + ".tmp", "w") as file:
    json.dump(summary, file, indent=1)
os.replace(target + ".tmp", target)
print(json.dumps({k: v for k, v in summary.items() if k in ("seconds", "aa", "slowed", "no_result")}, indent=1))
PY
tar -C "$output" -czf "$output/gates.tar.gz" gates
