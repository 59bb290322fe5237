"""Everything that a page shows, counted: one model per document of the report."""

from dataclasses import dataclass

from .assemble import date_of, parts_of
from .gate import GateModel, build_gate
from .history import HistoryModel, build_history
from .kinds import KINDS
from .model import CheckModel, build_check
from .paths import TuneModel, build_tune
from .speed import BenchModel, build_bench
from .text import count, day, plural, significant
from .trust import (
    CalibrationModel,
    FingerprintModel,
    MutationModel,
    Tool,
    build_calibration,
    build_fingerprint,
    build_mutation,
    sanitizer_tools,
)


@dataclass
class Report:
    document: dict
    checks: list[CheckModel]
    benches: list[BenchModel]
    gates: list[GateModel]
    calibration: CalibrationModel | None
    history: HistoryModel | None
    mutations: list[MutationModel]
    tunes: list[TuneModel]
    fingerprint: FingerprintModel | None
    sanitizer: list[Tool]

    @property
    def absent(self) -> list[str]:
        """The kinds of documents that this report has none of."""
        return [key for key in KINDS if not parts_of(self.document, key)]

    @property
    def dates(self) -> tuple[str, str]:
        """The first and the last day on which any part was measured."""
        days = sorted(
            day(date) for key in KINDS for part in parts_of(self.document, key) if (date := date_of(key, part))
        )
        return (days[0], days[-1]) if days else ("", "")


def build_report(document: dict) -> Report:
    def one(key: str, build):
        return build(document[key]) if document.get(key) is not None else None

    return Report(
        document=document,
        checks=[build_check(part) for part in parts_of(document, "check")],
        benches=[build_bench(part) for part in parts_of(document, "bench")],
        gates=[build_gate(part) for part in parts_of(document, "gate")],
        calibration=one("calibration", build_calibration),
        history=one("history", build_history),
        mutations=[build_mutation(part) for part in parts_of(document, "mutation")],
        tunes=[build_tune(part) for part in parts_of(document, "tune")],
        fingerprint=one("fingerprint", build_fingerprint),
        sanitizer=sanitizer_tools(document.get("sanitize")),
    )


@dataclass
class Source:
    """One document that the page is made of, as its table of sources shows it."""

    title: str
    machine: str
    software: str
    commit: str
    date: str
    holds: str


def sources(report: Report) -> list[Source]:
    found = [_check_source(check) for check in report.checks]
    for bench in report.benches:
        context = bench.context
        found.append(_source("bench", context, {"context": context}, plural(len(bench.points), "point")))
    for gate in report.gates:
        found.append(_source("gate", gate.machine, gate.document, plural(len(gate.points), "point")))
    if report.calibration:
        runs = plural(len(report.calibration.runs), "A/A gate")
        found.append(_source("calibration", {"gpu": report.calibration.title}, report.calibration.document, runs))
    if report.history:
        last = report.history.document.get("runs") or [{}]
        machine = (last[-1].get("machine") or {}) | {"commit": last[-1].get("commit")}
        holds = (
            f"{plural(len(report.history.series), 'series', 'series')}, {plural(len(report.history.runs), 'run')}"
        )
        found.append(_source("history", machine, report.history.document, holds))
    for mutation in report.mutations:
        machine = (mutation.document.get("machine") or {}) | {"commit": mutation.document.get("commit")}
        if not machine.get("gpu"):
            machine["gpu"] = mutation.title
        found.append(_source("mutation", machine, mutation.document, plural(len(mutation.mutants), "mutant")))
    for tune in report.tunes:
        points = sum(len(operator.points) for operator in tune.operators)
        found.append(_source("tune", tune.document.get("machine") or {}, tune.document, plural(points, "point")))
    if report.fingerprint:
        document = report.fingerprint.document
        machine = {"gpu": "no GPU needed", "cuda": document.get("cuda"), "commit": document.get("commit")}
        found.append(_source("fingerprint", machine, document, plural(len(report.fingerprint.kernels), "kernel")))
    if "sanitize" in report.document:
        document = report.document["sanitize"]
        found.append(
            _source("sanitize", document.get("machine") or {}, document, plural(len(report.sanitizer), "tool"))
        )
    return found


def _source(key: str, machine: dict, document: dict, holds: str) -> Source:
    def text(name: str) -> str:
        value = machine.get(name)
        return value if isinstance(value, str) else ""

    software = [
        f"driver {text('driver')}" if text("driver") else "",
        f"CUDA {text('cuda')}" if text("cuda") else "",
    ]
    host = f" ({text('host')})" if text("host") else ""
    return Source(
        KINDS[key].title,
        text("gpu") + host,
        ", ".join(filter(None, software)),
        text("commit"),
        day(date_of(key, document)),
        holds,
    )


def _check_source(check: CheckModel) -> Source:
    document, device = check.document, check.document["device"]
    name = device.get("name") or ("CPU" if check.on_replay else "unnamed GPU")
    sm = f", sm_{device['sm']}" if device.get("sm") and not check.on_replay else ""
    library = document.get("library") or {}
    software = [
        f"driver {device['driver']}" if device.get("driver") else "",
        f"CUDA {device['cuda']}" if device.get("cuda") else "",
        " ".join(filter(None, (library.get("name"), library.get("version")))) or "no library opened",
    ]
    seconds = document.get("seconds")
    holds = [
        f"{count(check.total)} cases",
        f"tier {document['tier']}" if document.get("tier") else "",
        f"seed {document['seed']}" if document.get("seed") is not None else "",
        f"{significant(seconds)} s" if isinstance(seconds, (int, float)) and 0 <= seconds < 1e12 else "",
    ]
    return Source(
        "Check",
        "replay (no GPU)" if check.on_replay else f"{name}{sm}",
        ", ".join(filter(None, software)),
        document.get("commit") or "",
        day(document.get("started")),
        ", ".join(filter(None, holds)),
    )
