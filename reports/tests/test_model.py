"""Counting: small documents with counts worked out by hand."""

from documents import check_document
from plumbline_report import verdict
from plumbline_report.figures import log_ticks, worst_by_dtype
from plumbline_report.model import ALIGNED, ALL, Tally, build_check, columns_of, spread
from plumbline_report.text import Anchors, kind_of_reason, share, significant


def variant(name, state="passed", worst=0.5, **more):
    return {"name": name, "state": state, "worst": worst, "differing": 0, "compared": 10, "bias": 0.0, **more}


def case(name, state="passed", variants=(), **more):
    return {
        "name": name,
        "operator": "rope",
        "dtype": "bf16",
        "axes": {},
        "state": state,
        "variants": list(variants),
        **more,
    }


def document(*cases, **more):
    return {"schema": "plumbline.check/1", "device": {"kind": "cuda"}, "library": {}, "cases": list(cases), **more}


def test_tallies_keep_the_worst_of_each_variant():
    check = build_check(
        document(
            case(
                "a",
                variants=[variant("scalar", worst=0.4, bias=0.001), variant("vec16", worst=0.7, differing=2)],
                blind_spot=0.01,
            ),
            case(
                "b",
                variants=[
                    variant("scalar", worst=0.6, bias=-0.003),
                    variant("vec16", "unsupported", None, reason="no"),
                ],
                blind_spot=0.2,
            ),
            case("c", "failed", [variant("scalar", "failed", None, failed_checks=["bound"])]),
            case("d", "skipped", reason="one device"),
        )
    )
    none, scalar, vec16 = check.tallies
    assert (none.variant, none.ran, none.cases["skipped"]) == ("", 1, 1)
    assert (scalar.ran, scalar.failed, scalar.refused, scalar.worst, scalar.beyond) == (3, 1, 0, 0.6, True)
    assert (scalar.bias, scalar.blind_spot, scalar.compared) == (-0.003, 0.2, 30)
    assert (vec16.ran, vec16.refused, vec16.worst, vec16.differing) == (1, 1, 0.7, 2)
    assert worst_by_dtype(check.tallies)["bf16"] is scalar  # a NaN is worse than any number


def test_reasons_that_differ_in_numbers_are_one():
    refusal = [variant("vec16", "unsupported", reason=f"row of {n} bytes is no multiple of 16") for n in (6, 12)]
    check = build_check(
        document(
            case("a", "mistrusted", [variant("scalar"), refusal[0]], reason="90 of 100 are zero"),
            case("b", "mistrusted", [variant("scalar"), refusal[1]], reason="80 of 100 are zero"),
            case("c", "skipped", reason=""),
        )
    )
    assert [(r.state, r.variant, r.text, r.count, r.several) for r in check.reasons] == [
        ("mistrusted", "", "90 of 100 are zero", 2, True),
        ("unsupported", "vec16", "row of 6 bytes is no multiple of 16", 2, True),
        ("skipped", "", "no reason given", 1, False),
    ]
    assert kind_of_reason("vec16 needs 16 bytes, not 2.5e3.") == "vec16 needs # bytes, not #."
    assert (
        kind_of_reason("q has the address 0x7f12Ab0, no multiple of 16") == "q has the address #, no multiple of #"
    )


def test_coverage_counts_a_case_under_each_moved_pointer():
    variants = [variant("scalar"), variant("vec16", "unsupported")]
    check = build_check(
        document(
            case(
                "a",
                variants=[variant("scalar"), variant("vec16")],
                selected="vec16",
                axes={"offset.q": "0", "rows": "3"},
            ),
            case("b", variants=variants, selected="scalar", axes={"offset.q": "2", "offset.k": "16"}),
        )
    )
    (table,) = check.coverage
    assert table.columns == {ALL: 2, ALIGNED: 1, ("q", "2"): 1, ("k", "16"): 1}
    cell = table.cells["scalar", ALL]
    assert (cell.selected, cell.served, cell.refused, cell.chosen) == (1, 2, 0, 0)
    assert table.cells["vec16", ("q", "2")].refused == table.cells["vec16", ("k", "16")].refused == 1
    assert table.cells["vec16", ALIGNED].selected == 1
    assert columns_of({}) == [ALL, ALIGNED]


