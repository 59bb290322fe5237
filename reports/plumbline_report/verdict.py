"""The first lines of a report: what the documents prove, what was not run and why, what contradicts what."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from .model import ALL, NO_VARIANT, PROVEN_WRONG, CheckModel
from .speed import BenchModel
from .text import clip, count, plural, share


@dataclass
class Verdict:
    tone: str  # good, warn, bad, none: how the line is coloured; `word` says the same in words
    word: str
    subject: str
    sentence: str
    section: str  # anchor


def correctness(check: CheckModel | None) -> Verdict:
    def verdict(tone: str, word: str, sentence: str) -> Verdict:
        return Verdict(tone, word, "Correctness", sentence, "correctness")

    if check is None:
        return verdict("none", "not checked", "No check document was given (--check).")
    if check.total == 0:
        return verdict("bad", "nothing ran", "The check document holds no cases, so nothing is proven.")
    states, differing = check.states, check.golden.get("differing", 0)
    wrong = sum(states[state] for state in PROVEN_WRONG)
    if wrong or differing:
        parts = [plural(states[state], "case") + f" {state}" for state in PROVEN_WRONG if states[state]]
        if differing:
            parts.append(f"{plural(differing, 'recorded GPU result')} not reproduced")
        return verdict("bad", "failed", f"{', '.join(parts)}, of {count(check.total)}.")
    if check.contradictions:
        return verdict("bad", "contradictory", "The check document disagrees with itself; see the notes below.")
    if not states["passed"]:
        return verdict(
            "bad",
            "nothing passed",
            f"None of {plural(check.total, 'case')} passed, none failed: nothing is proven.",
        )
    bits = _bits(check)
    if states["mistrusted"]:
        doubt = f"{plural(states['mistrusted'], 'case')} proved too little to be trusted."
        return verdict(
            "warn", "passed in part", f"{plural(states['passed'], 'case')} passed, none failed; {doubt} {bits}"
        )
    return verdict("good", "passed", f"All {plural(states['passed'], 'case')} that ran passed. {bits}")


def _bits(check: CheckModel) -> str:
    """What was equal bit for bit; the replay's equality with itself is not worth a word."""
    if check.on_replay:
        gpus, matched = ", ".join(check.golden.get("gpus", [])), check.golden.get("matched", 0)
        equal = f"; {count(matched)} gave the very bits that {clip(gpus, 120)} computed" if matched and gpus else ""
        return f"What ran is the replay, inside the oracle's bounds{equal}."
    differing = sum(tally.differing for tally in check.tallies)
    compared = sum(tally.compared for tally in check.tallies)
    return (
        f"{count(differing)} of {count(compared)} compared values differ in a bit from the replay."
        if compared
        else ""
    )


def speed(benches: list[BenchModel]) -> Verdict:
    def verdict(tone: str, word: str, sentence: str) -> Verdict:
        return Verdict(tone, word, "Speed", sentence, "speed")

    if not benches:
        return verdict("none", "not measured", "No benchmark document was given (--bench).")
    fastest = [point for bench in benches for point in bench.fastest.values()]
    if not fastest:
        return verdict("bad", "nothing ran", "The benchmark documents hold no measured point.")
    unmeasured = sum(len(bench.unmeasured) for bench in benches)
    failed = f" {plural(unmeasured, 'benchmark')} gave no time." if unmeasured else ""
    shares = [(point.share, point) for point in fastest if point.share is not None]
    machines = ", ".join(dict.fromkeys(bench.title for bench in benches))
    if not shares:
        sentence = f"{plural(len(fastest), 'shape')} on {machines}, none with a limit beside it.{failed}"
        return verdict("warn", "no limit", sentence)
    lowest, point = min(shares, key=lambda pair: pair[0])
    middle = median(value for value, _ in shares)
    sentence = (
        f"{plural(len(shares), 'shape')} on {clip(machines, 120)}: the fastest variant reaches {share(middle)} of "
        f"the memory limit in the median, {share(lowest)} at the least ({clip(point.name, 120)}).{failed}"
    )
    return verdict("warn" if unmeasured else "info", "measured", sentence)


