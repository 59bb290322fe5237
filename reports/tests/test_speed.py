"""Google Benchmark's names, repetitions and failures."""

import pytest

from documents import bench_document
from plumbline_report import verdict
from plumbline_report.page import labels_of
from plumbline_report.speed import Shape, build_bench, identify, parse_name


@pytest.mark.parametrize(
    "entry, expected",
    [
        ({"name": "rope/bf16/T=1/cold"}, ("rope/bf16/T=1/cold", "")),
        ({"name": "rope/bf16/T=1/cold/manual_time"}, ("rope/bf16/T=1/cold", "")),
        ({"name": "rope/bf16/cold/iterations:5/repeats:3/manual_time"}, ("rope/bf16/cold", "")),
        ({"name": "rope/bf16/cold/manual_time_median"}, ("rope/bf16/cold", "median")),
        ({"name": "rope/bf16/variant=block_max", "run_type": "iteration"}, ("rope/bf16/variant=block_max", "")),
        (
            {
                "name": "a/manual_time_cv",
                "run_name": "a/manual_time",
                "aggregate_name": "cv",
                "run_type": "aggregate",
            },
            ("a", "cv"),
        ),
    ],
)
def test_names_lose_what_google_benchmark_appends(entry, expected):
    assert identify(entry) == expected


def test_a_name_becomes_shape_and_variant():
    shape, variant = parse_name(
        "qk_norm_rope/bf16/tokens=4096,hq=32,D=128/style=neox/seed=7/variant=d128_direct/cold"
    )
    assert variant == "d128_direct"
    assert shape == Shape(
        "qk_norm_rope", "bf16", (("tokens", "4096"), ("hq", "32"), ("D", "128"), ("style", "neox")), "cold"
    )
    assert parse_name("copy") == (Shape("copy", "", (), ""), "")


def entry(time, name="rope/bf16/T=1/variant=a/cold", **more):
    return {"name": name, "run_type": "iteration", "real_time": time, "time_unit": "us", **more}


def build(*entries):
    return build_bench({"context": {}, "benchmarks": list(entries)})


def test_repetitions_become_their_median():
    (point,) = build(entry(10.0), entry(30.0), entry(11.0)).points
    assert point.time_us == 11.0
    model = build_bench(bench_document(repetitions=5))
    assert len(model.points) == 28
    by_name = {point.name: point for point in model.points}
    point = by_name[
        "qk_norm_rope/bf16/tokens=4096,hq=32,hk=8,hv=8,D=128,rotary=128/seed=7/variant=d128_direct/cold"
    ]
    assert (point.time_us, point.limit_us, point.spread) == (
        25.0,
        22.6,
        0.004,
    )  # Google Benchmark's median, not its mean
    assert point.share == pytest.approx(0.904)


def test_units_and_a_share_that_was_not_written():
    (point,) = build(entry(0.002, time_unit="ms", limit_us=1.0)).points
    assert point.time_us == pytest.approx(2.0) and point.share == pytest.approx(0.5)
    (point,) = build(entry(5.0)).points
    assert point.limit_us is None and point.share is None


def test_what_gave_no_time_is_told_not_drawn(report):
    entries = [
        entry(5.0, "rope/bf16/T=1/variant=a", limit_us=0.0),
        {"name": "rope/bf16/T=2", "error_occurred": True, "error_message": "the launch failed"},
        {"name": "rope/bf16/T=3", "skipped": True, "skip_message": "needs TMA"},
        entry(float("nan"), "rope/bf16/T=4"),
        entry(0.0, "rope/bf16/T=5"),
        entry(1e308, "rope/bf16/T=6"),
    ]
    model = build(*entries)
    assert [point.name for point in model.points] == ["rope/bf16/T=1/variant=a"]
    assert model.unmeasured == [
        ("rope/bf16/T=2", "the launch failed"),
        ("rope/bf16/T=3", "needs TMA"),
        ("rope/bf16/T=4", "no time above zero was recorded"),
        ("rope/bf16/T=5", "no time above zero was recorded"),
        ("rope/bf16/T=6", "a time of 1e+308 µs is not credible"),
    ]
    words = report(None, {"context": {}, "benchmarks": entries}).words
    assert "5 benchmarks without a time" in words and "the launch failed" in words
    assert verdict.speed([model]).tone == "warn"


def test_fastest_variant_speaks_for_a_shape():
    model = build(entry(10.0, limit_us=5.0), entry(6.0, "rope/bf16/T=1/variant=b/cold", limit_us=5.0))
    (best,) = model.fastest.values()
    assert best.variant == "b"
    assert "0.83 of the memory limit in the median" in verdict.speed([model]).sentence


def test_labels_hold_what_differs():
    shapes = [Shape("rope", "bf16", (("T", size), ("D", "128")), "cold") for size in ("1", "2")]
    assert labels_of(shapes) == ("bf16 · D=128 · cold", ["T=1", "T=2"])
    assert labels_of(shapes[:1]) == ("bf16 · cold", ["T=1, D=128"])
    assert labels_of([shapes[0], Shape("rope", "fp32", shapes[0].axes, "hot")])[1] == ["bf16 · cold", "fp32 · hot"]


def test_documents_of_different_commits_are_told(report):
    one, other = bench_document(), bench_document(commit="ffff000")
    assert "different commits" in report(None, one, other).words
    short = bench_document(commit=one["context"]["commit"][:7])
    assert "different commits" not in report(None, one, short).words


def test_empty_bench(report):
    assert "holds no measured point" in report(None, {"context": {}, "benchmarks": []}).words
