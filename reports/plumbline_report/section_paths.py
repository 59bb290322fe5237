"""What the page shows of paths: TMA on against off, and how well the selector's table chooses."""

from statistics import median
from typing import Any

from . import figures_more, text
from .paths import HEADS, TmaTable, TuneModel, tma_table
from .report import Report
from .section import MAX_ROWS, CaptionedFigure, Some, labels_of

MAX_CURVES = 6  # of one operator; half of it where nothing differs in heads per warp
MAX_OPERATORS = 8


def context(report: Report, anchors: text.Anchors) -> dict[str, Any]:
    tables = [table for bench in report.benches if (table := tma_table(bench, report.checks))]
    return {
        "tma": [_tma_context(table, anchors) for table in tables],
        "tunes": [_tune_context(tune, anchors) for tune in report.tunes],
    }


def _tma_context(table: TmaTable, anchors: text.Anchors) -> dict[str, Any]:
    constant, labels = labels_of([shape for shape, _ in table.rows])
    ratios = [cell.ratio for _, cells in table.rows for cell in cells.values()]
    return {
        "model": table,
        "constant": constant,
        "rows": Some(
            [
                (anchors.new("tma", shape.operator, shape.dtype, shape.label(), shape.cache), label, cells)
                for (shape, cells), label in list(zip(table.rows, labels, strict=True))[:MAX_ROWS]
            ],
            len(table.rows),
        ),
        "faster": sum(ratio < 1 for ratio in ratios),
        "number": len(ratios),
        "middle": median(ratios),
    }


def heat(ratio: float) -> int:
    """Percent of colour behind a ratio: full from 30% to either side."""
    return round(min(abs(ratio - 1) / 0.3, 1) * 44)


def _tune_context(tune: TuneModel, anchors: text.Anchors) -> dict[str, Any]:
    every = [(operator.name, group) for operator in tune.operators for group in operator.curves]
    shown = []
    for operator in tune.operators[:MAX_OPERATORS]:
        has_heads = any(HEADS.search(name) for group in operator.curves for name in group.variants)
        shown += [
            (operator.name, group) for group in operator.curves[: MAX_CURVES if has_heads else MAX_CURVES // 2]
        ]
    drawn = []
    for operator, group in shown:
        anchor = anchors.new("curves", operator, group.axis, group.fixed)
        names = figures_more.most_telling_variants(group)
        cut = f"; {len(names)} of {len(group.variants)} variants" if len(names) < len(group.variants) else ""
        note = f"{text.clip(group.fixed, 120)}; largest regret {text.percent(group.worst_regret)}{cut}"
        title = f"{operator}: time over limit along {group.axis}"
        drawn.append(CaptionedFigure(anchor, operator, note, figures_more.variant_curves(title, group, anchor)))
    points = [(operator.name, point) for operator in tune.operators for point in operator.points]
    points.sort(key=lambda pair: -(pair[1].regret or 0))
    regrets = tune.regrets
    return {
        "model": tune,
        "figures": Some(drawn, len(every)),
        "points": Some(
            [
                (anchors.new("tune", point.name, point.axes.get("form", "")), operator, point)
                for operator, point in points[:MAX_ROWS]
            ],
            len(points),
        ),
        "middle": median(regrets) if regrets else None,
        "worst": max(regrets, default=None),
        "margin": text.finite(tune.document.get("margin")),
    }
