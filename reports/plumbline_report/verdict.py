"""The first lines of a report: what the documents prove, what was not run and why, what contradicts what."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from . import gate as gates_of
from .gate import GateModel
from .kinds import KINDS
from .model import ALL, NO_VARIANT, PROVEN_WRONG, CheckModel
from .report import Report
from .speed import BenchModel
from .text import clip, count, percent, plural, share


@dataclass
class Verdict:
    tone: str  # good, warn, bad, none: how the line is coloured; `word` says the same in words
    word: str
    subject: str
    sentence: str
    section: str  # anchor


# Which tone speaks for several lines: the worst news first; what was not looked at says least.
LOUDEST = ("bad", "warn", "good", "info", "none")


def lines(report: Report) -> list[Verdict]:
    """One line each for correctness, speed, coverage and what makes them worth something."""
    titled = [("", check) for check in report.checks] if len(report.checks) == 1 else None
    titled = titled or [(f"{check.title}: ", check) for check in report.checks] or [("", None)]
    return [
        combined([(title, correctness(check)) for title, check in titled]),
        speed(report.benches, report.gates),
        combined([(title, coverage(check)) for title, check in titled]),
        trust(report),
    ]


def combined(parts: list[tuple[str, Verdict]]) -> Verdict:
    """One line for several documents of a kind."""
    if len(parts) == 1:
        return parts[0][1]
    loudest = min((line for _, line in parts), key=lambda line: LOUDEST.index(line.tone))
    sentence = " ".join(f"{title}{line.sentence}" for title, line in parts)
    return Verdict(loudest.tone, loudest.word, loudest.subject, sentence, loudest.section)


def is_the_wall_true(told: list[Verdict]) -> tuple[str, str]:
    """(tone, answer) to the question that a report is opened with."""
    by_subject = {line.subject: line.tone for line in told}
    if wrong := [line.subject.lower() for line in told if line.tone == "bad"]:
        return "bad", f"No: look at {' and '.join(wrong)}"
    if by_subject["Correctness"] == "none":
        return "none", "Not known: correctness was not checked"
    if doubt := [line.subject.lower() for line in told if line.tone == "warn"]:
        return "warn", f"As far as checked, yes; open questions in {' and '.join(doubt)}"
    if unseen := [line.subject.lower() for line in told if line.tone == "none"]:
        return "good", f"Yes, as far as checked; nothing is known of {' and '.join(unseen)}"
    return "good", "Yes"


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


def speed(benches: list[BenchModel], gates: list[GateModel] | None = None) -> Verdict:
    measured = _measured(benches)
    if not gates:
        return measured
    told = [gates_of.told(gate) for gate in gates]
    tone, word, _ = min(told, key=lambda one: LOUDEST.index(one[0]))
    if LOUDEST.index(measured.tone) < LOUDEST.index(tone):
        tone, word = measured.tone, measured.word
    parts = [sentence for _, _, sentence in told] + ([measured.sentence] if benches else [])
    return Verdict(tone, word, "Speed", " ".join(parts), "speed")


def _measured(benches: list[BenchModel]) -> Verdict:
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


def trust(report: Report) -> Verdict:
    """Whether a fault would have been seen: mutants, the sanitizer, false alarms."""
    found: list[tuple[str, str, str]] = []  # tone, word, sentence
    for mutation in report.mutations:
        killed, survived = mutation.statuses["killed"], mutation.statuses["survived"]
        if not killed + survived:
            found.append(("warn", "nothing tried", f"No mutant ran on {clip(mutation.title, 80)}."))
            continue
        names = f" ({clip(', '.join(m.name for m in mutation.survivors), 160)} survived)" if survived else ""
        sentence = f"{killed} of {plural(killed + survived, 'mutant')} killed on {clip(mutation.title, 80)}{names}."
        found.append(("warn", "mutants survive", sentence) if survived else ("good", "mutants killed", sentence))
    if report.sanitizer:
        findings = sum((tool.findings or 0) + (tool.failed or 0) for tool in report.sanitizer)
        worst = min((tool.tone for tool in report.sanitizer), key=LOUDEST.index)
        tools = plural(len(report.sanitizer), "tool")
        sentence = f"compute-sanitizer: {plural(findings, 'finding')} in {tools}."
        found.append((worst, {"bad": "findings", "warn": "incomplete"}.get(worst, "clean"), sentence))
    if report.calibration and report.calibration.gates:
        record = report.calibration
        most = f", at most {percent(record.upper, digits=1)} at 95%" if record.upper is not None else ""
        sentence = f"{record.false_alarms or 0} of {plural(record.gates, 'A/A gate')} raised a false alarm{most}."
        found.append(("info", "calibrated", sentence))
    if report.fingerprint and report.fingerprint.spilling:
        found.append(("info", "recorded", f"{plural(report.fingerprint.spilling, 'kernel')} spill registers."))
    if not found:
        return Verdict("none", "not known", "Trust", "No mutants, sanitizer or A/A gates were given.", "trust")
    tone, word, _ = min(found, key=lambda one: LOUDEST.index(one[0]))
    return Verdict(tone, word, "Trust", " ".join(sentence for _, _, sentence in found), "trust")


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


# What each kind of document would have told.
MEANING = {
    "gate": "Comparison with a baseline",
    "calibration": "False alarms of the gate",
    "history": "Trends over time",
    "mutation": "Whether the checks find faults",
    "tune": "The selector's regret",
    "fingerprint": "Registers, spills and instructions",
    "sanitize": "Memory and race sanitizers",
}


def all_not_run(report: Report) -> list[Omission]:
    """As the document says, then what its checks and benchmarks show, then the kinds that are absent."""
    found = [
        Omission(clip(entry["what"], 200), clip(entry["why"], 400)) for entry in report.document.get("not_run", [])
    ]
    for check in report.checks or [None]:
        found += not_run(check, report.benches)
    for mutation in report.mutations:
        idle = [mutant for mutant in mutation.mutants if mutant.status in ("not run", "not expressible")]
        if idle:
            why = clip(idle[0].reason or idle[0].status, 200)
            more = f" (and {len(idle) - 1:,} more)" if len(idle) > 1 else ""
            found.append(Omission(f"{plural(len(idle), 'mutant')} on {clip(mutation.title, 80)}", why + more))
    found += [
        Omission(MEANING[key], f"no {key} document was given (--{key}, from {KINDS[key].command})")
        for key in report.absent
        if key in MEANING
    ]
    return list({(one.what, one.why): one for one in found}.values())


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
        held = check.golden.get("gpus")  # none: a run that is itself recorded, or the first of its kind
        why = "no GPU's result is recorded for them" if held else "this run was held against no recorded one"
        yield Omission(f"Recorded bits of {plural(absent, 'case')}", why)


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


def notices(checks: list[CheckModel], benches: list[BenchModel]) -> list[str]:
    """Contradictions within and between the documents."""
    found = [contradiction for check in checks for contradiction in check.contradictions]
    commits = [
        ("the check" if len(checks) == 1 else f"the check ({check.title})", check.document.get("commit") or "")
        for check in checks
    ]
    commits += [(f"the benchmark on {bench.title}", bench.context.get("commit") or "") for bench in benches]
    known = [(who, clip(commit, 60)) for who, commit in commits if commit]
    if any(not _same_commit(one, other) for (_, one), (_, other) in combinations(known, 2)):
        told = ", ".join(dict.fromkeys(f"{who} of {commit}" for who, commit in known))
        found.append(f"The documents are of different commits: {told}.")
    return found


def _same_commit(one: str, other: str) -> bool:
    """Abbreviated hashes compare by their common length."""
    return one.startswith(other) or other.startswith(one)
