"""One JSON of all gates of a folder (plumbline.gate_proof/1): false alarms, what was found, how long it took.

    gate_summary.py FOLDER TARGET [--seconds N]     FOLDER: KIND.NUMBER.json and .txt, as ci/prove_gate.sh leaves them
"""

import argparse
import glob
import json
import os
import statistics

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder")
parser.add_argument("target")
parser.add_argument("--seconds", type=int, default=None, help="that all gates took side by side")
options = parser.parse_args()
folder, target, seconds = options.folder, options.target, options.seconds
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
