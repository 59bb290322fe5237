"""The workflow files: valid, least privilege, pinned, and thin: each step is a script of this folder, which runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "ci" / "workflows").glob("*.yml"))


def jobs():
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            yield path.name, job


RUN_LINES = sorted({step["run"] for _, job in jobs() for step in job["steps"] if "run" in step})


def run(*words, **environment):
    return subprocess.run(
        words, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600
    )


def test_there_are_three_workflows():
    assert [path.name for path in WORKFLOWS] == ["nightly.yml", "premerge.yml", "premerge_gpu.yml"]


def test_they_follow_the_published_schema():
    found = run(sys.executable, "-m", "check_jsonschema", "--version")
    if found.returncode:
        pytest.skip("check-jsonschema is not installed: reports/requirements.txt names it")
    result = run(
        sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_privileges_are_stated_and_least(path):
    document = yaml.safe_load(path.read_text())
    assert document["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in document["jobs"].values())
    assert "pull_request_target" not in path.read_text()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_digest(path):
    uses = re.findall(r"uses: (\S+)", path.read_text())
    assert uses and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in uses), uses


def test_no_step_puts_an_expression_into_a_shell_line():
    assert not [line for line in RUN_LINES if "${{" in line]


@pytest.mark.parametrize("line", RUN_LINES)
def test_a_step_is_one_script_of_the_project(line):
    words = line.removeprefix("sudo ").split()
    assert "\n" not in line.strip()
    script = ROOT / words[0]
    assert words[0].startswith("ci/") and script.is_file() and os.access(script, os.X_OK)
    if script.suffix == ".sh":
        assert run("bash", "-n", str(script)).returncode == 0
    # ci/test.sh runs these lines whole: it is one of them, or calls ci/nightly.sh, which calls the rest
    exercised = "\n".join(
        text
        for name in ("test.sh", "nightly.sh")
        for text in (ROOT / "ci" / name).read_text().splitlines()
        if not text.startswith("#")
    )
    assert words[0] in exercised or words[0] in ("ci/test.sh", "ci/annotate.py", "ci/premerge.sh"), f"{words[0]} is exercised nowhere"


def check_document(tmp_path, state="failed"):
    case = {
        "name": "rms_norm/bf16/rows=3,hidden=8/seed=7",
        "operator": "rms_norm",
        "state": state,
        "reason": "100% wrong\nsecond line",
        "repro": "plumbline check --filter 'x'",
        "variants": [{"name": "vec16", "state": state, "reason": "off by one: ::error::"}],
    }
    path = tmp_path / "check.json"
    path.write_text(json.dumps({"schema": "plumbline.check/1", "cases": [case]}))
    return path


def test_annotations_stand_at_the_line_of_the_variant(tmp_path):
    result = run("ci/annotate.py", str(check_document(tmp_path)))
    assert result.returncode == 0, result.stderr
    match = re.fullmatch(r"::error file=(\S+),line=(\d+),title=[^:]*::(.*)\n", result.stdout)
    assert match, result.stdout
    line = (ROOT / match[1]).read_text().splitlines()[int(match[2]) - 1]
    assert '"vec16"' in line
    assert "%0A" in match[3] and "\n" not in match[3]


def test_annotations_of_passing_cases_are_none(tmp_path):
    assert run("ci/annotate.py", str(check_document(tmp_path, "passed"))).stdout == ""


def test_annotations_of_a_damaged_document_are_an_error(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text("{")
    result = run("ci/annotate.py", str(path))
    assert result.returncode == 2 and "Traceback" not in result.stderr


@pytest.mark.parametrize("shard", ["0/2", "3/2", "x", "1/"])
def test_a_bad_shard_is_one_sentence(shard):
    result = run("ci/check_gpu.sh", PLUMBLINE_SHARD=shard)
    assert result.returncode == 2 and f"'{shard}'" in result.stderr


def test_the_gate_between_commits_refuses_what_it_cannot_do(tmp_path):
    summary = tmp_path / "summary.md"
    result = run("ci/premerge.sh", "no-such-commit", "HEAD", GITHUB_STEP_SUMMARY=str(summary))
    assert result.returncode == 2 and "'no-such-commit'" in result.stderr
    assert "not run" in summary.read_text()
