"""Figures of errors in ulp, effects with their intervals, variants' curves and A/A gates."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.ticker import NullFormatter, NullLocator

from .figures import LEFT, RIGHT, ROW, TOP, WIDTH, log_ticks
from .model import Histogram
from .paths import HEADS, Curves
from .svg import ACCENT, BAD, GOOD, LINE, MUTED, PAGE, SERIES, TEXT, WARN, drawing, figure_of, inline
from .text import clip, percent, significant

BUCKETS = ("=", "⅛", "¼", "½", "1", "2", "4", "8", "16", "64", "1k", "more")
SPOKEN = ("0", "1/8", "1/4", "1/2", "1", "2", "4", "8", "16", "64", "1024", "more")
PANEL = 92  # pixels of one histogram
MAX_PANELS = 8
MAX_LINES = len(SERIES)
MARKERS = "osD^vP"


def error_histograms(operator: str, histograms: list[Histogram], anchor: str) -> Markup:
    """One panel per type and precision: bars of elements by their error in ulp, on a log axis."""
    shown = histograms[:MAX_PANELS]
    height = len(shown) * PANEL + 40
    told = []
    with drawing():
        figure = figure_of(WIDTH, height)
        for index, histogram in enumerate(shown):
            bottom = height - (index + 1) * PANEL + 8
            axes = figure.add_axes((LEFT / WIDTH, bottom / height, 1 - 2 * LEFT / WIDTH, (PANEL - 30) / height))
            axes.set_yscale("log")
            axes.set_ylim(0.5, max(10, histogram.total) * 1.6)
            axes.set_xlim(-0.6, len(BUCKETS) - 0.4)
            for bucket, number in enumerate(histogram.counts):
                if number:
                    color = ACCENT if bucket <= 3 else WARN
                    axes.bar(bucket, number - 0.5, bottom=0.5, width=0.82, color=color, linewidth=0)
            axes.axvline(3.5, color=TEXT, linewidth=1.1, linestyle=(0, (4, 3)))
            axes.yaxis.set_major_locator(NullLocator())
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_minor_formatter(NullFormatter())
            for side in ("left", "right", "top"):
                axes.spines[side].set_visible(False)
            axes.tick_params(axis="x", length=0, pad=3, labelsize=10.5)
            is_last = index == len(shown) - 1
            axes.set_xticks(range(len(BUCKETS)), BUCKETS if is_last else [""] * len(BUCKETS))
            if is_last:
                axes.set_xlabel("error in ulp of the output, up to", fontsize=11, labelpad=4)
            name = " ".join(filter(None, (histogram.dtype, histogram.precision)))
            inside = histogram.within(0.5) / histogram.total if histogram.total else 0
            share = "all" if inside == 1 else f"{_floor_percent(inside)}"
            line = {"transform": axes.transAxes, "fontsize": 11.5, "va": "bottom"}
            axes.text(0, 1.06, clip(name, 30), color=TEXT, fontweight="bold", **line)
            axes.text(
                1, 1.06, f"{share} within ½ ulp of {_round_count(histogram.total)}", color=MUTED, ha="right", **line
            )
            counts = ", ".join(
                f"{edge}: {number:,}" for edge, number in zip(SPOKEN, histogram.counts, strict=True) if number
            )
            told.append(f"{name}: {counts}")
        return inline(
            figure,
            anchor,
            f"{operator}: errors in ulp of the output",
            "Elements by their error, up to so many ulp (log scale); the dashed line stands at half an ulp, where "
            f"correct rounding ends. {'; '.join(told)}.",
        )


def _round_count(number: int) -> str:
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{significant(number / size)} {word}"
    return f"{number:,}"


def _floor_percent(share: float) -> str:
    """Never rounded up to 100."""
    return f"{int(share * 10000) / 100:g}\u202f%"


@dataclass
class Effect:
    """A row of a forest figure: a ratio minus one with its interval."""

    label: str
    effect: float
    lower: float | None
    upper: float | None
    tone: str  # bad, warn, good, none


TONES = {"bad": BAD, "warn": WARN, "good": GOOD, "none": MUTED}
MOST_EFFECT = 5.0  # farther effects are drawn at the edge, their number says what they are


def forest(title: str, effects: list[Effect], band: float | None, anchor: str) -> Markup:
    """Dots with intervals around no effect; `band`, where given, is shaded to both sides of it."""
    ends = [v for e in effects for v in (e.effect, e.lower, e.upper) if v is not None] + [band or 0, -(band or 0)]
    reach = min(MOST_EFFECT, max(max(abs(v) for v in ends), 0.001)) * 1.12
    height = TOP + len(effects) * ROW + 40
    told = []
    with drawing():
        figure = figure_of(WIDTH, height)
        axes = figure.add_axes((LEFT / WIDTH, 40 / height, 1 - (LEFT + RIGHT) / WIDTH, len(effects) * ROW / height))
        axes.set_ylim(len(effects), 0)
        axes.set_xlim(-reach, reach)
        axes.set_yticks([])
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        if band:
            axes.axvspan(-band, band, color=LINE, alpha=0.5, linewidth=0)
        axes.axvline(0, color=TEXT, linewidth=1.2)
        step = _round_step(reach)
        ticks = [tick * step for tick in (-2, -1, 0, 1, 2) if abs(tick * step) <= reach]
        axes.set_xticks(
            ticks, [percent(tick, signed=True, digits=1).replace(".0\u202f", "\u202f") for tick in ticks]
        )
        axes.tick_params(axis="x", length=3, width=1, labelsize=10.5, pad=3)
        axes.set_xlabel("\u2190 faster     time     slower \u2192", fontsize=11)
        for row, one in enumerate(effects):
            color, y = TONES.get(one.tone, WARN), row + 0.68
            if one.lower is not None and one.upper is not None:
                low, high = (min(max(v, -reach), reach) for v in (one.lower, one.upper))
                axes.plot([low, high], [y, y], color=color, linewidth=3, alpha=0.55, solid_capstyle="butt")
            axes.plot([min(max(one.effect, -reach), reach)], [y], "o", color=color, markersize=7, markeredgewidth=0)
            line = {"transform": axes.get_yaxis_transform(), "va": "baseline"}
            axes.text(0, row + 0.36, clip(one.label, 56), fontsize=11, color=TEXT, **line)
            number = percent(one.effect, signed=True)
            axes.text(
                1 + (RIGHT - 4) / (WIDTH - LEFT - RIGHT),
                row + 0.76,
                number,
                fontsize=11,
                fontweight="bold",
                ha="right",
                color=TEXT,
                **line,
            )
            told.append(f"{one.label} {number}")
        return inline(
            figure, anchor, title, f"Change of the time, with its interval; right is slower. {'; '.join(told)}."
        )


def _round_step(reach: float) -> float:
    """A round number, of which one or two fit into `reach`."""
    size = 1e-5
    while True:
        for digit in (1, 2, 5):
            if 2.4 * digit * size > reach:
                return digit * size
        size *= 10


def variant_curves(title: str, curves: Curves, anchor: str) -> Markup:
    """Each variant's ratio to the limit along a size, the table's choice ringed."""
    names = most_telling_variants(curves)
    plot, legend = 190, 16 * ((len(names) + 2) // 2) + 4
    height = TOP + plot + 40 + legend
    left = 38
    with drawing():
        figure = figure_of(WIDTH, height)
        axes = figure.add_axes((left / WIDTH, (40 + legend) / height, 1 - (left + 10) / WIDTH, plot / height))
        axes.set_xscale("log")
        axes.set_yscale("log")
        sizes = [point.size for point in curves.points]
        ratios = [ratio for p in curves.points for name in names if (ratio := p.ratio(name)) is not None]
        low, high = min(ratios) / 1.06, max(ratios) * 1.06
        axes.set_xlim(min(sizes) / 1.3, max(sizes) * 1.3)
        axes.set_ylim(low, high)
        for name, color, marker in zip(names, SERIES, MARKERS, strict=False):
            known = [(p.size, ratio) for p in curves.points if (ratio := p.ratio(name)) is not None]
            axes.plot(
                *zip(*known, strict=True),
                color=color,
                marker=marker,
                markersize=5,
                linewidth=1.6,
                label=name,
                markeredgewidth=0,
            )
        chosen = [(p.size, ratio) for p in curves.points if (ratio := p.ratio(p.chosen)) is not None]
        if chosen:
            axes.plot(
                *zip(*chosen, strict=True),
                "o",
                markersize=11,
                markerfacecolor="none",
                markeredgecolor=TEXT,
                markeredgewidth=1.6,
                label="chosen by the selector",
                clip_on=False,
            )
        ticks = apart(sorted(set(sizes)))
        axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
        levels = [tick for tick in log_ticks(low, high) if low <= tick <= high]
        axes.set_yticks(levels, [f"{tick:,.4g}" for tick in levels])
        axes.minorticks_off()
        axes.grid(axis="y", color=LINE, linewidth=0.8)
        axes.set_axisbelow(True)
        for side in ("right", "top"):
            axes.spines[side].set_visible(False)
        axes.tick_params(labelsize=10.5, length=3, pad=3)
        axes.set_xlabel(curves.axis, fontsize=11)
        figure.legend(
            loc="lower left",
            bbox_to_anchor=(0.0, 0.0),
            ncols=2,
            frameon=False,
            fontsize=10.5,
            handlelength=1.8,
            columnspacing=1.4,
            labelspacing=0.35,
            borderaxespad=0.1,
            labelcolor=TEXT,
        )
        told = [
            f"{curves.axis} {point.size:g}: chose {point.chosen or 'nothing'}, regret {percent(point.regret)}, "
            f"fastest {point.fastest}"
            for point in curves.points
        ]
        return inline(figure, anchor, title, f"Time over limit of each variant, log scales. {'; '.join(told)}.")


def apart(sizes: list[float]) -> list[float]:
    """Those of ascending sizes whose labels do not touch on a log axis, the largest always among them."""
    least = math.log(sizes[-1] / sizes[0]) / 9
    kept = [sizes[-1]]
    for size in reversed(sizes[:-1]):
        if math.log(kept[-1] / size) >= least:
            kept.append(size)
    return kept[::-1]


def most_telling_variants(curves: Curves) -> list[str]:
    """At most MAX_LINES: what was chosen, what differs in heads per warp, then what is nearest to the fastest."""
    names = curves.variants
    if len(names) <= MAX_LINES:
        return names
    chosen = {point.chosen for point in curves.points}

    def distance(name: str) -> float:
        return min((p.times[name] / min(p.times.values()) for p in curves.points if name in p.times), default=1e9)

    kept = set(
        sorted(names, key=lambda name: (name not in chosen, not HEADS.search(name), distance(name), name))[
            :MAX_LINES
        ]
    )
    return [name for name in names if name in kept]


def alarm_strip(runs: Iterable[tuple[str, int, int]], anchor: str) -> Markup:
    """A square for each A/A gate, in the order of time, one that raised a false alarm crossed."""
    runs = list(runs)[-420:]
    across = 30
    side, rows = 12, -(-len(runs) // across)
    height = 6 + rows * side + 4
    with drawing():
        figure = figure_of(WIDTH, height)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(height, 0)
        axes.axis("off")
        for index, (_, _, alarms) in enumerate(runs):
            x, y = 6 + index % across * side + side / 2, 6 + index // across * side + side / 2
            axes.plot([x], [y], "s", markersize=8.5, color=BAD if alarms else ACCENT, markeredgewidth=0)
            if alarms:
                axes.plot([x], [y], "x", markersize=5, color=PAGE, markeredgewidth=1.6)
        raised = [f"{date or 'undated'}: {alarms} of {points} points" for date, points, alarms in runs if alarms]
        said = f"False alarms: {'; '.join(raised)}." if raised else "None raised a false alarm."
        return inline(
            figure, anchor, "A/A gates", f"{len(runs)} gates of a build against itself, oldest first. {said}"
        )
