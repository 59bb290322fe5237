"""The package: what it needs is stated once, and installed it works like uninstalled."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib

import pytest

from conftest import REPORTS
from documents import check_document
from made_up import gate_document


def names(lines) -> set[str]:
    return {re.split(r"[<>=!~ \[]", line, maxsplit=1)[0].lower() for line in lines if line.strip()}


def test_requirements_hold_what_the_package_needs():
    project = tomllib.loads((REPORTS / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = (REPORTS / "requirements.txt").read_text("utf-8").splitlines()
    assert names(project["dependencies"]) <= names(wanted)
    assert set(project["dependencies"]) <= set(wanted), "the same bounds in both"
    browser = (REPORTS / "requirements-browser.txt").read_text("utf-8").splitlines()
    assert names(browser) == names(project["optional-dependencies"]["browser"])


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that `pip install --target` filled."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this Python has no pip")
    target = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source")
    subprocess.run(["cp", "-r", f"{REPORTS}/pyproject.toml", f"{REPORTS}/README.md", source], check=True)
    subprocess.run(["cp", "-r", f"{REPORTS}/plumbline_report", source], check=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--target",
        target,
    ]
    for isolation in (["--no-build-isolation"], []):
        done = subprocess.run([*pip, *isolation, source], capture_output=True, text=True, timeout=300)
        if done.returncode == 0:
            return target
    pytest.skip(f"pip cannot build here: {done.stderr.strip().splitlines()[-1][:200]}")


def test_the_installed_command_makes_a_page(installed, tmp_path):
    check, gate, output = tmp_path / "check.json", tmp_path / "gate.json", tmp_path / "report.html"
    check.write_text(json.dumps(check_document(20)), encoding="utf-8")
    gate.write_text(json.dumps(gate_document()), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    argv = [installed / "bin" / "plumbline-report", "--check", check, "--gate", gate, "--output", output]
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        env=environment | {"PYTHONPATH": str(installed)},
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert output.read_text("utf-8").endswith("</html>\n")
    files = {path.name for path in (installed / "plumbline_report").rglob("*") if path.is_file()}
    here = {path.name for path in (REPORTS / "plumbline_report").rglob("*") if path.suffix not in ("", ".pyc")}
    assert here <= files