def coverage(check: CheckModel | None) -> Verdict:
    def verdict(tone: str, word: str, sentence: str) -> Verdict:
        return Verdict(tone, word, "Coverage", sentence, "coverage")

    if check is None or check.total == 0:
        return verdict("none", "not known", "Without checked cases no path was covered.")
    cells = [(table.operator, name, table.cell(name, ALL)) for table in check.coverage for name in table.variants]
    pointers = len({(t.operator, pointer) for t in check.coverage for pointer, _ in t.columns if pointer})
    offsets = f"{plural(pointers, 'pointer')} moved off alignment" if pointers else "every pointer aligned"
    scope = f"{plural(len(check.coverage), 'operator')}, {offsets}"
    if check.on_replay:
        chosen = sum(1 for _, _, cell in cells if cell.chosen)
        how = (
            f"the selector chose {plural(chosen, 'variant')}, none was run"
            if chosen
            else "no variant of a library was run"
        )
        return verdict("none", "replay only", f"{scope}; {how}: the replay stood in for them.")
    served = [cell for _, _, cell in cells if cell.served]
    selected = sum(1 for cell in served if cell.selected)
    idle = [f"{operator} {name}" for operator, name, cell in cells if not cell.served]
    sentence = f"{scope}; {len(served)} of {plural(len(cells), 'variant')} served cases, {selected} by selection."
    if not idle:
        return verdict("good", "all paths", sentence)
    return verdict("warn", "paths missing", f"{sentence} Never run: {clip(', '.join(idle), 200)}.")


@dataclass
class Omission:
    what: str
    why: str


def not_run(check: CheckModel | None, benches: list[BenchModel]) -> list[Omission]:
    """What a reader could take for proven and was not."""
    found = [omission for look in CHECK_OMISSIONS if check for omission in look(check)]
    if check is None:
        found.append(Omission("Correctness", "no check document was given (--check)"))
    if not benches:
        found.append(Omission("Speed", "no benchmark document was given (--bench)"))
    for bench in benches:
        if bench.unmeasured:
            what = plural(len(bench.unmeasured), "benchmark")
            found.append(Omission(f"{what} on {bench.title}", clip(bench.unmeasured[0][1], 200)))
    return found


def _device(check: CheckModel):
    if check.on_replay:
        gpus, matched = ", ".join(check.golden.get("gpus", [])), check.golden.get("matched", 0)
        proof = (
            f"the replay was verified bit for bit against what {gpus} computed, in {plural(matched, 'case')}"
            if matched and gpus
            else "and no recorded GPU result was there to compare the replay with"
        )
        yield Omission("Kernels on a GPU", f"no GPU here; {proof}")
    if check.document.get("library") is None:
        yield Omission("Selection of variants", "no library of operators was opened")


def _golden(check: CheckModel):
    if absent := check.golden.get("absent", 0):
        yield Omission(f"Recorded bits of {plural(absent, 'case')}", "no GPU's result is recorded for them")


def _states(check: CheckModel):
    for state in ("skipped", "unsupported", "crashed"):
        if number := check.states[state]:
            reasons: Counter = Counter()
            for reason in check.reasons:
                if reason.state == state and reason.variant == NO_VARIANT:
                    reasons[reason.text] += reason.count
            more = f" (and {plural(len(reasons) - 1, 'other reason')})" if len(reasons) > 1 else ""
            why = clip(reasons.most_common(1)[0][0], 200) + more if reasons else "the worker that ran them died"
            yield Omission(f"{plural(number, 'case')} {state}", why)


def _tier(check: CheckModel):
    if check.document.get("tier") == "quick":
        yield Omission("The larger tiers", "this run checked the tier 'quick'")


CHECK_OMISSIONS: tuple[Callable, ...] = (_device, _golden, _states, _tier)


def notices(check: CheckModel | None, benches: list[BenchModel]) -> list[str]:
    """Contradictions within and between the documents."""
    found = list(check.contradictions) if check else []
    commits = [("the check", check.document.get("commit") or "")] if check else []
    commits += [(f"the benchmark on {bench.title}", bench.context.get("commit") or "") for bench in benches]
    known = [(who, clip(commit, 60)) for who, commit in commits if commit]
    if any(not _same_commit(one, other) for (_, one), (_, other) in combinations(known, 2)):
        told = ", ".join(f"{who} of {commit}" for who, commit in known)
        found.append(f"The documents are of different commits: {told}.")
    return found


def _same_commit(one: str, other: str) -> bool:
    """Abbreviated hashes compare by their common length."""
    return one.startswith(other) or other.startswith(one)
