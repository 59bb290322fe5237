"""The report's figures, drawn narrow (one operator each) so that they stay readable on a phone."""

import math

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from .model import Tally
from .speed import Point, Shape
from .svg import ACCENT, BAD, GOOD, LINE, MUTED, PAGE, TEXT, WARN, drawing, figure_of, inline
from .text import clip, share, significant

WIDTH = 380  # CSS pixels
ROW = 36  # a label line and a bar
TOP, BOTTOM, LEFT, RIGHT = 8, 40, 4, 62
SHARE_END = 1.25  # the axis ends here; longer bars end in an arrow and their number
MAX_ROWS = 24


def _axes(rows: int):
    height = TOP + rows * ROW + BOTTOM
    figure = figure_of(WIDTH, height)
    axes = figure.add_axes((LEFT / WIDTH, BOTTOM / height, 1 - (LEFT + RIGHT) / WIDTH, rows * ROW / height))
    axes.set_ylim(rows, 0)
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="x", length=3, width=1, labelsize=11, pad=3)
    axes.set_axisbelow(True)
    return figure, axes


def _label(axes, row: int, text: str) -> None:
    axes.text(
        0,
        row + 0.36,
        clip(text, 56),
        transform=axes.get_yaxis_transform(),
        fontsize=11.5,
        va="baseline",
        color=TEXT,
    )


def _value(axes, row: int, text: str, color: str) -> None:
    axes.text(
        1 + (RIGHT - 4) / (WIDTH - LEFT - RIGHT),
        row + 0.76,
        text,
        transform=axes.get_yaxis_transform(),
        fontsize=11.5,
        fontweight="bold",
        ha="right",
        va="baseline",
        color=color,
    )


def worst_by_dtype(tallies: list[Tally]) -> dict[str, Tally]:
    """The tally with the worst error of each dtype; an error that is no number is the worst of all."""
    worst: dict[str, Tally] = {}
    for tally in tallies:
        if tally.worst is None and not tally.beyond:
            continue
        known = worst.get(tally.dtype)
        if known is None or (tally.beyond, tally.worst or 0) > (known.beyond, known.worst or 0):
            worst[tally.dtype] = tally
    return worst


def worst_share(operator: str, worst: dict[str, Tally], anchor: str) -> Markup:
    """Bars: the worst error of each dtype as a share of its bound, the bound a line at 1."""
    rows = list(worst.items())[:MAX_ROWS]
    with drawing():
        figure, axes = _axes(len(rows))
        axes.set_xlim(0, SHARE_END)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "0.25", "0.5", "0.75", "bound"])
        axes.set_xlabel("worst error as a share of its bound", fontsize=11)
        axes.axvline(1, color=TEXT, linewidth=1.2, linestyle=(0, (4, 3)))
        told = []
        for row, (dtype, tally) in enumerate(rows):
            outside = tally.beyond or (tally.worst or 0) > 1
            color = BAD if outside else GOOD
            length = SHARE_END if tally.beyond else min(tally.worst, SHARE_END)
            text = "inf, NaN" if tally.beyond else share(tally.worst)
            axes.barh(row + 0.66, SHARE_END, height=0.3, color=LINE, alpha=0.45, linewidth=0)
            axes.barh(row + 0.66, length, height=0.3, color=color, linewidth=0)
            if length == SHARE_END:
                axes.plot([SHARE_END - 0.03], [row + 0.66], marker=">", color=PAGE, markersize=5, clip_on=False)
            _label(axes, row, f"{dtype}   {tally.variant}")
            _value(axes, row, text, BAD if outside else TEXT)
            told.append(f"{dtype} {text} ({tally.variant})")
        return inline(
            figure,
            anchor,
            f"{operator}: worst error as a share of its bound",
            f"Bars by dtype; the bound is 1. {'; '.join(told)}.",
        )


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers within [low, high], about seven at most: decades, finer steps where those are few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5)):
        ticks = [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
        if len(ticks) >= 3:
            return ticks[:: math.ceil(len(ticks) / 7)]
    return [float(tick) for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]


def most_telling(shapes: list[Shape], fastest: dict[Shape, Point]) -> list[Shape]:
    """The shapes to draw, in their order: all of them, or the MAX_ROWS farthest from their limit."""
    by_share = sorted(
        shapes, key=lambda shape: fastest[shape].share if fastest[shape].share is not None else math.inf
    )
    drawn = set(by_share[:MAX_ROWS])
    return [shape for shape in shapes if shape in drawn]


def times_beside_limit(
    title: str, shapes: list[Shape], points: dict[Shape, list[Point]], labels: list[str], anchor: str
) -> Markup:
    """Per shape on a log axis: the limit, the fastest variant, the shaded gap between them, the other variants."""
    times = [point.time_us for shape in shapes for point in points[shape]]
    limits = [point.limit_us for shape in shapes for point in points[shape] if point.limit_us]
    low, high = min(times + limits) / 1.3, max(times + limits) * 1.3
    with drawing():
        figure, axes = _axes(len(shapes))
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        ticks = log_ticks(low, high)
        axes.set_xticks(ticks, [significant(tick, 2) if tick < 1 else f"{tick:,g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("time in µs, log scale", fontsize=11)
        axes.grid(axis="x", color=LINE, linewidth=0.8)
        told = []
        for row, (shape, label) in enumerate(zip(shapes, labels, strict=True)):
            best, *others = sorted(points[shape], key=lambda point: point.time_us)
            y = row + 0.68
            axes.plot(
                [point.time_us for point in others],
                [y] * len(others),
                "o",
                markersize=5,
                markerfacecolor="none",
                markeredgecolor=MUTED,
                markeredgewidth=1,
            )
            if best.limit_us:
                axes.plot(
                    [best.limit_us, best.time_us],
                    [y, y],
                    color=WARN,
                    alpha=0.45,
                    linewidth=9,
                    solid_capstyle="butt",
                )
                axes.plot([best.limit_us] * 2, [y - 0.19, y + 0.19], color=TEXT, linewidth=2)
            axes.plot([best.time_us], [y], "o", markersize=7, color=ACCENT, markeredgewidth=0)
            _label(axes, row, label)
            _value(axes, row, share(best.share), TEXT)
            limit = f"limit {significant(best.limit_us)}" if best.limit_us else "no limit measured"
            told.append(f"{label}: {significant(best.time_us)} µs, {limit}, share {share(best.share)}")
        return inline(figure, anchor, title, f"Per shape: {'; '.join(told)}.")
