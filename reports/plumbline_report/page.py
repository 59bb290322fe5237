"""Puts one page together: what each section shows, then the templates."""

from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from . import figures, text, verdict
from .model import ALIGNED, ALL, Cell, CheckModel, Coverage, Tally, spread
from .speed import BenchModel, Point, Shape

MAX_CASES = 200  # failing and mistrusted cases listed
MAX_ROWS = 500  # rows of one table
MAX_FIGURES = 24
MAX_COVERAGE = 24  # operators with a coverage table
MAX_COLUMNS = 40  # alignments in one coverage table
MAX_VARIANTS = 60  # variants in one coverage table
SECTIONS = {
    "correctness": "Correctness",
    "coverage": "Coverage",
    "cases": "Cases",
    "speed": "Speed",
}


@dataclass
class Some:
    """The part of a list that the page shows, and how long the list is."""

    shown: list
    total: int

    @classmethod
    def of(cls, items: list, limit: int) -> "Some":
        return cls(items[:limit], len(items))

    @property
    def is_cut(self) -> bool:
        return len(self.shown) < self.total


@dataclass
class OperatorFigure:
    anchor: str
    name: str
    note: str
    svg: Markup


def render(check: CheckModel | None, benches: list[BenchModel]) -> str:
    """The whole page; the same models give the same text."""
    anchors = text.Anchors(reserved=("top", "verdict", "not-run", *SECTIONS))
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
        "finite": text.finite,
        "clip": text.clip,
        "plural": lambda number, one, many="": text.plural(number, one, many),
    }
    context: dict[str, Any] = {
        "asset": _asset,
        "sections": SECTIONS,
        "verdicts": [verdict.correctness(check), verdict.coverage(check), verdict.speed(benches)],
        "facts": _facts(check, benches),
        "omissions": Some.of(verdict.not_run(check, benches), 40),
        "notices": verdict.notices(check, benches),
        "check": _check_context(check, anchors) if check else None,
        "runs": [_run_context(bench, anchors) for bench in benches],
        "NONE": text.NONE,
    }
    return environment.get_template("report.html.j2").render(context)


def _asset(name: str) -> Markup:
    return Markup((resources.files(__package__) / "templates" / name).read_text("utf-8"))


def _facts(check: CheckModel | None, benches: list[BenchModel]) -> list[tuple[str, list[tuple[str, str]]]]:
    """(document, its facts) in the order given; absent facts are left out."""
    groups = []
    if check:
        document, device = check.document, check.document["device"]
        library = document.get("library") or {}
        name = device.get("name") or ("CPU" if check.on_replay else "unnamed GPU")
        rows = {
            "device": f"{name} (replay: no GPU)"
            if check.on_replay
            else f"{name}, device {device.get('ordinal') or 0}",
            "architecture": f"sm_{device['sm']}" if device.get("sm") and not check.on_replay else "",
            "driver": device.get("driver"),
            "CUDA": device.get("cuda"),
            "library": " ".join(filter(None, (library.get("name"), library.get("version")))) or "none opened",
            "library digest": library.get("digest"),
            "commit": document.get("commit"),
            "started": document.get("started"),
            "took": f"{text.significant(document['seconds'])} s"
            if text.finite(document.get("seconds")) is not None
            else "",
            "tier, seed": ", ".join(
                str(v) for v in (document.get("tier"), document.get("seed")) if v not in (None, "")
            ),
        }
        groups.append(("Check", rows))
    for bench in benches:
        context = bench.context
        rows = {
            "device": bench.title,
            "driver": context.get("driver"),
            "CUDA": context.get("cuda"),
            "commit": context.get("commit"),
            "date": context.get("date"),
            "points": text.count(len(bench.points)),
        }
        groups.append(("Benchmark", rows))
    return [(title, [(k, text.clip(str(v), 200)) for k, v in rows.items() if v]) for title, rows in groups]


def _check_context(check: CheckModel, anchors: text.Anchors) -> dict[str, Any]:
    listed = spread(check.listed, MAX_CASES)
    return {
        "model": check,
        "tallies": Some.of(check.tallies, MAX_ROWS),
        "reasons": Some.of(check.reasons, MAX_ROWS),
        "figures": _worst_figures(check.tallies, anchors),
        "coverage": Some([_grid(table, anchors) for table in check.coverage[:MAX_COVERAGE]], len(check.coverage)),
        "cases": Some([(anchors.new("case", case["name"]), case) for case in listed], len(check.listed)),
    }


