"""The gate on made-up tables: what fails, what is only shown, what could not be compared."""

import copy
import json
from pathlib import Path

import fingerprint
import pytest

COUNTS = {key: 0 for key in ("ldg", "ldg128", "stg", "stg128", "lds", "lds128", "sts", "sts128", "bulk_copy",
                             "cp_async", "cp_async128", "tensor", "local")}


def row(kernel="rope_vector_kernel<float>", arch="90a", operator="rope", counts=None, **resources):
    zeros = {key: 0 for key in fingerprint.RESOURCES}
    return {"kernel": kernel, "operator": operator, "arch": arch, **zeros, "registers": 40, "code_bytes": 640,
            **resources, "counts": {**COUNTS, **(counts or {})}, "sass_hash": "00"}


def table(*rows, cuda="13.0", compiler="V13.0.88"):
    return {"schema": fingerprint.SCHEMA, "cuda": cuda, "compiler": compiler, "rows": list(rows)}


def judged(old, new):
    """(texts that fail, texts that are shown, notes)"""
    changes, notes = fingerprint.compare(table(*old), table(*new), "fingerprint.json")
    return [c.text for c in changes if c.fails], [c.text for c in changes if not c.fails], notes


def test_the_same_is_silent():
    assert judged([row()], [row()]) == ([], [], [])


@pytest.mark.parametrize(
    "before, after, words",
    [
        ({}, {"spill_store_bytes": 8, "stack_bytes": 8}, "spill_store_bytes 0 -> 8; stack_bytes 0 -> 8"),
        ({"spill_load_bytes": 4}, {"spill_load_bytes": 8}, "spill_load_bytes 4 -> 8"),
        ({"counts": {"ldg": 4, "ldg128": 4}}, {"counts": {"ldg": 16}}, "128-bit accesses ldg128 4 -> 0, narrower 0 -> 16"),
        ({"counts": {"ldg": 4, "ldg128": 4}}, {"counts": {"ldg": 4}}, "ldg128 4 -> 0"),
        ({"counts": {"stg": 5, "stg128": 4}}, {"counts": {"stg": 9, "stg128": 2}}, "stg128 4 -> 2, narrower 1 -> 7"),
        ({"counts": {"lds": 2, "lds128": 2}}, {"counts": {"lds": 8}}, "lds128 2 -> 0"),
        ({"counts": {"sts": 2, "sts128": 1}}, {"counts": {"sts": 2}}, "sts128 1 -> 0"),
        ({"counts": {"bulk_copy": 4}}, {"counts": {"bulk_copy": 3}}, "bulk copies 4 -> 3"),
        ({"counts": {"cp_async": 4}}, {"counts": {}}, "asynchronous copies 4 -> 0"),
        ({"counts": {"multiply_adds": 100, "operand_cycles": 126}}, {"counts": {"multiply_adds": 50, "operand_cycles": 75}},
         "reads its registers 1.26 -> 1.50"),
    ],
)
def test_losses_fail_and_name_kernel_architecture_and_line(before, after, words):
    failing, _, _ = judged([row("other_kernel"), row(**before)], [row("other_kernel"), row(**after)])
    assert failing[0].startswith("rope_vector_kernel<float> (90a), fingerprint.json line 3: ")
    assert words in failing[0]


@pytest.mark.parametrize(
    "before, after, words",
    [
        ({}, {"registers": 48}, "registers 40 -> 48"),
        ({}, {"code_bytes": 1280}, "code_bytes 640 -> 1280"),
        ({"spill_store_bytes": 8}, {}, "spill_store_bytes 8 -> 0"),
        # unrolled less: fewer accesses, none narrower
        ({"counts": {"ldg": 10, "ldg128": 8}}, {"counts": {"ldg": 6, "ldg128": 4}}, "ldg128 8 -> 4"),
        # a store that is no longer there at all (fused away) was not made narrower
        ({"counts": {"sts": 2, "sts128": 2}}, {"counts": {}}, "sts128 2 -> 0"),
        ({"counts": {"ldg": 4}}, {"counts": {"ldg": 1, "ldg128": 1}}, "ldg128 0 -> 1"),
        ({"counts": {"cp_async": 4}}, {"counts": {"bulk_copy": 1}}, "bulk_copy 0 -> 1"),
    ],
)
def test_other_changes_are_shown_and_pass(before, after, words):
    keep = row("rope_kept", counts={"cp_async": 1})
    failing, shown, _ = judged([row(**before), keep], [row(**after), keep])
    assert failing == []
    assert words in shown[0]


def test_other_instructions_alone_are_shown():
    changed = row()
    changed["sass_hash"] = "01"
    assert judged([row()], [changed]) == ([], ["rope_vector_kernel<float> (90a): other instructions"], [])


def test_kernels_that_come_and_go_are_shown():
    failing, shown, _ = judged([row("rope_old")], [row("rope_new")])
    assert failing == []
    assert shown == ["rope_new (90a): new kernel", "rope_old (90a), fingerprint.json line 2: no longer built"]


