"""What a page needs to know of one check document: tallies per operator, reasons, coverage, the cases to list."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice, zip_longest

from .text import day, finite, kind_of_reason

STATES = ("passed", "failed", "crashed", "error", "mistrusted", "unsupported", "skipped")
PROVEN_WRONG = ("failed", "crashed", "error")  # error: the harness could not judge the case
LISTED = ("crashed", "failed", "error", "mistrusted")  # cases that a reader wants to repeat
NO_VARIANT = ""


@dataclass
class Tally:
    """One operator, dtype and variant over all of its cases."""

    operator: str
    dtype: str
    variant: str  # NO_VARIANT: the cases in which nothing was tried
    cases: Counter = field(default_factory=Counter)  # of this variant, by case state; refused ones apart
    failed: int = 0  # cases that this variant itself failed
    refused: int = 0
    worst: float | None = None  # share of the bound
    beyond: bool = False  # an error that is no number failed the bound
    differing: int = 0  # elements whose bits are not the replay's
    compared: int = 0
    bias: float | None = None  # the mean error in ulp that lies farthest from 0
    blind_spot: float | None = (
        None  # ulp: the largest over the cases of the smallest error they could not have seen
    )

    @property
    def ran(self) -> int:
        return self.cases.total()


@dataclass
class Reason:
    """Why cases, or a variant's part of them, proved nothing; reasons that differ in numbers alone are one."""

    operator: str
    state: str
    variant: str  # NO_VARIANT: the whole case
    text: str  # of the first case
    count: int = 0
    several: bool = False  # others of this kind have other numbers


@dataclass
class Cell:
    """What one variant did in the cases of one alignment."""

    selected: int = 0  # chosen by the selector, and run
    fell_back: int = 0  # of those, the cases in which an address or a stride kept another variant from serving
    chosen: int = 0  # chosen by the selector, not run on this device
    served: int = 0  # run, chosen or not
    refused: int = 0


# What a variant's refusal says when an address, a stride or a size is not a multiple of what it needs.
MISALIGNED = re.compile(r"multiple of|align")

ALL, ALIGNED = ("", "all"), ("", "aligned")  # columns of coverage beside (pointer, byte offset)


@dataclass
class Coverage:
    """One operator's cases by the byte offset of each pointer; a case stands in a column per offset pointer."""

    operator: str
    columns: Counter = field(default_factory=Counter)  # column -> cases
    cells: dict[tuple[str, tuple[str, str]], Cell] = field(default_factory=dict)  # (variant, column)
    variants: list[str] = field(default_factory=list)

    def cell(self, variant: str, column: tuple[str, str]) -> Cell:
        if variant not in self.variants:
            self.variants.append(variant)
        return self.cells.setdefault((variant, column), Cell())


# Upper edges of `ulp_histogram`'s buckets, in ulp of the output; a last bucket holds what lies beyond.
ULP_EDGES = (0, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 64, 1024)


@dataclass
class Histogram:
    """Elements by their error in ulp, over all variants and cases of one operator, type and precision."""

    operator: str
    dtype: str
    precision: str  # "" where the operator has no such axis
    counts: list[int] = field(default_factory=lambda: [0] * (len(ULP_EDGES) + 1))

    @property
    def total(self) -> int:
        return sum(self.counts)

    def add(self, counts: list[int]) -> None:
        for bucket, number in enumerate(counts):
            self.counts[min(bucket, len(ULP_EDGES))] += number

    def within(self, ulp: float) -> int:
        """Elements whose error is at most `ulp`, one of ULP_EDGES."""
        return sum(self.counts[: ULP_EDGES.index(ulp) + 1])


@dataclass
class CheckModel:
    document: dict
    states: Counter
    tallies: list[Tally]
    reasons: list[Reason]
    coverage: list[Coverage]
    histograms: list[Histogram]
    listed: list[dict]  # every failing, crashed and mistrusted case, crashed first
    contradictions: list[str]  # where the document disagrees with itself

    @property
    def total(self) -> int:
        return self.states.total()

    @property
    def on_replay(self) -> bool:
        return self.document["device"]["kind"] == "replay"

    @property
    def title(self) -> str:
        """What ran where, for headings where a page holds several checks."""
        device = self.document["device"]
        name = "replay, no GPU" if self.on_replay else device.get("name") or "unnamed GPU"
        return ", ".join(filter(None, (name, self.document.get("tier"), day(self.document.get("started")))))

    @property
    def golden(self) -> dict:
        return self.document.get("golden") or {}


def build_check(document: dict) -> CheckModel:
    tallies: dict[tuple[str, str, str], Tally] = {}
    reasons: dict[tuple[str, str, str, str], Reason] = {}
    coverage: dict[str, Coverage] = {}
    histograms: dict[tuple[str, str, str], Histogram] = {}
    for case in document["cases"]:
        _tally(case, tallies)
        _note_reasons(case, reasons)
        _add_errors(case, histograms)
        _cover(case, coverage.setdefault(case["operator"], Coverage(case["operator"])))
    cases = document["cases"]
    return CheckModel(
        document=document,
        states=Counter(case["state"] for case in cases),
        tallies=[tallies[key] for key in sorted(tallies)],
        reasons=sorted(
            reasons.values(), key=lambda r: (r.operator, STATES.index(r.state), -r.count, r.variant, r.text)
        ),
        coverage=[coverage[name] for name in sorted(coverage)],
        histograms=[histograms[key] for key in sorted(histograms)],
        listed=sorted((c for c in cases if c["state"] in LISTED), key=lambda c: LISTED.index(c["state"])),
        contradictions=_contradictions(document),
    )


