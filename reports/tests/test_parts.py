"""The parts beyond check and bench: counting by hand, and pages of any subset, partial, damaged or hostile."""

import copy
import json
import math
import random

import pytest

from conftest import Page
from documents import bench_document, check_document
from made_up import parts, series_names, tma_bench_document
from plumbline_report import figures_more, gate, history, paths, trend, trust, verdict
from plumbline_report.__main__ import main
from plumbline_report.kinds import KINDS
from plumbline_report.model import Histogram, build_check
from plumbline_report.page import render
from plumbline_report.report import build_report
from plumbline_report.speed import build_bench
from plumbline_report.text import percent
from test_page import HOSTILE, assert_sound

SCHEMA = {"schema": "plumbline.report/1"}


def report_of(**made) -> dict:
    """A report document of parts, those that may be several as lists."""
    return SCHEMA | {
        key: [part] if KINDS[key].many and isinstance(part, dict) else part for key, part in made.items()
    }


def whole() -> dict:
    return report_of(check=check_document(200), bench=[bench_document(), tma_bench_document()], **parts(8, 60))


def page_of(document: dict) -> Page:
    page = Page(render(document))
    assert_sound(page)
    return page


# --- pages -----------------------------------------------------------------------------------------------------


def test_a_page_of_everything_shows_every_section():
    page = page_of(whole())
    words = page.words
    assert "No " not in [sentence[:3] for sentence in words.split(". ") if "was given" in sentence]
    for anchor in (
        "correctness",
        "coverage",
        "cases",
        "tma",
        "tuning",
        "gate",
        "limits",
        "calibration",
        "movers",
        "trends",
        "mutants",
        "sanitizer",
        "fingerprint",
    ):
        assert any(attributes.get("id") == anchor for _, attributes in page.elements), anchor
    for sentence in (
        "15 of 27 (bounds alone)" if "15 of 27 (bounds alone)" in words else "bounds alone",
        "the SM clock fell from 1980 to 1755 MHz",
        "1 of 30 A/A gates",
        "made_up_mutant_4",
        "within ½ ulp",
    ):
        assert sentence in words


@pytest.mark.parametrize("key", [key for key in KINDS if key not in ("check", "bench")])
def test_each_part_alone_and_each_part_missing(key):
    made = parts(8, 60)
    alone = page_of(report_of(**{key: made[key]})).words
    assert f"no {key} document was given" not in alone
    answer = "No: look at speed" if key == "gate" else "Not known: correctness was not checked"
    assert answer in alone
    without = whole()
    del without[key]
    assert f"no {key} document was given (--{key}" in page_of(without).words


def test_an_empty_report_says_what_is_missing():
    words = page_of(dict(SCHEMA)).words
    for key in KINDS:
        if key not in ("check", "bench"):
            assert f"no {key} document was given" in words
    assert "No check document was given" in words and "not checked" in words


def shells() -> list:
    """Documents with nothing but their schema, with empty lists, and with the least that entries must have."""
    made = []
    for key, kind in KINDS.items():
        if key in ("check", "bench"):
            continue
        schema = {"schema": f"{kind.schema}/1"}
        made.append((key, schema))
        emptied = {name: [] for name, value in parts(2, 5)[key].items() if isinstance(value, list)}
        made.append((key, schema | emptied))
        made.append((key, schema | {name: None for name in parts(2, 5)[key] if name not in ("schema",)}))
    return [
        *made,
        ("gate", {"schema": "plumbline.gate/1", "points": [{"name": "a"}]}),
        ("history", {"schema": "plumbline.history/1", "runs": [{"id": 1}], "series": [{"name": "a"}]}),
        (
            "history",
            {
                "schema": "plumbline.history/1",
                "runs": [{"id": 1}],
                "series": [{"name": "a", "points": [{"run": 1, "ratio": 1.5}], "changes": [{"run": 1}]}],
            },
        ),
        (
            "history",
            {"schema": "plumbline.history/1", "series": [{"name": "a", "points": [{"run": 1, "ratio": 1.5}]}]},
        ),
        ("mutation", {"schema": "plumbline.mutation/1", "mutants": [{"name": "a"}], "scores": {"all": {}}}),
        ("tune", {"schema": "plumbline.tune/1", "operators": [{"operator": "a", "points": [{"name": "a"}]}]}),
        ("fingerprint", {"schema": "plumbline.fingerprint/1", "rows": [{"kernel": "a"}]}),
        ("sanitize", {"schema": "plumbline.sanitize/1", "tools": [{"tool": "memcheck"}]}),
        ("calibration", {"schema": "plumbline.calibration/1", "runs": [{}], "margins": {"a": {}}}),
    ]


