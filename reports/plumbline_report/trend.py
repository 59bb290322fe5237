"""A series over time as compact inline SVG: hundreds must fit into one page, so they are written by hand."""

from dataclasses import dataclass

from markupsafe import Markup, escape

from .history import Run, Series
from .text import clip, day, percent, share

WIDTH, HEIGHT = 380, 150  # CSS pixels
LEFT, RIGHT, TOP, BOTTOM = 34, 6, 30, 20
SPARK_WIDTH, SPARK_HEIGHT, SPARK_POINTS = 120, 22, 48
LEAST_RANGE = 0.03  # of the middle: noise below 3% looks like noise, not like mountains
MAX_LABELS = 4


@dataclass
class Frame:
    """From runs and shares to pixels."""

    runs: int
    low: float
    high: float

    def x(self, at: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at / (self.runs - 1) if self.runs > 1 else 0.5)

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - inside) / (self.high - self.low)


def _calm(series: Series) -> list[tuple[int, float]]:
    """Places and shares without outliers, which would flatten everything else; all where all are."""
    every = list(zip(series.places, series.shares, strict=True))
    return [one for one in every if one[0] not in series.outliers] or every


def frame_of(series: Series, runs: int) -> Frame:
    values = [value for _, value in _calm(series)]
    low, high = min(values), max(values)
    middle = (low + high) / 2
    reach = max((high - low) * 0.6, middle * LEAST_RANGE)
    return Frame(runs, max(middle - reach, 0), middle + reach)


def trend(series: Series, runs: list[Run], anchor: str) -> Markup:
    """Shares, the segments' medians with their intervals, changes with their commits, outliers, pinned runs."""
    frame = frame_of(series, len(runs))
    bands, medians = [], []
    for segment in series.segments:
        left, right = frame.x(segment.first), max(frame.x(segment.last), frame.x(segment.first) + 1)
        medians.append(f"M{_n(left)} {_n(frame.y(segment.middle))}H{_n(right)}")
        if segment.low is not None:
            top, bottom = frame.y(segment.high) - 1, frame.y(segment.low) + 1
            bands.append(f"M{_n(left)} {_n(top)}H{_n(right)}V{_n(bottom)}H{_n(left)}z")
    marks = []
    for run in {0, len(runs) - 1}:
        side = "start" if run == 0 else "end"
        marks.append(_text(frame.x(run), HEIGHT - 5, day(runs[run].date), "t", side))
    for value in (frame.low + (frame.high - frame.low) * part for part in (0.12, 0.5, 0.88)):
        marks.append(f'<path class="g" d="M{LEFT} {_n(frame.y(value))}H{WIDTH - RIGHT}"/>')
        marks.append(_text(LEFT - 4, frame.y(value) + 3.5, share(value), "t", "end"))
    for at in sorted(series.outliers & set(series.places)):
        value = series.shares[series.places.index(at)]
        marks.append(f'<circle class="o" cx="{_n(frame.x(at))}" cy="{_n(frame.y(value))}" r="2.6"/>')
    labelled = sorted(series.changes, key=lambda change: -abs(change.effect or 0))[:MAX_LABELS]
    for row, change in enumerate(c for c in series.changes if c in labelled):
        x = frame.x(change.at)
        tone = "w" if (change.effect or 0) > 0 else "b"
        marks.append(f'<path class="c {tone}" d="M{_n(x)} {TOP - 4}V{HEIGHT - BOTTOM}"/>')
        label = f"{clip(change.commits[1], 9)} {percent(change.effect, signed=True, digits=1)}"
        side = "end" if x > WIDTH * 0.6 else "start"
        marks.append(_text(x + (-3 if side == "end" else 3), TOP - 7 - 11 * (row % 2), label, f"k {tone}", side))
    for at, run in enumerate(runs):
        if run.pinned:
            marks.append(f'<path class="p" d="M{_n(frame.x(at))} {HEIGHT - BOTTOM}v-5"/>')
    title, description = _spoken(series, runs)
    return Markup(
        f'<svg class="figure-svg trend" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        f'aria-labelledby="{anchor}-title {anchor}-desc"><title id="{anchor}-title">{escape(title)}</title>'
        f'<desc id="{anchor}-desc">{escape(description)}</desc>'
        f'{"".join(marks)}<path class="i" d="{"".join(bands)}"/><path class="l" d="{_path(series, frame)}"/>'
        f'<path class="m" d="{"".join(medians)}"/></svg>'
    )


