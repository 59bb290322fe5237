#!/usr/bin/env python3
"""Prints the failures of check documents as GitHub's workflow commands, at the line that names the variant.

usage: ci/annotate.py CHECK_JSON...
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST = 50  # GitHub shows no more than that of one step


def escaped(text: str, in_property: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if in_property else text


def line_of(operator: str, variant: str) -> tuple[str, int]:
    """Where the variant's row stands in the operator's table; the operator's header where it is not found."""
    for source in sorted((ROOT / "optimized" / operator).glob("*.c*")):
        for number, line in enumerate(source.read_text().splitlines(), 1):
            if re.search(rf'"{re.escape(variant)}"', line) and not source.name.endswith("_test.cpp"):
                return str(source.relative_to(ROOT)), number
    return f"reference/{operator}/{operator}.h", 1


def annotations(document: dict):
    for case in document["cases"]:
        if case["state"] not in ("failed", "crashed", "error"):
            continue
        failed = [v for v in case["variants"] if v["state"] == "failed"] or [{"name": "", "reason": case["reason"]}]
        for variant in failed:
            path, line = line_of(case["operator"], variant["name"])
            title = " ".join(filter(None, [case["operator"], variant["name"], case["state"]]))
            body = f"{variant.get('reason') or case['reason']}\n{case.get('repro', '')}"
            yield f"::error file={escaped(path, True)},line={line},title={escaped(title, True)}::{escaped(body)}"


def main(paths: list[str]) -> int:
    if not paths:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    count = 0
    for path in paths:
        try:
            document = json.loads(Path(path).read_text())
            if not str(document.get("schema", "")).startswith("plumbline.check/"):
                raise ValueError(f"its schema is {document.get('schema')!r}, expected plumbline.check/1")
            for text in annotations(document):
                count += 1
                if count <= MOST:
                    print(text)
        except (OSError, ValueError, KeyError, AttributeError) as error:
            print(f"annotate.py: {path}: {error}", file=sys.stderr)
            return 2
    if count > MOST:
        print(f"::notice::{count - MOST} more failures are in the check document")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
