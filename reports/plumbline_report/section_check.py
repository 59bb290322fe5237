"""What the page shows of one check document: tallies, errors, coverage by alignment, cases to look at."""

from dataclasses import dataclass
from typing import Any

from . import figures, figures_more, text
from .model import ALIGNED, ALL, Cell, CheckModel, Coverage, Histogram, Tally, spread
from .section import MAX_FIGURES, MAX_ROWS, CaptionedFigure, Some

MAX_CASES = 200  # failing and mistrusted cases listed
MAX_COVERAGE = 24  # operators with a coverage table
MAX_COLUMNS = 40  # alignments in one coverage table
MAX_VARIANTS = 60  # variants in one coverage table


def context(check: CheckModel, anchors: text.Anchors) -> dict[str, Any]:
    listed = spread(check.listed, MAX_CASES)
    return {
        "model": check,
        "anchor": anchors.new("check", check.title),
        "reasons_anchor": anchors.new("reasons"),
        "errors_anchor": anchors.new("errors"),
        "tallies": Some(
            [(anchors.new("tally", t.operator, t.dtype, t.variant), t) for t in check.tallies[:MAX_ROWS]],
            len(check.tallies),
        ),
        "reasons": Some.of(check.reasons, MAX_ROWS),
        "figures": _worst_figures(check.tallies, anchors),
        "histograms": _histograms(check.histograms, anchors),
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
            drawn.append(CaptionedFigure(anchor, operator, note, figures.worst_share(operator, worst, anchor)))
    return Some(drawn, total)


def _histograms(histograms: list[Histogram], anchors: text.Anchors) -> Some:
    by_operator: dict[str, list[Histogram]] = {}
    for histogram in histograms:
        if histogram.total:
            by_operator.setdefault(histogram.operator, []).append(histogram)
    drawn = []
    for operator, own in list(by_operator.items())[:MAX_FIGURES]:
        anchor = anchors.new("ulp", operator)
        note = f"{figures_more.MAX_PANELS} of {len(own)} types" if len(own) > figures_more.MAX_PANELS else ""
        drawn.append(CaptionedFigure(anchor, operator, note, figures_more.error_histograms(operator, own, anchor)))
    return Some(drawn, len(by_operator))


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
