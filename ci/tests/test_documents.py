"""Every command of the documents runs: each page's blocks in order, in a folder of their own."""

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BUILD = Path(os.environ.get("PLUMBLINE_BUILD", ROOT / "build" / "ci")).resolve()
BLOCK = re.compile(r"^```sh *(\w*)\n(.*?)^```$", re.M | re.S)


def has_gpu():
    return bool(shutil.which("nvidia-smi")) and "GPU " in subprocess.run(
        ["nvidia-smi", "-L"], capture_output=True, text=True
    ).stdout


def has_history():
    found = subprocess.run([BUILD / "plumbline", "history", "list", "--db", ":memory:"], capture_output=True, text=True)
    return "not built" not in found.stderr and "has none" not in found.stderr


NEEDS = {"": lambda: True, "gpu": has_gpu, "history": has_history}


def test_the_four_pages_are_there():
    assert [page.stem for page in PAGES] == [
        "check_your_kernel", "gate_a_pull_request", "read_a_failure", "run_a_fleet",
    ]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_runs(page, tmp_path):
    if not (BUILD / "plumbline").exists():
        pytest.skip(f"{BUILD} holds no build: PLUMBLINE_BUILD names another")
    environment = {
        **os.environ,
        "PLUMBLINE_BUILD": str(BUILD),
        "PLUMBLINE_SOURCE": str(ROOT),
        "PATH": f"{tmp_path / 'prefix' / 'bin'}:{BUILD}:/usr/local/cuda/bin:{os.environ['PATH']}",
    }
    blocks = BLOCK.findall(page.read_text())
    assert blocks, "a page without a command"
    for needs, script in blocks:
        if not NEEDS[needs]():
            continue
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert result.returncode == 0, f"{script}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.stem)
def test_links_inside_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_readme_shows_the_recorded_kill_matrix(tmp_path):
    readme = (ROOT / "README.md").read_text()
    copy = tmp_path / "README.md"
    copy.write_text(readme)
    subprocess.run(
        ["python3", "ci/kill_matrix.py", "golden/mutation/h200.json", "--write", copy], cwd=ROOT, check=True
    )
    assert copy.read_text() == readme


def test_what_is_recorded_tells_no_path_of_its_machine():
    for path in sorted((ROOT / "golden").rglob("*.json*")):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert not re.search(rb'"/\w+/[^"]*"', content), path
