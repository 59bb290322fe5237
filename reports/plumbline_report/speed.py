"""What a page needs to know of one Google Benchmark document: points, each a shape, a variant and a time."""

import re
from dataclasses import dataclass, field
from statistics import median

from .text import finite

MICROSECONDS = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}
SHORTEST, LONGEST = 1e-6, 1e12  # microseconds (and ratios) outside of these are no measurement
CACHE_STATES = ("cold", "hot")
# What Google Benchmark appends to a name, and aggregates' suffixes.
SUFFIX = re.compile(
    r"/(?:manual_time|real_time|process_time|(?:iterations|repeats|threads|min_time|min_warmup_time):[^/]*)$"
)
AGGREGATE = re.compile(r"_(mean|median|stddev|cv|min|max)$")


@dataclass(frozen=True)
class Shape:
    """What was run, whichever variant ran it."""

    operator: str
    dtype: str
    axes: tuple[tuple[str, str], ...]  # ("", word) for a part of the name that is no axis
    cache: str  # "cold", "hot" or ""

    def label(self, without: frozenset[tuple[str, str]] = frozenset()) -> str:
        parts = [f"{axis}={value}" if axis else value for axis, value in self.axes if (axis, value) not in without]
        return ", ".join(parts)


@dataclass
class Point:
    name: str  # as the benchmark calls it, without Google Benchmark's suffixes
    shape: Shape
    variant: str
    time_us: float
    limit_us: float | None
    gb_per_s: float | None
    share: float | None  # limit / time
    spread: float | None = None  # coefficient of variation over repetitions


@dataclass
class BenchModel:
    context: dict
    points: list[Point]
    unmeasured: list[tuple[str, str]]  # name, reason
    fastest: dict[Shape, Point] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.context.get("gpu") or "unnamed GPU"

    @property
    def operators(self) -> list[str]:
        return sorted({point.shape.operator for point in self.points})


def identify(entry: dict) -> tuple[str, str]:
    """(name without what Google Benchmark appends, aggregate or "")."""
    name, aggregate = entry["name"], ""
    if entry.get("run_type") != "iteration" and (found := AGGREGATE.search(name)):
        name, aggregate = name[: found.start()], found[1]
    aggregate = entry.get("aggregate_name", aggregate)
    name = entry.get("run_name", name)
    while suffix := SUFFIX.search(name):
        name = name[: suffix.start()]
    return name, aggregate


def parse_name(name: str) -> tuple[Shape, str]:
    """Shape and variant of `operator/dtype/axis=value,.../seed=7/variant=v/cold`; the seed is left out."""
    operator, dtype, *rest = f"{name}/".split("/")
    axes, variant, cache = [], "", ""
    for part in filter(None, rest):
        if part in CACHE_STATES:
            cache = part
            continue
        for word in part.split(","):
            axis, equals, value = word.partition("=")
            if axis == "variant" and equals:
                variant = value
            elif equals and axis != "seed":
                axes.append((axis, value))
            elif word and not equals:
                axes.append(("", word))
    return Shape(operator, dtype, tuple(axes), cache), variant


def short_name(name: str) -> str:
    """A benchmark's name for people: its seed is left out, spaces stand for slashes."""
    shape, variant = parse_name(name)
    return " ".join(filter(None, (shape.operator, shape.dtype, shape.label(), variant, shape.cache)))


def figure_label(name: str) -> str:
    """The same for a figure, where the end is cut off: what tells points apart stands first."""
    shape, variant = parse_name(name)
    return " ".join(filter(None, (shape.operator, shape.dtype, variant, shape.label())))


def build_bench(document: dict) -> BenchModel:
    """Repetitions become one point: their median, Google Benchmark's own where it wrote one."""
    runs: dict[str, dict[str, list[dict]]] = {}  # name -> aggregate or "" -> entries
    unmeasured: dict[str, str] = {}
    for entry in document["benchmarks"]:
        name, aggregate = identify(entry)
        if reason := _why_not(entry, aggregate):
            unmeasured.setdefault(name, reason)
            continue
        runs.setdefault(name, {}).setdefault(aggregate, []).append(entry)

    model = BenchModel(document["context"], [], [])
    for name, entries in runs.items():
        measured = entries.get("median") or entries.get("") or entries.get("mean")
        if not measured:
            unmeasured.setdefault(name, "only a spread was recorded, no time")
            continue
        shape, variant = parse_name(name)
        cv = finite(entries["cv"][0].get("real_time")) if "cv" in entries else None
        model.points.append(_point(name, shape, variant, measured, cv))
    for point in model.points:
        best = model.fastest.get(point.shape)
        if best is None or point.time_us < best.time_us:
            model.fastest[point.shape] = point
    model.unmeasured = sorted((name, why) for name, why in unmeasured.items() if name not in runs)
    return model


def _why_not(entry: dict, aggregate: str) -> str:
    if entry.get("error_occurred"):
        return entry.get("error_message") or "the benchmark reported an error"
    if entry.get("skipped"):
        return entry.get("skip_message") or "the benchmark was skipped"
    time = finite(entry.get("real_time"))
    if aggregate in ("stddev", "cv"):
        return ""
    if time is None or time <= 0:
        return "no time above zero was recorded"
    micros = time * MICROSECONDS[entry.get("time_unit", "ns")]
    return "" if SHORTEST <= micros <= LONGEST else f"a time of {micros:.3g} µs is not credible"


def _point(name: str, shape: Shape, variant: str, entries: list[dict], cv: float | None) -> Point:
    def middle(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return median(known) if known else None

    def positive(key: str) -> float | None:
        value = middle([finite(entry.get(key)) for entry in entries])
        return value if value is not None and SHORTEST <= value <= LONGEST else None

    time = middle([entry["real_time"] * MICROSECONDS[entry.get("time_unit", "ns")] for entry in entries])
    limit, share = positive("limit_us"), positive("share_of_limit")
    return Point(
        name=name,
        shape=shape,
        variant=variant,
        time_us=time,
        limit_us=limit,
        gb_per_s=positive("gb_per_s"),
        share=share if share is not None or limit is None else limit / time,
        spread=cv,
    )
