"""ci/sanitize.sh with a made-up tool: shards are summed, and one finding or one lost case in one shard fails all."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from stubs import tree_of

STUBS = {
    "bin/nvidia-smi": 'echo "made up"',
    # Answers each case, but for $LOST; counts the case $FOUND as an error.
    "bin/compute-sanitizer": """
        while [[ $1 != --log-file ]]; do shift; done
        found=0
        while read -r name; do
          [[ $name == "${FOUND:-}" ]] && found=1
          [[ $name == "${LOST:-}" ]] || echo '{"result": {"state": "passed"}}'
        done
        echo "========= ERROR SUMMARY: $found errors" > "$2"
        exit $((found * 99))
    """,
    "build/dev/plumbline": """
        [[ $1 != --version ]] || exec echo "plumbline 0.1.0 (made up+)"
        printf "case %s\\n" 1 2 3 4 5 6 7
    """,
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tree_of(tmp_path, ("sanitize.sh", "common.sh"), STUBS)


def sanitize(tree: Path, **environment: str) -> tuple[int, list[dict]]:
    done = subprocess.run(
        ["ci/sanitize.sh", "out", "memcheck", "racecheck"],
        cwd=tree,
        env={
            **os.environ,
            "PATH": f"{tree}/bin:{os.environ['PATH']}",
            "PLUMBLINE_PRESET": "dev",
            "PLUMBLINE_JOBS": "36",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    document = json.loads((tree / "out" / "sanitize.json").read_text())
    assert document["machine"]["commit"] == "made up+"  # that of what ran
    return done.returncode, document["tools"]


def test_every_case_goes_through_every_tool_once(tree: Path) -> None:
    code, tools = sanitize(tree)
    assert code == 0
    assert [tool["tool"] for tool in tools] == ["memcheck", "racecheck"]
    assert [(tool["cases"], tool["answered"], tool["findings"]) for tool in tools] == [(7, 7, 0)] * 2
    assert not list((tree / "out").glob("part.*"))


def test_a_finding_in_one_shard_fails(tree: Path) -> None:
    code, tools = sanitize(tree, FOUND="case 5")
    assert code == 1
    assert [tool["findings"] for tool in tools] == [1, 1]


def test_a_case_without_an_answer_fails(tree: Path) -> None:
    code, tools = sanitize(tree, LOST="case 3")
    assert code == 1
    assert [tool["answered"] for tool in tools] == [6, 6]