def test_a_choice_that_did_not_run_is_not_called_served():
    check = build_check(
        document(case("a", variants=[variant("replay")], selected="vec16"), device={"kind": "replay"})
    )
    assert check.coverage[0].cells["vec16", ALL].chosen == 1 and check.coverage[0].cells["vec16", ALL].served == 0
    line = verdict.coverage(check)
    assert line.tone == "none" and "the selector chose 1 variant, none was run" in line.sentence


def test_spread_lets_no_operator_or_state_hide_another():
    cases = [case(f"f{i}", "failed") for i in range(500)] + [
        case("m", "mistrusted"),
        case("o", "failed") | {"operator": "other"},
    ]
    taken = [c["name"] for c in spread(cases, 5)]
    assert {"m", "o"} <= set(taken) and len(taken) == 5
    assert taken == [c["name"] for c in cases if c["name"] in taken]
    assert len(spread(cases[:3], 5)) == 3


def tone(*cases, **more):
    return verdict.correctness(build_check(document(*cases, **more))).tone


def test_verdict_is_never_green_by_accident():
    good = case("a", variants=[variant("scalar")])
    assert tone(good) == "good"
    assert tone() == "bad"
    assert tone(case("a", "skipped")) == "bad"
    assert tone(good, case("b", "mistrusted", [variant("scalar")])) == "warn"
    assert tone(good, case("b", "failed")) == tone(good, case("b", "crashed")) == "bad"
    assert tone(good, golden={"gpus": ["H200"], "differing": 1}) == "bad"
    assert tone(good, summary={"passed": 1, "failed": 1}) == "bad"
    assert tone(case("a", variants=[variant("scalar", worst=1.5)])) == "bad"
    assert tone(case("a", variants=[variant("scalar", "failed")])) == "bad"
    assert tone(case("a", variants=[variant("scalar", "unsupported")])) == "bad"
    assert tone(case("a", variants=[variant("scalar")], golden="differs")) == "bad"
    assert verdict.correctness(None).tone == "none"


def test_a_consistent_document_raises_no_notice():
    for device in ("cuda", "replay"):
        assert verdict.notices([build_check(check_document(900, device))], []) == []


def test_a_variant_that_never_ran_is_named():
    check = build_check(
        document(case("a", variants=[variant("scalar"), variant("vec16", "unsupported")], selected="scalar"))
    )
    line = verdict.coverage(check)
    assert line.tone == "warn" and "Never run: rope vec16." in line.sentence


def test_numbers_for_people():
    assert [share(v) for v in (0, 0.004, 0.43, 1.0, 1.0001, 41000.0, None)] == [
        "0.00",
        "0.00400",
        "0.43",
        "1.00",
        "1.0001",
        "41,000",
        "–",
    ]
    assert [significant(v) for v in (0, 1.4, 22.6, 359, 0.0123, 12345.6, 1e-9, 2.5e12)] == [
        "0",
        "1.40",
        "22.6",
        "359",
        "0.0123",
        "12,300",
        "1.00e-9",
        "2.50e12",
    ]


def test_ticks_are_few_round_and_inside():
    for low, high in ((1.2, 1.9), (1, 1000), (0.3, 2), (1e-3, 1e9), (40, 45)):
        ticks = log_ticks(low, high)
        assert 2 <= len(ticks) <= 8 and all(low <= tick <= high for tick in ticks), (low, high, ticks)


def test_anchors_are_unique_and_stable():
    anchors = Anchors(reserved=("speed",))
    assert [anchors.new(*parts) for parts in (("Speed",), ("a b", "C/d=1"), ("a-b-c-d-1",), ("漢",), ("",))] == [
        "speed-2",
        "a-b-c-d-1",
        "a-b-c-d-1-2",
        "x",
        "x-2",
    ]


def test_worst_by_dtype_leaves_out_what_was_not_judged():
    assert worst_by_dtype([Tally("rope", "bf16", "scalar")]) == {}