def spark(series: Series, runs: int) -> Markup:
    """The trend as a line of a table; the row's numbers say the same in words."""
    if not series.places:
        return Markup("")
    calm = _calm(series)
    low, high = min(share for _, share in calm), max(share for _, share in calm)
    middle = (low + high) / 2
    reach = max((high - low) / 2, middle * LEAST_RANGE / 2)
    points = []
    for group in _buckets(len(calm), SPARK_POINTS):
        # the value of the group that lies farthest from the middle, so that no step disappears
        place, value = max((calm[index] for index in group), key=lambda one: abs(one[1] - middle))
        x = 1 + (SPARK_WIDTH - 2) * (place / max(runs - 1, 1))
        y = SPARK_HEIGHT / 2 - (SPARK_HEIGHT / 2 - 2) * (value - middle) / reach
        points.append(f"{x:.0f} {y:.0f}")
    cuts = "".join(
        f"M{1 + (SPARK_WIDTH - 2) * change.at / max(runs - 1, 1):.0f} 0v{SPARK_HEIGHT}"
        for change in series.changes[:9]
    )
    mark = f'<path class="c" d="{cuts}"/>' if cuts else ""
    return Markup(
        f'<svg class="spark" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" width="{SPARK_WIDTH}" '
        f'height="{SPARK_HEIGHT}" '
        f'aria-hidden="true">{mark}<path d="M{"L".join(points)}"/></svg>'
    )


def _buckets(number: int, most: int) -> list[range]:
    count = min(number, most)
    return [range(i * number // count, (i + 1) * number // count) for i in range(count)]


def _path(series: Series, frame: Frame) -> str:
    """Steps of a tenth of a pixel; a break where more than seven runs are missing. Outliers are circles."""
    parts, x, y, before = [], 0, 0, None
    for at, value in _calm(series):
        to_x, to_y = round(frame.x(at) * 10), round(frame.y(value) * 10)
        if before is None or at - before > 7:
            parts.append(f"M{_tenths(to_x)} {_tenths(to_y)}l0 0")
        else:
            step = _tenths(to_y - y)
            parts.append(f" {_tenths(to_x - x)}{'' if step[0] == '-' else ' '}{step}")
        x, y, before = to_x, to_y, at
    return "".join(parts)


def _tenths(value: int) -> str:
    text = f"{value / 10:.1f}".removesuffix(".0")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _n(value: float) -> str:
    return _tenths(round(value * 10))


def _text(x: float, y: float, words: str, kind: str, side: str) -> str:
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}" text-anchor="{side}">{escape(words)}</text>'


def _spoken(series: Series, runs: list[Run]) -> tuple[str, str]:
    sentences = [f"{len(series.places)} runs from {day(runs[0].date)} to {day(runs[-1].date)}."]
    for segment in series.segments[-4:]:
        interval = f" ({share(segment.low)} to {share(segment.high)})" if segment.low is not None else ""
        sentences.append(f"From {day(runs[segment.first].date)}: median share {share(segment.middle)}{interval}.")
    for change in series.changes[-4:]:
        sentences.append(
            f"Change of the time by {percent(change.effect, signed=True)} at {clip(change.commits[1], 40)} on "
            f"{day(runs[change.at].date)}."
        )
    return f"{clip(series.name, 200)}: share of the limit", " ".join(sentences)
