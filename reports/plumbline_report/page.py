"""Puts one page together: what each section shows, then the templates."""

from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from . import section_check, section_paths, section_speed, section_trust, text, verdict
from .kinds import KINDS
from .report import build_report, sources
from .section import Some, labels_of
from .text import clip

__all__ = ["SECTIONS", "labels_of", "render"]

SECTIONS = {
    "correctness": "Correctness",
    "coverage": "Coverage",
    "cases": "Cases",
    "paths": "Paths",
    "speed": "Speed",
    "trends": "Trends",
    "trust": "Trust",
}
# Ids that stand in the templates: links to them stay right whatever the documents hold.
FIXED = (
    "top",
    "verdict",
    "sources",
    "not-run",
    "gate",
    "limits",
    "calibration",
    "movers",
    "tma",
    "tuning",
    "mutants",
    "sanitizer",
    "fingerprint",
    "drifts",
)


def render(document: dict) -> str:
    """The whole page of a plumbline.report/1; the same document gives the same text."""
    report = build_report(document)
    anchors = text.Anchors(reserved=(*FIXED, *SECTIONS))
    told = verdict.lines(report)
    context: dict[str, Any] = {
        "asset": _asset,
        "sections": SECTIONS,
        "answer": verdict.is_the_wall_true(told),
        "verdicts": told,
        "dates": report.dates,
        "machines": _machines(report),
        "commits": _commits(report),
        "sources": Some.of(sources(report), 60),
        "omissions": Some.of(verdict.all_not_run(report), 60),
        "notices": verdict.notices(report.checks, report.benches),
        "contradicted": any(check.contradictions for check in report.checks),
        "checks": [section_check.context(check, anchors) for check in report.checks],
        "paths": section_paths.context(report, anchors),
        "speed": section_speed.context(report, anchors),
        "trends": section_speed.trends(report, anchors),
        "trust": section_trust.context(report, anchors),
        "kinds": KINDS,
        "NONE": text.NONE,
    }
    return _environment().get_template("report.html.j2").render(context)


@cache  # compiling the templates takes longer than filling them
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": text.count,
        "share": text.share,
        "significant": text.significant,
        "percent": text.percent,
        "finite": text.finite,
        "clip": text.clip,
        "day": text.day,
        "plural": lambda number, one, many="": text.plural(number, one, many),
    }
    return environment


def _asset(name: str) -> Markup:
    return Markup((resources.files(__package__) / "templates" / name).read_text("utf-8"))


def _machines(report) -> list[str]:
    names = ["replay (no GPU)" if c.on_replay else c.document["device"].get("name") for c in report.checks]
    names += [bench.context.get("gpu") for bench in report.benches] + [
        gate.machine.get("gpu") for gate in report.gates
    ]
    return [clip(name, 80) for name in dict.fromkeys(filter(None, names))][:4]


def _commits(report) -> list[str]:
    """Of what was checked, measured and gated; trends and tuning have their own in the table of sources."""
    documents = [check.document.get("commit") for check in report.checks]
    documents += [bench.context.get("commit") for bench in report.benches]
    documents += [gate.machine.get("commit") for gate in report.gates]
    return [clip(commit, 12) for commit in dict.fromkeys(filter(None, documents))][:4]