def worse(known: float | None, new: float | None) -> float | None:
    """The one farther from 0."""
    if known is None or new is None:
        return new if known is None else known
    return new if abs(new) > abs(known) else known


def _tally(case: dict, tallies: dict) -> None:
    def of(variant: str) -> Tally:
        key = (case["operator"], case["dtype"], variant)
        return tallies.setdefault(key, Tally(*key))

    if not case["variants"]:
        of(NO_VARIANT).cases[case["state"]] += 1
    for variant in case["variants"]:
        tally = of(variant["name"])
        if variant["state"] == "unsupported":
            tally.refused += 1
            continue
        tally.cases[case["state"]] += 1
        worst = finite(variant.get("worst"))
        tally.failed += variant["state"] == "failed"
        tally.beyond |= worst is None and "bound" in variant.get("failed_checks", ())
        tally.worst = worse(tally.worst, worst)
        tally.differing += variant.get("differing") or 0
        tally.compared += variant.get("compared") or 0
        tally.bias = worse(tally.bias, finite(variant.get("bias")))
        tally.blind_spot = worse(tally.blind_spot, finite(case.get("blind_spot")))


def _add_errors(case: dict, histograms: dict) -> None:
    for variant in case["variants"]:
        if counts := variant.get("ulp_histogram"):
            key = (case["operator"], case["dtype"], case.get("axes", {}).get("precision", ""))
            histograms.setdefault(key, Histogram(*key)).add(counts)


def _note_reasons(case: dict, reasons: dict) -> None:
    def note(state: str, variant: str, text: str) -> None:
        text = text or "no reason given"
        reason = reasons.setdefault(
            (case["operator"], state, variant, kind_of_reason(text)), Reason(case["operator"], state, variant, text)
        )
        reason.count += 1
        reason.several |= reason.text != text

    if case["state"] in ("mistrusted", "unsupported", "skipped"):
        note(case["state"], NO_VARIANT, case.get("reason") or "")
    for variant in case["variants"]:
        if variant["state"] == "unsupported":
            note("unsupported", variant["name"], variant.get("reason") or "")


def columns_of(axes: dict[str, str]) -> list[tuple[str, str]]:
    """The columns of coverage that a case stands in, from its axes `offset.<pointer>`."""
    offsets = [
        (match[1] or "pointers", value)
        for axis, value in axes.items()
        if (match := re.fullmatch(r"offset(?:\.(.+))?", axis)) and value != "0"
    ]
    return [ALL, *(offsets or [ALIGNED])]


def _cover(case: dict, coverage: Coverage) -> None:
    columns = columns_of(case.get("axes", {}))
    coverage.columns.update(columns)
    selected = case.get("selected") or None
    ran = {variant["name"] for variant in case["variants"] if variant["state"] != "unsupported"}
    fell_back = any(
        variant["state"] == "unsupported" and MISALIGNED.search(variant.get("reason") or "")
        for variant in case["variants"]
    )
    for column in columns:
        for variant in case["variants"]:
            cell = coverage.cell(variant["name"], column)
            if variant["state"] == "unsupported":
                cell.refused += 1
            else:
                cell.served += 1
                cell.selected += variant["name"] == selected
                cell.fell_back += variant["name"] == selected and fell_back
        if selected and selected not in ran:
            coverage.cell(selected, column).chosen += 1


def _contradictions(document: dict) -> list[str]:
    found = []
    counted = Counter(case["state"] for case in document["cases"])
    summary = document.get("summary")
    if summary is not None:
        for state in STATES:
            if summary.get(state, 0) != counted[state]:
                found.append(
                    f"The document's summary says {summary.get(state, 0)} {state}, its cases say {counted[state]}; "
                    "this page counts the cases."
                )
    passed = [case for case in document["cases"] if case["state"] == "passed"]
    if hidden := sum(any(_is_wrong(variant) for variant in case["variants"]) for case in passed):
        found.append(
            f"{hidden} of the cases called passed hold a variant that failed or whose error is above its bound."
        )
    if idle := sum(all(v["state"] == "unsupported" for v in case["variants"]) for case in passed):
        found.append(f"{idle} of the cases called passed ran no variant at all.")
    if differing := sum(case.get("golden") == "differs" for case in passed):
        found.append(f"{differing} of the cases called passed differ from the recorded GPU result.")
    return found


def _is_wrong(variant: dict) -> bool:
    return (
        variant["state"] == "failed"
        or bool(variant.get("failed_checks"))
        or (finite(variant.get("worst")) or 0) > 1
    )


def spread(cases: Iterable[dict], limit: int) -> list[dict]:
    """At most `limit` cases, in turn from every state and operator so that none hides another; order is kept."""
    cases = list(cases)
    groups: dict[tuple[str, str], list[int]] = {}
    for index, case in enumerate(cases):
        groups.setdefault((case["state"], case["operator"]), []).append(index)
    turns = (index for turn in zip_longest(*groups.values()) for index in turn if index is not None)
    return [cases[index] for index in sorted(islice(turns, limit))]
