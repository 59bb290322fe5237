"""The kill matrix of `plumbline mutate --json FILE` as Markdown: one row per fault, one column per check.

    kill_matrix.py MUTATION.json [--write DOCUMENT.md]     the second form replaces what stands between the two marks
"""

import argparse
import json
from pathlib import Path

from fingerprint import write

BEGIN, END = "<!-- kill matrix: begin -->\n", "<!-- kill matrix: end -->\n"


def by_fault(mutants: list[dict]) -> dict[str, list[dict]]:
    """A fault is put into every operator that can have it; a mutant is one of these."""
    faults: dict[str, list[dict]] = {}
    for mutant in mutants:
        faults.setdefault(mutant["name"], []).append(mutant)
    return faults


def sentence_of(document: dict) -> str:
    scores, machine = document["scores"], document.get("machine") or {}
    where = f"{machine.get('gpu', 'CPU replay')} ({document['device']}), {document['tier']} tier"
    words = {"all": "all checks kill", "quick": "the quick tier", "bounds_only": "bounds only"}
    said = [f"{words[key]} {scores[key]['killed']} of {scores[key]['of']}" for key in words]
    return f"{where}, commit {document['commit']}, {document['date'][:10]}: {', '.join(said)}."


def row_of(name: str, mutants: list[dict], checks: list[str]) -> tuple:
    """Sorted by the number of the published bug that the fault repeats, our own last."""
    numbers = sorted({mutant["catalogue"] for mutant in mutants if mutant["catalogue"]})
    marks = ["x" if any(check in mutant["killed_by"] for mutant in mutants) else "" for check in checks]
    survivors = [mutant["operator"] for mutant in mutants if mutant["status"] == "survived"]
    what = mutants[0]["what"] + (f" (**survives** in {', '.join(survivors)})" if survivors else "")
    operators = ", ".join(mutant["operator"] for mutant in mutants)
    bounds_only = ", ".join(sorted({mutant["bounds_only"] for mutant in mutants}))
    cells = [", ".join(map(str, numbers)), f"`{name}`: {what}", operators, *marks, bounds_only]
    return (numbers or [10**9])[0], name, "| " + " | ".join(cells) + " |"


def markdown_of(document: dict) -> str:
    run = [mutant for mutant in document["mutants"] if mutant["status"] in ("killed", "survived")]
    others = len([mutant for mutant in document["mutants"] if mutant["status"] == "not run"])
    checks = [check for check in document["checks"] if any(check in mutant["killed_by"] for mutant in run)]
    faults = by_fault(run)
    rows = sorted(row_of(name, mutants, checks) for name, mutants in faults.items())
    lines = [
        sentence_of(document),
        "",
        f"<details><summary>{len(faults)} faults in {len(run)} mutants: which checks saw which</summary>",
        "",
        "`bug` is the number of the published bug, `exempt` says that no result changes by more than the bound's blind",
        f"spot. {others} mutants more have no place on this device and are not run there.",
        "",
        "| " + " | ".join(["bug", "fault", "operators", *checks, "bounds only"]) + " |",
        "|---" * (len(checks) + 4) + "|",
        *(line for _, _, line in rows),
        "",
        "</details>",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mutation", type=Path)
    parser.add_argument("--write", type=Path, metavar="DOCUMENT.md")
    options = parser.parse_args()
    try:
        text = markdown_of(json.loads(options.mutation.read_text()))
    except (OSError, ValueError, KeyError) as error:
        parser.error(f"MUTATION.json is '{options.mutation}': {error!r}; expected what plumbline mutate --json writes")
    if options.write is None:
        print(text, end="")
        return
    document = options.write.read_text() if options.write.is_file() else ""
    before, _, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        parser.error(f"DOCUMENT.md is '{options.write}'; expected the lines {BEGIN.strip()} and {END.strip()} in it")
    write(options.write, before + BEGIN + text + END + after)


if __name__ == "__main__":
    main()