def test_a_new_kernel_must_not_spill():
    failing, _, _ = judged([row()], [row(), row("rope_new", spill_store_bytes=16)])
    assert failing == ["rope_new (90a): new kernel, and it spills: spill_store_bytes 16"]


def test_an_operator_keeps_its_fast_path_whatever_its_kernels_are_called():
    failing, _, _ = judged([row("rope_tma", counts={"bulk_copy": 4})], [row("rope_plain")])
    assert failing == ["rope (90a): no kernel has bulk copies any more"]
    assert judged([row("rope_tma", counts={"bulk_copy": 4})], [row("rope_bulk", counts={"bulk_copy": 2})])[0] == []


def test_an_architecture_that_was_not_built_is_said():
    failing, shown, notes = judged([row(arch="80"), row(), row(arch="100")], [row()])
    assert (failing, shown) == ([], [])
    assert notes == ["architecture 80 is not in this build: its 1 rows were not compared",
                     "architecture 100 is not in this build: its 1 rows were not compared"]


def test_another_compiler_shows_and_never_fails():
    changes, notes = fingerprint.compare(table(row(), row("b")), table(row(spill_store_bytes=8), row("b"), cuda="13.5"))
    assert [change.fails for change in changes] == [False]
    assert "built with CUDA 13.5" in notes[0] and "none fails" in notes[0]


def test_rows_without_counts_compare_their_resources():
    old, new = row(), row(counts={"ldg": 4}, registers=41)
    old["counts"] = None
    assert judged([old], [new])[1] == ["rope_vector_kernel<float> (90a): registers 40 -> 41"]


def test_operators_are_told_by_the_longest_prefix():
    names = ["rope", "qk_norm_rope", "solve_tril"]
    assert fingerprint.operator_of("qk_norm_rope_scalar_kernel<float>", names) == "qk_norm_rope"
    assert fingerprint.operator_of("solve_tril::tma_kernel<float, 32>", names) == "solve_tril"
    assert fingerprint.operator_of("memset_kernel", names) == ""


def test_names_are_readable():
    symbol = "_ZN5plumb10solve_tril10tma_kernelIffLi32EEEvNS0_9ArgumentsE14CUtensorMap_stS3_"
    assert fingerprint.demangled([symbol]) == ["solve_tril::tma_kernel<float, float, 32>"]


def test_a_line_of_the_file_is_a_row():
    text = fingerprint.text_of(table(row("a"), row("b")))
    assert json.loads(text) == table(row("a"), row("b"))
    assert '"kernel":"b"' in text.splitlines()[fingerprint.line_of(1) - 1]


@pytest.mark.parametrize("content, words", [("{", "no JSON"), ("[]", "expected schema"), ('{"schema": "plumbline.fingerprint/2"}', "expected schema")])
def test_damaged_tables_are_refused(tmp_path, content, words):
    path = tmp_path / "table.json"
    path.write_text(content)
    with pytest.raises(fingerprint.FingerprintError, match=words):
        fingerprint.read_table(path)
    with pytest.raises(fingerprint.FingerprintError, match="cannot be read"):
        fingerprint.read_table(tmp_path / "none.json")


def test_the_command(tmp_path, monkeypatch, capsys):
    recorded = tmp_path / "table.json"
    built = table(row(), row("rope_b", counts={"bulk_copy": 2}))
    monkeypatch.setattr(fingerprint, "fingerprint", lambda library: copy.deepcopy(built))
    assert fingerprint.main(["library.so", "--write", str(recorded)]) == 0
    assert fingerprint.main(["library.so", "--table", str(recorded)]) == 0
    assert "2 kernels, 0 changed, 0 lost" in capsys.readouterr().out
    built["rows"][1]["counts"]["bulk_copy"] = 1
    assert fingerprint.main(["library.so", "--table", str(recorded)]) == 1
    assert "LOST rope_b (90a), table.json line 3: bulk copies 2 -> 1" in capsys.readouterr().out
    assert fingerprint.main(["library.so", "--table", str(tmp_path / "none.json")]) == 2
    assert list(tmp_path.iterdir()) == [recorded], "no temporary file is left"


def test_the_committed_table_is_whole():
    committed = fingerprint.read_table(fingerprint.TABLE)
    archs = {row["arch"] for row in committed["rows"]}
    assert archs == {"80", "90a", "100"}
    names = fingerprint.operators()
    assert {row["operator"] for row in committed["rows"]} == set(names)
    for row_ in committed["rows"]:
        assert row_["spill_store_bytes"] == row_["spill_load_bytes"] == row_["stack_bytes"] == 0, row_["kernel"]


def test_a_missing_library_is_said(tmp_path, capsys):
    assert fingerprint.main([str(tmp_path / "none.so")]) == 2
    assert "none.so" in capsys.readouterr().err
    assert Path(fingerprint.TABLE).is_file()
