"""What several sections need: lists cut at a stated length, figures with their captions, labels of shapes."""

from dataclasses import dataclass

from markupsafe import Markup

from .speed import Shape

MAX_ROWS = 500  # rows of one table
MAX_FIGURES = 24


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
class CaptionedFigure:
    anchor: str
    name: str
    note: str
    svg: Markup


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