@pytest.mark.parametrize("key, document", shells(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_document_with_little_in_it_gives_an_honest_page(tmp_path, write, key, document):
    output = tmp_path / "report.html"
    assert main([f"--{key}", str(write(document)), "--output", str(output)]) == 0
    assert_sound(Page(output.read_text("utf-8")))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_every_part_stays_text(tmp_path, write, text):
    """Every string of every part is replaced, those that have fixed words too."""

    def spoil(value, key=""):
        if isinstance(value, dict):
            return {name: spoil(part, name) for name, part in value.items()}
        if isinstance(value, list):
            return [spoil(part, key) for part in value]
        return text if isinstance(value, str) and key != "schema" else value

    made = {key: spoil(part) for key, part in parts(6, 30).items()}
    made["mutation"]["mutants"][0]["killed_by"] = {text: 3}
    made["fingerprint"]["rows"][0]["counts"] = {text: 3}
    made["calibration"]["margins"] = {text: {"width": 0.1}}
    document = report_of(**made) | {"not_run": [{"what": text, "why": text}]}
    output = tmp_path / "report.html"
    assert main(["--report", str(write(document)), "--output", str(output)]) == 0
    page = Page(output.read_text("utf-8"))
    assert_sound(page)
    if text.startswith(("<", '"', "'", "{", "$", "&")):
        assert text in page.words


def test_wild_numbers_do_no_harm(tmp_path, write):
    """Numbers at the ends of a double, NaN and infinity, wherever a schema allows a number."""
    rng = random.Random(3)

    def spoil(value):
        if isinstance(value, dict):
            return {name: spoil(part) for name, part in value.items()}
        if isinstance(value, list):
            return [spoil(part) for part in value]
        if isinstance(value, float) and rng.random() < 0.3:
            return rng.choice([1e308, -1e308, 1e-308, 0.0, -1.0, math.nan, math.inf, -math.inf])
        return value

    for _ in range(6):
        document = report_of(**{key: spoil(part) for key, part in parts(6, 30).items()})
        for key in ("gate", "calibration"):  # what the schema bounds
            part = document[key][0] if key == "gate" else document[key]
            part |= {"promised_effect": 0.02, "family_level": 0.001, "seconds": 1.0} if key == "gate" else {}
        document["calibration"] = parts(6, 30)["calibration"]
        output = tmp_path / "report.html"
        assert main(["--report", str(write(json.loads(json.dumps(document)))), "--output", str(output)]) == 0
        assert_sound(Page(output.read_text("utf-8")))


def test_a_page_is_a_function_of_the_report():
    assert render(whole()) == render(whole())


def test_anchors_of_points_do_not_depend_on_what_else_is_there():
    few, many = parts(8, 60), parts(16, 90)

    def anchors(made):
        return {a["id"] for _, a in page_of(report_of(**made)).elements if a.get("id", "").startswith("series-")}

    one = {a for a in anchors(few) if not a.endswith(("-title", "-desc", "-figure"))}
    other = anchors(many)
    assert len(one) == 8 and one <= other


# --- counting --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number, places", [(0, None), (5, None), (6, (0, 5)), (10, (1, 8)), (20, (5, 14))])
def test_median_intervals_are_those_of_the_tables(number, places):
    assert history.median_interval(number) == places


def test_median_intervals_hold_their_level():
    rng = random.Random(1)
    for number in (8, 31, 365):
        low, high = history.median_interval(number)
        held = 0
        for _ in range(2000):
            values = sorted(rng.gauss(0, 1) for _ in range(number))
            held += values[low] <= 0 <= values[high]
        assert held / 2000 > 0.94, number


def history_of(ratios, **more) -> history.HistoryModel:
    runs = [{"id": n, "date": f"2026-01-{n + 1:02d}T00:00:00Z", "commit": f"c{n}"} for n in range(len(ratios))]
    points = [{"run": n, "ratio": ratio} for n, ratio in enumerate(ratios) if ratio]
    return history.build_history({"runs": runs, "series": [{"name": "rope/bf16/T=1", "points": points, **more}]})


def test_segments_end_at_changes():
    model = history_of([2.0] * 8 + [4.0] * 6, changes=[{"run": 8, "effect": 1.0}])
    (series,) = model.series
    assert [(s.first, s.last, s.middle, s.low, s.high) for s in series.segments] == [
        (0, 7, 0.5, 0.5, 0.5),
        (8, 13, 0.25, 0.25, 0.25),
    ]
    assert series.changes[0].commits == ("c7", "c8") and model.movers[0][1].at == 8


def test_too_few_runs_are_compared_untested():
    (series,) = history_of([2.0] * 3 + [1.6]).series
    assert series.segments == [] and series.level == 1 / 1.6 and series.untested == pytest.approx(-0.2)
    assert history_of([2.0]).untested == [] and history_of([2.0] * 8).untested == []


def test_points_that_are_no_measurement_are_counted_and_left_out():
    model = history_of([2.0, 1e-9, math.inf, -1.0, 2.5])
    assert model.left_out == 3 and model.series[0].places == [0, 4]
    document = {"runs": [{"id": 1}], "series": [{"name": "a", "points": [{"run": 7, "ratio": 2}]}]}
    assert history.build_history(document).left_out == 1


def test_a_ratio_follows_from_time_and_limit():
    document = {"runs": [{"id": 1}], "series": [{"name": "a", "points": [{"run": 1, "time_us": 8, "limit_us": 2}]}]}
    assert history.build_history(document).series[0].shares == [0.25]


def test_the_trend_draws_what_the_series_holds():
    (series,) = history_of([2.0] * 10 + [2.5] * 10, changes=[{"run": 10, "effect": 0.25}], outliers=[3]).series
    runs = history_of([2.0] * 20).runs
    svg = trend.trend(series, runs, "x")
    line = svg.split('class="l" d="')[1].split('"')[0]
    frame = trend.frame_of(series, 20)
    assert line.startswith(f"M{trend.LEFT} {frame.y(0.5):.1f}".removesuffix(".0"))
    steps = line.split("l0 0")[1].split()
    assert len(steps) == 18 or line.count(" ") > 17  # the outlier is a circle, not a corner of the line
    assert svg.count("<circle") == 1 and "c10 +25.0" in svg
    # walking the relative steps ends where the last share is, within rounding
    numbers = [float(n) for n in _numbers(line.split("l0 0")[1])]
    y = frame.y(0.5) + sum(numbers[1::2])
    assert abs(y - frame.y(0.4)) < 0.2


def _numbers(path: str) -> list[str]:
    import re

    return re.findall(r"-?(?:\d+\.?\d*|\.\d+)", path)


def test_gate_tells_its_worst_first():
    model = gate.build_gate(parts()["gate"])
    assert [point.verdict for point in model.points[:4]] == ["regressed", "regressed", "inconclusive", "improved"]
    assert gate.told(model)[:2] == ("bad", "regressed")
    points = [{"name": "a", "verdict": "pass", "effect": 0.001}]
    assert gate.told(gate.build_gate({"verdict": "pass", "points": points}))[0] == "good"
    assert gate.told(gate.build_gate({"verdict": "pass", "points": []}))[0] == "warn"
    assert gate.told(gate.build_gate({"points": points}))[0] == "warn"  # a document without a verdict is not green
    failed = {"verdict": "pass", "points": points, "correctness": {"failed": 1}}
    assert gate.told(gate.build_gate(failed))[0] == "bad"


def test_mutants_that_survive_come_first_and_colour_the_verdict():
    model = trust.build_mutation(parts()["mutation"])
    assert model.mutants[0].name == "made_up_mutant_4" and model.mutants[0].status == "survived"
    line = verdict.trust(build_report(report_of(mutation=parts()["mutation"])))
    assert (
        line.tone == "warn" and "26 of 27 mutants killed" in line.sentence and "made_up_mutant_4" in line.sentence
    )
    killed = copy.deepcopy(parts()["mutation"])
    killed["mutants"] = [m for m in killed["mutants"] if m["status"] == "killed"]
    assert verdict.trust(build_report(report_of(mutation=killed))).tone == "good"
    nothing = {"schema": "plumbline.mutation/1", "mutants": []}
    assert verdict.trust(build_report(report_of(mutation=nothing))).tone == "warn"


def test_sanitizer_findings_and_gaps_are_never_green():
    def tone(**change):
        tool = {"tool": "memcheck", "findings": 0, "cases": 10, "answered": 10, "failed": 0} | change
        return trust.sanitizer_tools({"tools": [tool]})[0].tone

    assert tone() == "good"
    assert tone(findings=1) == tone(failed=1) == "bad"
    assert tone(answered=9) == tone(findings=None) == "warn"


def test_the_answer_is_yes_only_when_every_line_is():
    good = report_of(check=check_document(60, trouble=False), bench=bench_document(), sanitize=parts()["sanitize"])
    tone, answer = verdict.is_the_wall_true(verdict.lines(build_report(good)))
    assert tone == "good", answer
    for change in (
        {"check": []},
        {"check": [check_document(60)]},
        {"gate": [parts()["gate"]]},
        {"mutation": [parts()["mutation"]]},
    ):
        tone, answer = verdict.is_the_wall_true(verdict.lines(build_report(good | change)))
        assert tone in ("bad", "warn", "none") and answer != "Yes", change


def test_several_checks_are_told_apart_and_the_worst_one_speaks():
    document = report_of(check=[check_document(40, "replay", trouble=False), check_document(40)])
    line = verdict.lines(build_report(document))[0]
    assert line.tone == "bad" and "replay, no GPU, quick, 2026-11-22:" in line.sentence
    words = page_of(document).words
    assert "NVIDIA H200, quick, 2026-11-22" in words


def test_tma_pairs_share_everything_but_the_setting():
    table = paths.tma_table(build_bench(tma_bench_document()), [])
    assert table.precisions == ["ieee", "tf32x3", "tf32"] and len(table.rows) == 10
    shape, cells = table.rows[0]
    assert "tma" not in dict(shape.axes) and len(cells) == 3
    cell = cells["ieee"]
    assert cell.ratio == cell.on.time_us / cell.off.time_us and cell.on.variant == "tma"
    assert paths.tma_table(build_bench(bench_document()), []) is None


def test_bit_equality_is_of_the_tma_variants_alone():
    def case(precision, **tma):
        variants = [{"name": "vec16", "state": "passed", "differing": 5}, {"name": "tma", "state": "passed"} | tma]
        return {
            "name": "a",
            "operator": "solve_tril",
            "dtype": "bf16",
            "axes": {"precision": precision},
            "state": "passed",
            "variants": variants,
        }

    cases = [
        case("ieee", differing=0),
        case("ieee", differing=2),
        case("tf32", failed_checks=["bits"]),
        case("tf32x3", state="unsupported"),
    ]
    check = build_check({"device": {"kind": "cuda"}, "cases": cases})
    found = paths.bit_equality([check], {"solve_tril"})
    assert {key: (value.cases, value.differing) for key, value in found.items()} == {"ieee": (2, 1), "tf32": (1, 1)}


def test_curves_run_along_the_size():
    model = paths.build_tune(parts()["tune"])
    (operator,) = model.operators
    assert len(operator.curves) == 6 and all(len(group.points) == 7 for group in operator.curves)
    group = next(group for group in operator.curves if "D=128" in group.fixed and "bf16" in group.fixed)
    assert group.variants == ["d128_direct", "d128_staged_h1", "d128_staged_h2", "d128_staged_h4", "d128_staged_h8"]
    assert [point.size for point in group.points] == sorted(point.size for point in group.points)
    regrets = [operator.curves[i].worst_regret for i in range(6)]
    assert regrets == sorted(regrets, reverse=True)


def test_curves_keep_what_was_chosen_and_the_heads_per_warp():
    names = [f"d64_staged_h{heads}" for heads in (1, 2, 4, 8)] + [f"v{n}" for n in range(9)]
    points = [paths.TunePoint("a", {}, "v8", 0.0, 1.0, {n: 1.0 + i for i, n in enumerate(reversed(names))}, 1.0)]
    curves = paths.Curves("tokens", "", points)
    kept = figures_more.most_telling_variants(curves)
    assert set(kept) == {*names[:4], "v8", "v7"}  # v8 was chosen, v7 is the next fastest


def test_labels_of_sizes_do_not_touch():
    assert figures_more.apart([1, 16, 64, 256, 1024, 4096, 8192]) == [1, 16, 64, 256, 1024, 8192]
    assert figures_more.apart([7]) == [7] and figures_more.apart([1, 2]) == [1, 2]


def test_regret_follows_from_the_times_where_it_is_not_written():
    point = {
        "name": "rope/bf16/tokens=1",
        "chosen": "b",
        "variants": [{"name": "a", "time_us": 2.0}, {"name": "b", "time_us": 2.2}],
    }
    (operator,) = paths.build_tune({"operators": [{"operator": "rope", "points": [point]}]}).operators
    assert operator.points[0].regret == pytest.approx(0.1) and operator.points[0].fastest == "a"


def test_histograms_add_up_by_type_and_precision():
    def case(counts, precision):
        variant = {"name": "a", "state": "passed", "ulp_histogram": counts}
        return {
            "name": "n",
            "operator": "o",
            "dtype": "bf16",
            "axes": {"precision": precision} if precision else {},
            "state": "passed",
            "variants": [variant, variant],
        }

    cases = [case([1, 2], ""), case([1, 0, 0, 0, 4], ""), case([7], "tf32"), case(None, "")]
    check = build_check({"device": {"kind": "cuda"}, "cases": cases})
    assert [(h.precision, h.counts[:5], h.total) for h in check.histograms] == [
        ("", [4, 4, 0, 0, 8], 16),
        ("tf32", [14, 0, 0, 0, 0], 14),
    ]
    histogram = Histogram("o", "bf16", "", [1] * 12)
    assert histogram.within(0.5) == 4 and histogram.within(1024) == 11
    histogram.add([0] * 20 + [5])  # a later version's longer tail
    assert histogram.counts[-1] == 6


def test_a_cell_that_fell_back_says_so():
    def case(reason):
        return {
            "name": "a",
            "operator": "rope",
            "dtype": "bf16",
            "axes": {"offset.q": "2"},
            "state": "passed",
            "selected": "scalar",
            "variants": [
                {"name": "scalar", "state": "passed"},
                {"name": "vec16", "state": "unsupported", "reason": reason},
            ],
        }

    for reason, number in (("vec16: q has the address 0x12, no multiple of 16", 1), ("vec16: D is 72", 0)):
        check = build_check({"device": {"kind": "cuda"}, "cases": [case(reason)]})
        assert check.coverage[0].cells["scalar", ("q", "2")].fell_back == number


def test_percents_for_people():
    values = [0, 0.0123, -0.0004, 0.000001, 12.5, None]
    assert [percent(v, signed=True) for v in values] == [
        "0\u202f%",
        "+1.23\u202f%",
        "\u22120.04\u202f%",
        "+0.0001\u202f%",
        "+1,250\u202f%",
        "–",
    ]


def test_fingerprint_puts_spills_first():
    model = trust.build_fingerprint(parts()["fingerprint"])
    assert model.kernels[0].spills == 40 and model.spilling == 1
    assert model.columns == ["ldg128", "stg128", "lds128", "sts128", "bulk_copy", "cp_async", "tensor", "local"]


def test_names_of_series_are_made_up_in_the_grammar_of_cases():
    assert len(set(series_names(300))) == 300
