"""What the page shows of speed: gates, times beside their limits, trends over time, A/A gates."""

from typing import Any

from . import figures, figures_more, text, trend
from .figures_more import Effect
from .gate import GateModel
from .history import LEAST_RUNS, HistoryModel, Series
from .report import Report
from .section import MAX_FIGURES, MAX_ROWS, CaptionedFigure, Some, labels_of
from .speed import BenchModel, Point, Shape, figure_label, short_name

MAX_EFFECTS = 16  # rows of a forest figure
MAX_SERIES = 400  # series with a trend of their own
MAX_CARDS = 12  # trends shown without opening them
MAX_UNTESTED = 20  # differences that are shown without a test


def context(report: Report, anchors: text.Anchors) -> dict[str, Any]:
    calibration = report.calibration
    return {
        "runs": [_run_context(bench, anchors) for bench in report.benches],
        "gates": [_gate_context(gate, anchors) for gate in report.gates],
        "calibration": calibration,
        "alarms": figures_more.alarm_strip(calibration.runs, anchors.new("alarms"))
        if calibration and calibration.runs
        else None,
        "margins": Some.of(calibration.margins, 40) if calibration else None,
    }


def _run_context(bench: BenchModel, anchors: text.Anchors) -> dict[str, Any]:
    return {
        "model": bench,
        "anchor": anchors.new("speed", bench.title, bench.context.get("commit") or ""),
        "points": Some([(anchors.new("point", p.name), p) for p in bench.points[:MAX_ROWS]], len(bench.points)),
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
            CaptionedFigure(anchor, operator, "; ".join(filter(None, (text.clip(constant, 160), note))), svg)
        )
    return Some(drawn, len(bench.operators))


def _gate_context(gate: GateModel, anchors: text.Anchors) -> dict[str, Any]:
    known = [point for point in gate.points if point.effect is not None]
    effects = [Effect(figure_label(p.name), p.effect, p.lower, p.upper, p.tone) for p in known[:MAX_EFFECTS]]
    anchor = anchors.new("effects", gate.title)
    figure = figures_more.forest("Gate: change of the time", effects, gate.promised, anchor) if effects else None
    note = f"{len(effects)} of {len(known)}: regressed first, then the largest" if len(effects) < len(known) else ""
    return {
        "model": gate,
        "figure": CaptionedFigure(anchor, "Change of the time", note, figure) if figure else None,
        "points": Some([(anchors.new("gate", p.name), p) for p in gate.points[:MAX_ROWS]], len(gate.points)),
        "disturbances": Some.of(gate.document.get("disturbances") or [], 20),
    }


def trends(report: Report, anchors: text.Anchors) -> dict[str, Any] | None:
    history = report.history
    if history is None:
        return None
    series = [one for one in history.series if one.places]
    shown = series if len(series) <= MAX_SERIES else _kept(series)
    named = [(anchors.new("series", one.id), one) for one in shown]
    links = {id(one): anchor for anchor, one in named}
    moved = sorted((pair for pair in named if pair[1].moved > 0), key=lambda pair: -pair[1].moved)[:MAX_CARDS]
    cards = {anchor for anchor, _ in moved}
    movers, untested = history.movers, history.untested
    effects = [
        Effect(
            f"{text.clip(change.commits[1], 9)}  {figure_label(one.name)}",
            change.effect,
            change.lower,
            change.upper,
            "bad" if change.effect > 0 else "good",
        )
        for one, change in movers[:MAX_EFFECTS]
    ]
    return {
        "model": history,
        "series": Some([(a, s, trend.spark(s, len(history.runs))) for a, s in named], len(history.series)),
        "several_gpus": len({one.gpu for one in shown}) > 1,
        "cards": [_trend_card(anchor, one, history) for anchor, one in moved],
        "others": [_trend_card(anchor, one, history) for anchor, one in named if anchor not in cards],
        "movers_figure": figures_more.forest("Biggest movers", effects, None, anchors.new("movers-figure"))
        if effects
        else None,
        "movers": Some(
            [(links.get(id(one), ""), one, change, history.runs[change.at]) for one, change in movers[:MAX_ROWS]],
            len(movers),
        ),
        "untested": Some([(links.get(id(one), ""), one) for one in untested[:MAX_UNTESTED]], len(untested)),
        "least_runs": LEAST_RUNS,
        "drifting": [(links.get(id(one), ""), one) for one in history.drifting[:40]],
        "short": short_name,
    }


def _kept(series: list[Series]) -> list[Series]:
    """Those that moved most, in the page's order."""
    kept = {id(one) for one in sorted(series, key=lambda one: -one.moved)[:MAX_SERIES]}
    return [one for one in series if id(one) in kept]


def _trend_card(anchor: str, series: Series, history: HistoryModel) -> dict[str, Any]:
    return {
        "anchor": anchor,
        "series": series,
        "name": short_name(series.name),
        "svg": trend.trend(series, history.runs, f"{anchor}-figure"),
        "changes": [(change, history.runs[change.at]) for change in series.changes[-6:]],
    }
