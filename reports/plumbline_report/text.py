"""Words and numbers: cleaning text that comes from documents, numbers for people, stable anchors."""

import hashlib
import math
import re
from typing import Any

# What must not reach a page or an SVG: control characters, lone surrogates, non-characters, and the characters that
# reorder the text around them (a hostile name could otherwise read as another one).
UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
STANDALONE_NUMBER = re.compile(r"\b0x[0-9a-fA-F]+\b|(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.]*\w)")
NONE = "\u2013"
LONGEST_SLUG = 110  # long enough for the names of most cases


def clean(text: str) -> str:
    return UNWANTED.sub("\ufffd", text)


def clean_document(value: Any) -> Any:
    """The document with every string cleaned, keys too; the containers are changed in place."""
    if isinstance(value, str):
        return clean(value) if UNWANTED.search(value) else value
    if isinstance(value, list):
        for index, part in enumerate(value):
            if not isinstance(part, (int, float)):
                value[index] = clean_document(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if isinstance(part, (str, list, dict)):
                value[key] = clean_document(part)
        if any(UNWANTED.search(key) for key in value):
            return {clean(key): part for key, part in value.items()}
    return value


def shown(text: str, quoted: bool = True, limit: int = 80) -> str:
    """Text for an error message: one line, not long."""
    line = clip(" ".join(clean(text).split()), limit)
    return f"'{line}'" if quoted else line


def clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"


def kind_of_reason(reason: str) -> str:
    """Reasons that differ only in numbers standing alone are of one kind ('vec16' keeps its number)."""
    return STANDALONE_NUMBER.sub("#", reason)


def slug(*parts: str) -> str:
    """An anchor: ASCII letters, digits and dashes; a long one ends in a digest of what was cut."""
    whole = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-") or "x"
    if len(whole) <= LONGEST_SLUG:
        return whole
    return f"{whole[: LONGEST_SLUG - 9]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


class Anchors:
    """Hands out ids that are unique within one page; the same names in the same order give the same ids."""

    def __init__(self, reserved: tuple[str, ...] = ()):
        self._taken = set(reserved)

    def new(self, *parts: str) -> str:
        base = name = slug(*parts)
        count = 1
        while name in self._taken:
            count += 1
            name = f"{base}-{count}"
        self._taken.add(name)
        return name


def finite(value: Any) -> float | None:
    """The number, or None for what is not one (absent, infinite, NaN, beyond a double)."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def count(value: int) -> str:
    return f"{value:,}"


def significant(value: float | None, digits: int = 3) -> str:
    """Three significant digits without an exponent where that stays readable: 0.0123, 4.56, 12,300."""
    if value is None:
        return NONE
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if not -3 <= exponent < 7:
        return f"{value:.{digits - 1}e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{round(value, digits - 1 - exponent):,.{max(0, digits - 1 - exponent)}f}"


def share(value: float | None) -> str:
    """A ratio with two decimals; one that is not 0 is never shown as 0, one above 1 never as 1."""
    if value is None:
        return NONE
    if value == 0 or 0.005 <= abs(value) < 1000:
        text = f"{value:.2f}"
        return significant(value, 5) if text == "1.00" and value > 1 else text
    return significant(value)


def percent(value: float | None, signed: bool = False, digits: int = 2) -> str:
    """A ratio minus one as percent: 0.0123 is 1.23 %; a value that is not 0 is never shown as 0."""
    if value is None:
        return NONE
    hundredths = value * 100
    if value == 0:
        text = "0"
    elif not math.isfinite(hundredths):
        text = f"{significant(value)} \u00d7 100"
    elif abs(hundredths) >= 10.0**-digits:
        text = f"{hundredths:,.{digits}f}" if abs(hundredths) < 100 else significant(hundredths)
    else:
        text = f"{hundredths:.1g}"
    return ("+" if signed and value > 0 else "") + text.replace("-", "\u2212") + "\u202f%"


def day(date: str | None) -> str:
    """The day of an ISO date, or the text itself."""
    found = re.match(r"\d{4}-\d\d-\d\d(?=[T ]|$)", date or "")
    return found[0] if found else clip(date or "", 30)


def plural(number: int, one: str, many: str = "") -> str:
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
