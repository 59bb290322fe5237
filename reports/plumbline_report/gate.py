"""What a page needs to know of one document of the regression gate."""

from dataclasses import dataclass

from .text import clip, finite, percent, plural

# The order in which a reader wants to see points, and how each verdict is coloured.
TONES = {"regressed": "bad", "inconclusive": "warn", "improved": "good", "pass": "none"}


@dataclass
class GatePoint:
    name: str
    verdict: str
    effect: float | None  # candidate over baseline, minus one
    lower: float | None
    upper: float | None
    detectable: float | None
    certified: bool | None
    processes: int | None
    baseline_us: float | None
    candidate_us: float | None
    variants: tuple[str, str]
    identical_code: bool | None
    note: str

    @property
    def tone(self) -> str:
        return TONES.get(self.verdict, "warn")

    @property
    def variant(self) -> str:
        before, after = self.variants
        return before if before == after else f"{before or '?'} \u2192 {after or '?'}"


@dataclass
class GateModel:
    document: dict
    points: list[GatePoint]  # regressed first, then by the size of the effect
    promised: float | None

    @property
    def machine(self) -> dict:
        return self.document.get("machine") or {}

    @property
    def title(self) -> str:
        return self.machine.get("gpu") or "unnamed GPU"

    @property
    def verdict(self) -> str:
        return self.document.get("verdict") or "unknown"

    def number(self, verdict: str) -> int:
        return sum(point.verdict == verdict for point in self.points)

    def build(self, which: str) -> str:
        found = self.document.get(which) or {}
        if isinstance(found, str):
            return found
        return found.get("library") or found.get("path") or found.get("digest") or ""


def build_gate(document: dict) -> GateModel:
    points = [_point(entry) for entry in document.get("points") or []]
    order = list(TONES)
    points.sort(key=lambda p: (order.index(p.verdict) if p.verdict in order else 1, -abs(p.effect or 0), p.name))
    return GateModel(document, points, finite(document.get("promised_effect")))


def _point(entry: dict) -> GatePoint:
    numbers = {
        key: finite(entry.get(key))
        for key in ("effect", "lower", "upper", "detectable", "baseline_us", "candidate_us")
    }
    return GatePoint(
        name=entry["name"],
        verdict=entry.get("verdict") or "unknown",
        certified=entry.get("certified"),
        processes=entry.get("processes"),
        variants=(entry.get("variant_baseline") or "", entry.get("variant_candidate") or ""),
        identical_code=entry.get("identical_code"),
        note=entry.get("note") or "",
        **numbers,
    )


def told(gate: GateModel) -> tuple[str, str, str]:
    """(tone, word, sentence) of one gate, for the verdict."""
    wanted = f"{plural(len(gate.points), 'point')} on {clip(gate.title, 80)}"
    failed = finite((gate.document.get("correctness") or {}).get("failed")) or 0
    if failed:
        return "bad", "wrong", f"Gate: {plural(int(failed), 'case')} failed the check that comes before speed."
    if not gate.points:
        return "warn", "nothing gated", "Gate: the document holds no points."
    regressed, unsure = gate.number("regressed"), gate.number("inconclusive")
    if regressed or gate.verdict == "regressed":
        worst = gate.points[0]
        return (
            "bad",
            "regressed",
            f"Gate: {regressed} of {wanted} slower than the baseline, the worst by {percent(worst.effect)}.",
        )
    promise = f"; effects of {percent(gate.promised)} or more would have been seen" if gate.promised else ""
    if unsure or gate.verdict not in ("pass", "improved"):
        return "warn", "inconclusive", f"Gate: {unsure} of {wanted} inconclusive, none regressed."
    better = gate.number("improved")
    return "good", "no regression", f"Gate: none of {wanted} regressed, {better} improved{promise}."
