"""plumbline.report/1: assembling, rendering from it, and refusing what is not right in any part."""

import gzip
import json
import os
import shutil
import subprocess
import sys

import pytest

from conftest import REPORTS, Page
from documents import bench_document, check_document
from made_up import parts
from plumbline_report.__main__ import main
from plumbline_report.kinds import KINDS


@pytest.fixture
def files(tmp_path):
    """A file of each kind."""
    made = {"check": check_document(40), "bench": bench_document(), **parts(4, 30)}
    paths = {}
    for key, document in made.items():
        paths[key] = tmp_path / f"{key}.json"
        paths[key].write_text(json.dumps(document), encoding="utf-8")
    return paths


def options(files) -> list[str]:
    return [word for key, path in files.items() for word in (f"--{key}", str(path))]


def test_rendering_the_assembled_document_gives_the_page_of_the_parts(tmp_path, files):
    whole, one, other = tmp_path / "whole.json", tmp_path / "one.html", tmp_path / "other.html"
    assert main(["assemble", *options(files), "--json", str(whole)]) == 0
    document = json.loads(whole.read_text("utf-8"))
    assert document["schema"] == "plumbline.report/1" and document["date"] == "2026-11-22T05:40:00Z"
    for key, kind in KINDS.items():
        assert isinstance(document[key], list) == kind.many, key
    assert main([*options(files), "--output", str(one)]) == 0
    assert main(["--report", str(whole), "--output", str(other)]) == 0
    assert one.read_text("utf-8") == other.read_text("utf-8")


def test_reports_can_be_added_to(tmp_path, files):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    gate = ["--gate", str(files["gate"])]
    assert main(["assemble", *gate, "--not-run", "B200=no such machine here", "--json", str(first)]) == 0
    assert main(["assemble", "--report", str(first), *gate, "--json", str(second)]) == 0
    document = json.loads(second.read_text("utf-8"))
    assert len(document["gate"]) == 2
    assert document["not_run"] == [{"what": "B200", "why": "no such machine here"}]


def test_a_second_history_is_refused(capfd, tmp_path, files):
    history = ["--history", str(files["history"])]
    assert main([*history, *history, "--output", str(tmp_path / "r.html")]) == 2
    assert "second history document; a report holds one." in capfd.readouterr().err


def test_compressed_documents_are_read(tmp_path, files, capfd):
    packed, output = tmp_path / "check.json.gz", tmp_path / "r.html"
    packed.write_bytes(gzip.compress(files["check"].read_bytes()))
    assert main(["--check", str(packed), "--output", str(output)]) == 0
    for damage in (lambda raw: raw[:-20], lambda raw: raw[:40] + b"\xff" * 60 + raw[100:], lambda raw: raw[:5]):
        packed.write_bytes(damage(gzip.compress(files["check"].read_bytes())))
        assert main(["--check", str(packed), "--output", str(output)]) == 2
        assert "compressed data is cut short or wrong" in capfd.readouterr().err


