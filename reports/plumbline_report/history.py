"""What a page needs to know of the recorded history: each series' shares over time, its segments and changes."""

import math
from dataclasses import dataclass
from statistics import median

from .text import finite

LEAST, MOST = 1e-6, 1e6  # ratios outside of these are no measurement
LEAST_RUNS = 8  # fewer are not searched for changes (harness/history/changes.h)


@dataclass
class Run:
    id: str
    date: str
    commit: str
    pinned: str


@dataclass
class Change:
    at: int  # place in the history's runs
    effect: float | None  # of the time: 0.01 is 1% slower
    lower: float | None
    upper: float | None
    q: float | None
    commits: tuple[str, str]
    differences: list[str]  # what else changed with it: driver, clocks, host


@dataclass
class Segment:
    """A stretch without a change, of a series that was searched for changes: the median share, and its 95% interval.

    The interval is from order statistics.
    """

    first: int
    last: int
    middle: float
    low: float | None
    high: float | None


@dataclass
class Series:
    id: str
    name: str
    operator: str
    gpu: str
    places: list[int]  # in the history's runs, ascending
    shares: list[float]  # limit over time, one per place
    outliers: set[int]
    changes: list[Change]
    segments: list[Segment]
    drift: float | None
    drift_since: str
    to_pinned: float | None  # of the last point
    gap: float | None  # between two levels that it jumps between

    @property
    def now(self) -> Segment | None:
        return self.segments[-1] if self.segments else None

    @property
    def level(self) -> float:
        """The share as it is now: the last stretch's median; of the last run where there are too few for one."""
        return self.now.middle if self.now else self.shares[-1]

    @property
    def untested(self) -> float | None:
        """Change of the time from the first run to the last, where they are too few to tell it from noise."""
        if self.segments or len(self.shares) < 2:
            return None
        return self.shares[0] / self.shares[-1] - 1

    @property
    def last_change(self) -> Change | None:
        return self.changes[-1] if self.changes else None

    @property
    def moved(self) -> float:
        """How far it moved, for ordering: its largest change or drift."""
        return max([abs(change.effect or 0) for change in self.changes] + [abs(self.drift or 0)])


@dataclass
class HistoryModel:
    document: dict
    runs: list[Run]
    series: list[Series]
    left_out: int  # points that are no measurement, or of a run that the document does not list

    @property
    def movers(self) -> list[tuple[Series, Change]]:
        """Every change with an effect, the largest first."""
        found = [(one, change) for one in self.series for change in one.changes if change.effect is not None]
        return sorted(found, key=lambda pair: (-abs(pair[1].effect), pair[0].name, pair[1].at))

    @property
    def untested(self) -> list[Series]:
        """Series with too few runs to be searched for changes, what differs most first."""
        return sorted((s for s in self.series if s.untested is not None), key=lambda s: (-abs(s.untested), s.name))

    @property
    def drifting(self) -> list[Series]:
        return sorted((s for s in self.series if s.drift), key=lambda s: (-abs(s.drift), s.name))


def build_history(document: dict) -> HistoryModel:
    runs = [
        Run(str(run["id"]), run.get("date") or "", run.get("commit") or "", run.get("pinned") or "")
        for run in document.get("runs") or []
    ]
    place = {run.id: index for index, run in enumerate(runs)}
    model = HistoryModel(document, runs, [], 0)
    for index, entry in enumerate(document.get("series") or []):
        model.series.append(_series(entry, index, runs, place, model))
    model.series.sort(key=lambda series: (series.operator, series.gpu, series.name))
    return model


def _series(entry: dict, index: int, runs: list[Run], place: dict[str, int], model: HistoryModel) -> Series:
    known: dict[int, float] = {}
    to_pinned = None
    for point in entry.get("points") or []:
        at, share = place.get(str(point["run"])), _share(point)
        if at is None or share is None:
            model.left_out += 1
            continue
        known[at] = share
        to_pinned = finite(point.get("to_pinned"))
    places = sorted(known)
    changes = [
        Change(
            place[str(change["run"])],
            *(finite(change.get(key)) for key in ("effect", "lower", "upper", "q")),
            commits=_commits(change, place[str(change["run"])], runs),
            differences=change.get("differences") or [],
        )
        for change in entry.get("changes") or []
        if str(change["run"]) in place
    ]
    changes.sort(key=lambda change: change.at)
    drift = entry.get("drift") or {}
    since = place.get(str(drift.get("since")))
    return Series(
        id=entry.get("id") or str(entry["name"]) or str(index),
        name=entry["name"],
        operator=entry.get("operator") or entry["name"].split("/")[0],
        gpu=entry.get("gpu") or "",
        places=places,
        shares=[known[at] for at in places],
        outliers={place[str(run)] for run in entry.get("outliers") or [] if str(run) in place},
        changes=changes,
        segments=_segments(places, known, [change.at for change in changes]),
        drift=finite(drift.get("effect")),
        drift_since=runs[since].date or runs[since].id if since is not None else "",
        to_pinned=to_pinned,
        gap=finite((entry.get("states") or {}).get("gap")),
    )


def _share(point: dict) -> float | None:
    ratio, time, limit = (finite(point.get(key)) for key in ("ratio", "time_us", "limit_us"))
    if ratio is None and time and limit:
        ratio = time / limit
    return 1 / ratio if ratio is not None and LEAST <= ratio <= MOST else None


def _commits(change: dict, at: int, runs: list[Run]) -> tuple[str, str]:
    told = [commit or "" for commit in change.get("commits") or []]
    if len(told) == 2:
        return told[0], told[1]
    return runs[at - 1].commit if at else "", runs[at].commit


def _segments(places: list[int], known: dict[int, float], cuts: list[int]) -> list[Segment]:
    if len(places) < LEAST_RUNS and not cuts:
        return []
    groups: list[list[int]] = [[]]
    cuts = sorted(set(cuts))
    for at in places:
        while cuts and at >= cuts[0]:
            cuts.pop(0)
            groups.append([])
        groups[-1].append(at)
    found = []
    for group in filter(None, groups):
        values = sorted(known[at] for at in group)
        interval = median_interval(len(values))
        low, high = (values[interval[0]], values[interval[1]]) if interval else (None, None)
        found.append(Segment(group[0], group[-1], median(values), low, high))
    return found


def median_interval(number: int, level: float = 0.95) -> tuple[int, int] | None:
    """Places, in the sorted sample, of an interval that holds the median with at least `level`; None where too few.

    Distribution-free: the number of values below the median is binomial with 1/2 (Conover, Practical Nonparametric
    Statistics, 3.2).
    """
    tail, below, best = (1 - level) / 2, 0.0, None
    for place in range(number // 2):
        below += math.comb(number, place) * 0.5**number if number < 1000 else 0.0
        if below > tail:
            break
        best = place
    if number >= 1000:  # the normal approximation of the same
        best = math.floor((number - 1.96 * math.sqrt(number)) / 2) - 1
    return None if best is None else (best, number - 1 - best)
