"""What the page shows of trust: which check killed which mutant, the sanitizer, the resource fingerprint."""

import math
from typing import Any

from . import text
from .report import Report
from .section import MAX_ROWS, Some
from .trust import MutationModel


def context(report: Report, anchors: text.Anchors) -> dict[str, Any]:
    fingerprint = report.fingerprint
    return {
        "mutations": [_mutation_context(mutation, anchors) for mutation in report.mutations],
        "sanitize": report.document.get("sanitize"),
        "tools": Some.of(report.sanitizer, 40),
        "fingerprint": fingerprint,
        "kernels": Some(
            [(anchors.new("kernel", k.name, k.arch), k) for k in fingerprint.kernels[:MAX_ROWS]],
            len(fingerprint.kernels),
        )
        if fingerprint
        else None,
    }


def _mutation_context(mutation: MutationModel, anchors: text.Anchors) -> dict[str, Any]:
    largest = max((number for mutant in mutation.mutants for number in mutant.killed_by.values()), default=1)
    shown = mutation.mutants[:MAX_ROWS]
    return {
        "model": mutation,
        "columns": mutation.checks[:24],
        "mutants": Some([(anchors.new("mutant", m.label), m) for m in shown], len(mutation.mutants)),
        "kills": {check: sum(check in m.killed_by for m in mutation.mutants) for check in mutation.checks[:24]},
        "shade": lambda number: round(8 + 34 * math.log1p(number) / math.log1p(largest)),
    }
