"""What a page needs to know of paths: TMA on against off, and the variants that a tuning measured."""

import re
from dataclasses import dataclass, field

from .model import CheckModel
from .speed import BenchModel, Point, Shape
from .text import finite

PRECISIONS = ("ieee", "tf32x3", "tf32")  # their order on the page; the first is what a name without the axis means
HEADS = re.compile(r"_h(\d+)$")
# The axis that a curve runs along, the first that a key has.
SIZE_AXES = ("tokens", "rows", "T", "B")


@dataclass
class TmaCell:
    """TMA on over TMA off: below 1 TMA is faster."""

    ratio: float
    on: Point
    off: Point


@dataclass
class BitEquality:
    """From the check: did the TMA variants leave the bits of the others?"""

    cases: int = 0  # in which a TMA variant ran
    differing: int = 0  # of those, the ones with other bits


@dataclass
class TmaTable:
    title: str
    precisions: list[str]
    rows: list[tuple[Shape, dict[str, TmaCell]]]  # shape without tma and precision -> one cell per precision
    equality: dict[str, BitEquality]  # by precision


def tma_table(bench: BenchModel, checks: list[CheckModel]) -> TmaTable | None:
    """None where the benchmark has no shape measured with TMA both on and off."""
    best: dict[tuple[Shape, str], dict[str, Point]] = {}
    for point in bench.points:
        axes = dict(point.shape.axes)
        setting = axes.get("tma")
        if setting not in ("on", "off"):
            continue
        rest = tuple((axis, value) for axis, value in point.shape.axes if axis not in ("tma", "precision"))
        shape = Shape(point.shape.operator, point.shape.dtype, rest, point.shape.cache)
        settings = best.setdefault((shape, axes.get("precision", PRECISIONS[0])), {})
        if setting not in settings or point.time_us < settings[setting].time_us:
            settings[setting] = point
    rows: dict[Shape, dict[str, TmaCell]] = {}
    for (shape, precision), settings in best.items():
        if len(settings) == 2:
            on, off = settings["on"], settings["off"]
            rows.setdefault(shape, {})[precision] = TmaCell(on.time_us / off.time_us, on, off)
    if not rows:
        return None
    found = {precision for cells in rows.values() for precision in cells}
    order = sorted(found, key=lambda p: (PRECISIONS.index(p) if p in PRECISIONS else len(PRECISIONS), p))
    operators = {shape.operator for shape in rows}
    return TmaTable(bench.title, order, list(rows.items()), bit_equality(checks, operators))


def bit_equality(checks: list[CheckModel], operators: set[str]) -> dict[str, BitEquality]:
    found: dict[str, BitEquality] = {}
    for check in checks:
        for case in check.document["cases"]:
            if case["operator"] not in operators:
                continue
            ran = [v for v in case["variants"] if "tma" in v["name"] and v["state"] != "unsupported"]
            if not ran:
                continue
            equality = found.setdefault(case.get("axes", {}).get("precision", PRECISIONS[0]), BitEquality())
            equality.cases += 1
            equality.differing += any(v.get("differing") or "bits" in v.get("failed_checks", ()) for v in ran)
    return found


@dataclass
class TunePoint:
    name: str
    axes: dict[str, str]
    chosen: str
    regret: float | None
    limit_us: float | None
    times: dict[str, float]  # variant -> us
    size: float | None = None

    @property
    def fastest(self) -> str:
        return min(self.times, key=self.times.get) if self.times else ""

    def ratio(self, variant: str) -> float | None:
        """Time over limit; without a limit, over the fastest variant."""
        base = self.limit_us or (min(self.times.values()) if self.times else None)
        return self.times[variant] / base if base and variant in self.times else None


@dataclass
class Curves:
    """One figure: the variants' ratios along one axis, everything else being equal."""

    axis: str
    fixed: str  # what all points share
    points: list[TunePoint] = field(default_factory=list)

    @property
    def worst_regret(self) -> float:
        return max((point.regret or 0 for point in self.points), default=0)

    @property
    def variants(self) -> list[str]:
        """In the order of their heads per warp, variants without one first."""
        names = {name for point in self.points for name in point.times}

        def order(name: str):
            found = HEADS.search(name)
            return (HEADS.sub("", name) if found else "", int(found[1]) if found and len(found[1]) < 9 else 0, name)

        return sorted(names, key=order)


@dataclass
class TuneOperator:
    name: str
    points: list[TunePoint]
    curves: list[Curves]  # those with two points or more, the largest regret first


@dataclass
class TuneModel:
    document: dict
    operators: list[TuneOperator]

    @property
    def title(self) -> str:
        return (self.document.get("machine") or {}).get("gpu") or "unnamed GPU"

    @property
    def regrets(self) -> list[float]:
        return [p.regret for operator in self.operators for p in operator.points if p.regret is not None]


def build_tune(document: dict) -> TuneModel:
    operators = []
    for entry in document.get("operators") or []:
        points = [_tune_point(point) for point in entry.get("points") or []]
        operators.append(TuneOperator(entry["operator"], points, _curves(points)))
    return TuneModel(document, sorted(operators, key=lambda operator: operator.name))


def _tune_point(entry: dict) -> TunePoint:
    times = {v["name"]: finite(v.get("time_us")) for v in entry.get("variants") or []}
    times = {name: time for name, time in times.items() if time and 1e-6 < time < 1e12}
    limit = finite(entry.get("limit_us"))
    chosen, regret = entry.get("chosen") or "", finite(entry.get("regret"))
    if regret is None and chosen in times:
        regret = times[chosen] / min(times.values()) - 1
    return TunePoint(
        entry["name"], _axes(entry), chosen, regret, limit if limit and 1e-6 < limit < 1e12 else None, times
    )


def _axes(entry: dict) -> dict[str, str]:
    """Of the case's name; of the table's key where the name does not say a size."""
    axes = {}
    _, *parts = f"{entry['name']}/".split("/")
    if parts and parts[0] and "=" not in parts[0]:
        axes["type"] = parts[0]
    for word in ",".join(parts[1:] if axes else parts).split(","):
        axis, equals, value = word.partition("=")
        if equals and axis not in ("seed", "variant"):
            axes[axis] = value
    if any(axis in axes for axis in SIZE_AXES):
        return axes | ({"form": entry["form"]} if entry.get("form") else {})
    return {
        axis: str(value) for axis, value in (entry.get("key") or {}).items() if isinstance(value, (str, int, float))
    }


def _curves(points: list[TunePoint]) -> list[Curves]:
    groups: dict[tuple, Curves] = {}
    for point in points:
        for axis in SIZE_AXES:
            size = finite(point.axes.get(axis))
            if size is not None and 0 < size < 1e15 and point.times:
                rest = {name: value for name, value in point.axes.items() if name != axis}
                point.size = size
                fixed = ", ".join(
                    value if name in ("type", "form") else f"{name}={value}" for name, value in rest.items()
                )
                groups.setdefault((axis, fixed), Curves(axis, fixed)).points.append(point)
                break
    for group in groups.values():
        group.points.sort(key=lambda point: point.size)
    found = [group for group in groups.values() if len({point.size for point in group.points}) > 1]
    return sorted(found, key=lambda group: (-group.worst_regret, group.fixed))
