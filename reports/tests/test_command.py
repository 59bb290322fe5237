"""The command line: refusals are one sentence and exit 2, and an output is written whole or not at all."""

import json
import os

import pytest

from documents import bench_document, check_document
from plumbline_report.write import OutputError, write_page


def changed(document: dict, *path_and_value) -> dict:
    *path, last, value = path_and_value
    node = document
    for step in path:
        node = node[step]
    node[last] = value
    return document


def check(*change) -> str:
    return json.dumps(changed(check_document(20), *change))


def bench(*change) -> str:
    return json.dumps(changed(bench_document(), *change))


REFUSED = {  # name: (option, document, words that the sentence must hold)
    "empty": ("--check", "", "is empty"),
    "cut short": ("--check", check("seed", 7)[:4000], "damaged or not JSON"),
    "binary": ("--check", b"\x89PNG\r\n\xff\xfe", "not UTF-8"),
    "no object": ("--check", "[1, 2]", "not a plumbline check document"),
    "too deep": ("--check", "[" * 100000, "beyond reason"),
    "huge number": ("--check", '{"schema": ' + "9" * 6000 + "}", "beyond reason"),
    "future": ("--check", check("schema", "plumbline.check/2"), "newer plumbline"),
    "other schema": ("--check", check("schema", "plumbline.gate/1"), "plumbline.check/1 was expected"),
    "version zero": ("--check", check("schema", "plumbline.check/0"), "plumbline.check/1 was expected"),
    "odd version": ("--check", check("schema", "plumbline.check/²"), "plumbline.check/1 was expected"),
    "no schema": ("--check", check("schema", None), "not a plumbline check document"),
    "a bench as check": ("--check", bench("context", {}), "give it with --bench"),
    "no device": (
        "--check",
        json.dumps({"schema": "plumbline.check/1", "cases": []}),
        "device was expected to be there",
    ),
    "unknown state": ("--check", check("cases", 3, "state", "fine"), "cases[3].state was expected to be one of"),
    "text for a number": (
        "--check",
        check("cases", 0, "variants", 0, "worst", "0.4"),
        "cases[0].variants[0].worst was expected",
    ),
    "a flag for a number": (
        "--check",
        check("cases", 0, "variants", 0, "worst", True),
        "worst was expected to be a number",
    ),
    "negative count": ("--check", check("summary", "failed", -1), "summary.failed was expected to be between 0"),
    "number for an axis": (
        "--check",
        check("cases", 0, "axes", {"rows": 17}),
        "cases[0].axes.rows was expected to be a string",
    ),
    "no variants": (
        "--check",
        check("cases", 1, "variants", None),
        "cases[1].variants was expected to be an array",
    ),
    "hostile member": ("--check", check("cases", 0, "axes", {"a\nb\u2028\x1b[2J": 1}), "axes.a b"),
    "not a bench": ("--bench", '{"hello": 1}', "not a Google Benchmark document"),
    "a check as bench": ("--bench", check("seed", 1), "its schema is 'plumbline.check/1'"),
    "future bench": ("--bench", bench("context", "json_schema_version", 2), "JSON version 2"),
    "bench without names": ("--bench", bench("benchmarks", [{"real_time": 1.0}]), "benchmarks[0].name"),
    "odd unit": (
        "--bench",
        bench("benchmarks", 0, "time_unit", "fortnight"),
        "time_unit was expected to be one of",
    ),
}


@pytest.mark.parametrize("option, document, words", REFUSED.values(), ids=REFUSED)
def test_refusal_is_one_sentence(capfd, tmp_path, option, document, words):
    from plumbline_report.__main__ import main

    path, output = tmp_path / "document.json", tmp_path / "report.html"
    path.write_bytes(document if isinstance(document, bytes) else document.encode())
    output.write_text("the page of yesterday")
    assert main([option, str(path), "--output", str(output)]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and err.endswith(".\n") and len(err) < 600
    assert words in err and str(path) in err and err.isascii() and err.strip().isprintable()
    assert output.read_text() == "the page of yesterday"
    assert sorted(os.listdir(tmp_path)) == ["document.json", "report.html"]


def test_refusals_through_the_command(command, write, tmp_path):
    """The process itself: status 2, one line, no traceback; for a missing input, a directory, a bad option."""
    good = write(check_document(5))
    for argv, words in (
        (["--check", tmp_path / "absent.json", "--output", tmp_path / "r.html"], "cannot be read: No such file"),
        (["--check", tmp_path, "--output", tmp_path / "r.html"], "cannot be read: Is a directory"),
        (["--check", good, "--output", tmp_path], "not a regular file"),
        (["--check", good, "--output", tmp_path / "none" / "r.html"], "cannot be written: No such file"),
        (["--check", good, "--output", good / "r.html"], "Not a directory"),
        (["--check", good, "--output", good], "is an input document"),
        (["--check", good, "--output", "/dev/null"], "not a regular file"),
        (["--check", good], "required: --output"),
        (["--chekc", good], "see --help"),
    ):
        done = command(*argv)
        assert done.returncode == 2 and done.stdout == "", argv
        assert done.stderr.count("\n") == 1 and words in done.stderr, done.stderr
    assert json.loads(good.read_text())["schema"] == "plumbline.check/1"


def test_command_runs_uninstalled_from_anywhere(command, write, tmp_path):
    done = command("--check", write(check_document(5)), "--output", "r.html", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert (tmp_path / "r.html").read_text("utf-8").endswith("</html>\n")


def test_members_of_later_minor_changes_are_ignored(report):
    document = check_document(5)
    document["weather"] = {"now": ["sunny"]}
    document["cases"][0]["mood"] = 3
    report(document)


def test_a_failing_write_keeps_the_old_page(tmp_path, monkeypatch):
    output = tmp_path / "report.html"
    write_page(output, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_page(output, "new")
    assert output.read_text() == "old" and os.listdir(tmp_path) == ["report.html"]


def test_the_page_is_renamed_into_place(tmp_path, monkeypatch):
    """The output's name never shows a part of a page."""
    output, seen = tmp_path / "report.html", []
    replace = os.replace

    def watch(source, target):
        seen.append((source.read_text(), target.exists()))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watch)
    write_page(output, "whole")
    assert seen == [("whole", False)] and output.read_text() == "whole"


def test_a_link_is_written_through(tmp_path):
    target, link = tmp_path / "target.html", tmp_path / "link.html"
    link.symlink_to(target)
    write_page(link, "page")
    assert link.is_symlink() and target.read_text() == "page"
