"""What a page needs to know of why the checks can be trusted: mutants, the sanitizer, the resource fingerprint."""

from collections import Counter
from dataclasses import dataclass

from .text import finite

CHECKS = (
    "bound",
    "bits",
    "canary",
    "untouched",
    "inputs",
    "poison",
    "bias",
    "served",
    "repeat",
    "sanitizer",
    "device",
    "launch",
)
STATUSES = ("survived", "killed", "equivalent", "not run", "not expressible")  # what a reader looks for comes first
MEMORY = ("ldg128", "stg128", "bulk_copy", "cp_async", "tensor", "local")


@dataclass
class Mutant:
    id: str
    name: str
    operator: str
    what: str
    status: str
    killed_by: dict[str, int]
    cases_run: int | None
    first_kill: tuple[str, str]  # case, check
    bounds_only: str
    reason: str
    catalogue: str
    where: str  # devices that it can run on

    @property
    def label(self) -> str:
        """The id tells the most; where it is no more than a number, the name belongs to it."""
        return self.id if self.id.endswith(self.name) else f"{self.id} {self.name}".strip()


@dataclass
class MutationModel:
    document: dict
    checks: list[str]  # columns: those of the document, in its order
    mutants: list[Mutant]  # survivors first

    @property
    def title(self) -> str:
        device = self.document.get("device") or "an unnamed device"
        gpu = (self.document.get("machine") or {}).get("gpu")
        return f"{device} ({gpu})" if gpu and gpu != device else device

    @property
    def statuses(self) -> Counter:
        return Counter(mutant.status for mutant in self.mutants)

    @property
    def survivors(self) -> list[Mutant]:
        return [mutant for mutant in self.mutants if mutant.status == "survived"]

    @property
    def scores(self) -> list[tuple[str, int, int]]:
        """(which, killed, of) as the document says."""
        rows = self.document.get("scores") or {}
        return [(name, row.get("killed") or 0, row.get("of") or 0) for name, row in rows.items() if row]


def build_mutation(document: dict) -> MutationModel:
    mutants = [_mutant(entry) for entry in document.get("mutants") or []]
    told = list(dict.fromkeys(document.get("checks") or CHECKS))
    told += sorted({check for mutant in mutants for check in mutant.killed_by} - set(told))

    def order(mutant: Mutant):
        place = STATUSES.index(mutant.status) if mutant.status in STATUSES else 0
        return place, mutant.operator, int(mutant.id) if _is_small(mutant.id) else 0, mutant.id, mutant.name

    return MutationModel(document, told, sorted(mutants, key=order))


def _is_small(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _mutant(entry: dict) -> Mutant:
    first = entry.get("first_kill") or {}
    return Mutant(
        id=str(entry.get("id") if entry.get("id") is not None else ""),
        name=entry["name"],
        operator=entry.get("operator") or "",
        what=entry.get("what") or "",
        status=entry.get("status") or "not run",
        killed_by={check: number for check, number in (entry.get("killed_by") or {}).items() if number},
        cases_run=entry.get("cases_run"),
        first_kill=(first.get("case") or "", first.get("check") or ""),
        bounds_only=entry.get("bounds_only") or "",
        reason=entry.get("reason") or "",
        catalogue=str(entry.get("catalogue") or ""),
        where=", ".join(entry.get("on") or []),
    )


@dataclass
class Kernel:
    """One row of the fingerprint."""

    name: str
    operator: str
    arch: str
    registers: int | None
    shared: int | None
    stack: int | None
    spills: int | None  # bytes stored and loaded
    code: int | None
    counts: dict[str, int] | None  # None: no disassembler was there
    digest: str


@dataclass
class FingerprintModel:
    document: dict
    kernels: list[Kernel]  # those that spill first
    columns: list[str]  # instruction counts that any kernel has

    @property
    def spilling(self) -> int:
        return sum(bool(kernel.spills) for kernel in self.kernels)

    @property
    def architectures(self) -> list[str]:
        return sorted({kernel.arch for kernel in self.kernels})


def build_fingerprint(document: dict) -> FingerprintModel:
    kernels = []
    for row in document.get("rows") or []:
        spills = [row.get("spill_store_bytes"), row.get("spill_load_bytes")]
        counts = row.get("counts")
        kernels.append(
            Kernel(
                name=row["kernel"],
                operator=row.get("operator") or "",
                arch=str(row.get("arch") or ""),
                registers=row.get("registers"),
                shared=row.get("shared_bytes"),
                stack=row.get("stack_bytes"),
                spills=None if spills == [None, None] else sum(value or 0 for value in spills),
                code=row.get("code_bytes"),
                counts=None if counts is None else {key: value or 0 for key, value in counts.items()},
                digest=row.get("sass_hash") or "",
            )
        )
    found = {key for kernel in kernels for key in kernel.counts or {}}
    known = ["ldg128", "stg128", "lds128", "sts128", "bulk_copy", "cp_async", "tensor", "local"]
    columns = [key for key in known if key in found] + sorted(found - set(known))
    kernels.sort(key=lambda k: (-(k.spills or 0), k.operator, k.name, k.arch))
    return FingerprintModel(document, kernels, columns[:12])


@dataclass
class Tool:
    name: str
    findings: int | None
    cases: int | None
    answered: int | None
    failed: int | None
    seconds: float | None

    @property
    def tone(self) -> str:
        if self.findings or self.failed:
            return "bad"
        return "warn" if self.findings is None or (self.cases and self.answered != self.cases) else "good"


def sanitizer_tools(document: dict | None) -> list[Tool]:
    return [
        Tool(
            row["tool"],
            *(row.get(key) for key in ("findings", "cases", "answered", "failed")),
            seconds=finite(row.get("seconds")),
        )
        for row in (document or {}).get("tools") or []
    ]


@dataclass
class CalibrationModel:
    document: dict
    gates: int | None
    false_alarms: int | None
    upper: float | None  # of the rate, at 95%
    runs: list[tuple[str, int, int]]  # date, points, false alarms; in the order of time
    margins: list[tuple[str, float, int]]  # point, width, estimates; the widest first

    @property
    def title(self) -> str:
        return self.document.get("machine_class") or "an unnamed machine class"


def build_calibration(document: dict) -> CalibrationModel:
    record = document.get("false_alarm") or {}
    runs = [
        (run.get("date") or "", run.get("points") or 0, run.get("false_alarms") or 0)
        for run in document.get("runs") or []
    ]
    gates, false = record.get("gates"), record.get("false")
    margins = [
        (name, width, len(margin.get("estimates") or []))
        for name, margin in (document.get("margins") or {}).items()
        if margin and (width := finite(margin.get("width"))) is not None
    ]
    return CalibrationModel(
        document,
        gates if gates is not None else len(runs) or None,
        false if false is not None else sum(run[2] > 0 for run in runs) if runs else None,
        finite(record.get("upper_95")),
        sorted(runs),
        sorted(margins, key=lambda row: (-row[1], row[0])),
    )
