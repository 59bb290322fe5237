"""The palette: contrast (WCAG 2.1 AA) in light, dark and print, and colours that stay apart for everybody."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from plumbline_report.svg import INK

CSS = (Path(__file__).resolve().parents[1] / "plumbline_report/templates/report.css").read_text("utf-8")
TEXTS = ("text", "muted", "accent", "good", "warn", "bad")
SURFACES = ("page", "panel", "soft")
SERIES = ("s1", "s2", "s3", "s4", "s5", "s6")


def palettes() -> dict[str, dict[str, str]]:
    """The variables of each :root block, in the order of the file: light, dark, print."""
    blocks = re.findall(r":root\s*{([^}]*)}", CSS)
    assert len(blocks) == 3
    found = [dict(re.findall(r"--(\w+):\s*(#[0-9a-f]{3,6});", block)) for block in blocks]
    return dict(zip(("light", "dark", "print"), found, strict=True))


PALETTES = palettes()


def rgb(color: str) -> tuple[float, ...]:
    digits = color[1:] if len(color) == 7 else "".join(c * 2 for c in color[1:])
    return tuple(int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))


def linear(color) -> tuple[float, ...]:
    return tuple(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in color)


def contrast(one, other) -> float:
    def light(color) -> float:
        r, g, b = linear(color)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05

    return max(light(one), light(other)) / min(light(one), light(other))


def mixed(one: str, percent: float, other: str) -> tuple[float, ...]:
    """color-mix(in srgb, one percent%, other)"""
    return tuple(a * percent / 100 + b * (1 - percent / 100) for a, b in zip(rgb(one), rgb(other), strict=True))


def test_contrast_of_black_on_white_is_21():
    assert contrast(rgb("#000"), rgb("#ffffff")) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#fff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", PALETTES)
def test_text_reaches_aa_on_every_surface(name):
    palette = PALETTES[name]
    for text in TEXTS:
        for surface in SURFACES:
            assert contrast(rgb(palette[text]), rgb(palette[surface])) >= 4.5, (text, surface)


@pytest.mark.parametrize("name", PALETTES)
def test_text_reaches_aa_on_shaded_cells(name):
    """The darkest shades that the style sheet and the sections use."""
    palette = PALETTES[name]
    for shade, percent in (("accent", 42), ("accent", 13), ("accent", 16), ("warn", 30), ("s1", 44), ("s2", 44)):
        assert contrast(rgb(palette["text"]), mixed(palette[shade], percent, palette["panel"])) >= 4.5, shade
    assert contrast(rgb(palette["page"]), rgb(palette["accent"])) >= 4.5  # a selected cell


@pytest.mark.parametrize("name", PALETTES)
def test_lines_and_marks_reach_three_to_one(name):
    palette = PALETTES[name]
    for color in (*SERIES, *TEXTS):
        assert contrast(rgb(palette[color]), rgb(palette["panel"])) >= 3, color


# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}


def lab(color) -> tuple[float, float, float]:
    r, g, b = color
    x, y, z = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("sight", ["usual", *BLINDNESS])
def test_series_stay_apart(name, sight):
    """CIE76 distances; a difference of 2 is just seen. Markers tell the same again."""
    seen = {}
    for color in SERIES:
        value = linear(rgb(PALETTES[name][color]))
        if sight != "usual":
            value = tuple(max(0.0, sum(m * v for m, v in zip(row, value, strict=True))) for row in BLINDNESS[sight])
        seen[color] = lab(value)
    for one, other in combinations(SERIES, 2):
        distance = sum((a - b) ** 2 for a, b in zip(seen[one], seen[other], strict=True)) ** 0.5
        assert distance > 20, (one, other, distance)


def test_every_ink_is_a_variable_of_every_palette():
    for variable in INK.values():
        name = variable.removeprefix("var(--").removesuffix(")")
        assert all(name in palette for palette in PALETTES.values())