def _worst_figures(tallies: list[Tally], anchors: text.Anchors) -> Some:
    by_operator: dict[str, list[Tally]] = {}
    for tally in tallies:
        by_operator.setdefault(tally.operator, []).append(tally)
    drawn, total = [], 0
    for operator, own in by_operator.items():
        if not (worst := figures.worst_by_dtype(own)):
            continue
        total += 1
        if len(drawn) < MAX_FIGURES:
            anchor = anchors.new("worst", operator)
            note = f"{figures.MAX_ROWS} of {len(worst)} dtypes" if len(worst) > figures.MAX_ROWS else ""
            drawn.append(OperatorFigure(anchor, operator, note, figures.worst_share(operator, worst, anchor)))
    return Some(drawn, total)


@dataclass
class Grid:
    """A coverage table as the template walks it."""

    anchor: str
    operator: str
    groups: list[tuple[str, list[tuple[str, str]]]]  # pointer -> its columns
    variants: list[tuple[str, list[Cell | None]]]  # name -> one cell per column
    columns: list[tuple[str, str]]
    cases: dict[tuple[str, str], int]
    hidden: int  # variants and columns beyond the limits


def _grid(table: Coverage, anchors: text.Anchors) -> Grid:
    def order(column: tuple[str, str]):
        fixed = {ALL: 0, ALIGNED: 1}
        number = int(column[1]) if column[1].isascii() and column[1].isdigit() and len(column[1]) < 18 else 0
        return fixed.get(column, 2), column[0], number, column[1]

    every = sorted(table.columns, key=order)
    columns = every[:MAX_COLUMNS]
    groups: list[tuple[str, list[tuple[str, str]]]] = []
    for column in columns:
        if not groups or groups[-1][0] != column[0]:
            groups.append((column[0], []))
        groups[-1][1].append(column)
    names = sorted(table.variants)
    rows = [(name, [table.cells.get((name, column)) for column in columns]) for name in names[:MAX_VARIANTS]]
    hidden = len(every) - len(columns) + len(names) - len(rows)
    return Grid(
        anchors.new("coverage", table.operator), table.operator, groups, rows, columns, table.columns, hidden
    )


def _run_context(bench: BenchModel, anchors: text.Anchors) -> dict[str, Any]:
    return {
        "model": bench,
        "anchor": anchors.new("speed", bench.title, bench.context.get("commit") or ""),
        "points": Some.of(bench.points, MAX_ROWS),
        "unmeasured": Some.of(bench.unmeasured, 100),
        "figures": _speed_figures(bench, anchors),
        "has_spread": any(point.spread is not None for point in bench.points),
    }


def _speed_figures(bench: BenchModel, anchors: text.Anchors) -> Some:
    by_operator: dict[str, dict[Shape, list[Point]]] = {}
    for point in bench.points:
        by_operator.setdefault(point.shape.operator, {}).setdefault(point.shape, []).append(point)
    drawn = []
    for operator in bench.operators[:MAX_FIGURES]:
        points = by_operator[operator]
        shapes = figures.most_telling(list(points), bench.fastest)
        constant, labels = labels_of(shapes)
        note = (
            f"{len(shapes)} of {len(points)} shapes, those farthest from the limit"
            if len(shapes) < len(points)
            else ""
        )
        anchor = anchors.new("times", bench.title, operator)
        svg = figures.times_beside_limit(f"{operator}: time beside its limit", shapes, points, labels, anchor)
        drawn.append(
            OperatorFigure(anchor, operator, "; ".join(filter(None, (text.clip(constant, 160), note))), svg)
        )
    return Some(drawn, len(bench.operators))


def labels_of(shapes: list[Shape]) -> tuple[str, list[str]]:
    """(what all shapes share, what tells each apart)."""
    common = (
        frozenset.intersection(*(frozenset(shape.axes) for shape in shapes)) if len(shapes) > 1 else frozenset()
    )
    dtypes, caches = {shape.dtype for shape in shapes}, {shape.cache for shape in shapes}
    labels = []
    for shape in shapes:
        parts = [
            shape.dtype if len(dtypes) > 1 else "",
            shape.label(common),
            shape.cache if len(caches) > 1 else "",
        ]
        labels.append(" · ".join(filter(None, parts)) or shape.dtype or shape.operator)
    fixed = [next(iter(dtypes)) if len(dtypes) == 1 else "", next(iter(caches)) if len(caches) == 1 else ""]
    shared = ", ".join(
        f"{axis}={value}" if axis else value for axis, value in shapes[0].axes if (axis, value) in common
    )
    return " · ".join(filter(None, [fixed[0], shared, fixed[1]])), labels