DAMAGE = {
    "empty": lambda text: "",
    "cut short": lambda text: text[: len(text) // 2],
    "binary": lambda text: "\x00\x01" + text[2:],
    "a list": lambda text: f"[{text}]",
    "a string": lambda text: '"hello"',
    "null": lambda text: "null",
    "future version": lambda text: text.replace('/1"', '/2"', 1),
    "another schema": lambda text: text.replace('"plumbline.', '"plumbbob.', 1),
    "no schema": lambda text: text.replace('"schema"', '"scheme"', 1),
}


@pytest.mark.parametrize("key", [key for key in KINDS if key != "bench"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_part_is_one_sentence_or_one_line_of_the_page(capfd, tmp_path, files, key, damage):
    path, output = files[key], tmp_path / "r.html"
    path.write_text(DAMAGE[damage](path.read_text("utf-8")), encoding="utf-8")
    assert main([f"--{key}", str(path), "--output", str(output)]) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1 and err.endswith(".\n") and str(path) in err and not output.exists()

    sound = files["bench"]
    argv = [f"--{key}", str(path), "--bench", str(sound), "--tolerant", "--output", str(output)]
    assert main(argv) == 0
    words = Page(output.read_text("utf-8")).words
    assert err.removeprefix("plumbline_report: ").strip() in words and "28 points" in words


@pytest.mark.parametrize("key", [key for key in KINDS if key not in ("check", "bench")])
def test_wrong_types_anywhere_are_refused_by_name(capfd, tmp_path, files, key):
    """Each member of a document, replaced by something of another type: refused in one sentence, or shown."""
    document = json.loads(files[key].read_text("utf-8"))
    tried = 0
    for path, value in _leaves(document):
        if path[0] == "schema":
            continue
        for wrong in ([1], {"a": 1}, "text", True, -5):
            if type(wrong) is type(value):
                continue
            files[key].write_text(json.dumps(_changed(document, path, wrong)), encoding="utf-8")
            code = main([f"--{key}", str(files[key]), "--output", str(tmp_path / "r.html")])
            err = capfd.readouterr().err
            assert code in (0, 2) and (code == 0) == (err == ""), (path, wrong, err)
            assert err.count("\n") <= 1
            tried += 1
    assert tried > 10


def _leaves(value, path=()):
    """One path for each place in the document's structure, whatever the index."""
    seen = set()
    stack = [(value, path)]
    while stack:
        node, at = stack.pop()
        shape = tuple("[]" if isinstance(step, int) else step for step in at)
        if at and shape not in seen:
            seen.add(shape)
            yield at, node
        if isinstance(node, dict):
            stack += [(part, (*at, name)) for name, part in list(node.items())[:14]]
        elif isinstance(node, list) and node:
            stack.append((node[0], (*at, 0)))


def _changed(document, path, value):
    copied = json.loads(json.dumps(document))
    node = copied
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return copied


def test_parts_of_a_report_are_held_to_their_own_schemas(capfd, tmp_path):
    path = tmp_path / "report.json"
    for document, words in (
        ({"schema": "plumbline.report/1", "gate": {}}, "gate was expected to be an array"),
        (
            {"schema": "plumbline.report/1", "gate": [{"schema": "plumbline.gate/2"}]},
            "(gate[0]) was written by a newer",
        ),
        ({"schema": "plumbline.report/1", "history": {"schema": "plumbline.gate/1"}}, "(history) has the schema"),
        ({"schema": "plumbline.report/2"}, "newer plumbline"),
        ({"schema": "plumbline.gate/1"}, "give it with --gate"),
        ({"schema": "plumbline.report/1", "not_run": [{"what": "a"}]}, "not_run[0].why was expected to be there"),
    ):
        path.write_text(json.dumps(document), encoding="utf-8")
        assert main(["--report", str(path), "--output", str(tmp_path / "r.html")]) == 2
        err = capfd.readouterr().err
        assert words in err and err.count("\n") == 1, err


def test_bad_options_are_one_sentence(command, tmp_path):
    for argv, words in (
        (["assemble"], "required: --json"),
        (["assemble", "--output", "x"], "required: --json"),
        (["--not-run", "nothing", "--output", tmp_path / "x"], "was expected to be WHAT=WHY"),
    ):
        done = command(*argv)
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and words in done.stderr


def test_the_script_reports_what_a_folder_holds(tmp_path, files):
    """ci/report.sh: results of the folder, recorded ones for what it lacks, and a broken part does not end it."""
    root = REPORTS.parent
    folder = tmp_path / "results"
    folder.mkdir()
    for key in ("check", "history"):
        shutil.copy(files[key], folder)
    shutil.copy(root / "golden" / "mutation" / "replay.json", folder / "mutation.json")
    (folder / "gate.json").write_text('{"schema": "plumbline.gate/1", "points": [', encoding="utf-8")
    environment = os.environ | {"PLUMBLINE_VENV": sys.prefix}
    done = subprocess.run(
        [root / "ci" / "report.sh", folder, "--not-run", "B200=there is none here"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    words = Page((folder / "report.html").read_text("utf-8")).words
    assert "there is none here" in words and "gate.json is damaged or not JSON" in words
    assert "4 series over 30 runs" in words
    document = json.loads((folder / "report.json").read_text("utf-8"))
    recorded = sorted((root / "golden" / "performance").glob("*.json"))
    assert len(document["bench"]) == len(recorded) > 0
    # What a GPU did stands beside what the replay did.
    assert [one["device"] for one in document["mutation"]] == ["replay", "cuda:1"]
