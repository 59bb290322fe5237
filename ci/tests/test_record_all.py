"""ci/record_all.sh with made-up GPUs and parts: what runs where, what is packed, whose exit code counts."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from stubs import tree_of

STUBS = {
    "bin/nvidia-smi": 'case $1 in -L) echo "GPU 0: made up" ;; *) printf "0\\n1\\n" ;; esac',
    "bin/cmake": 'echo "plumbline: made up"',
    # Writes a file per part; a part whose name stands in $FAILING fails.
    "ci/record.sh": """
        out=$1; shift; mkdir -p "$out/optimized"
        for part; do
          echo "$part $PLUMBLINE_GPU ${PLUMBLINE_GPU_HELD:-}" >> parts
          echo done > "$out/$part.json"; sleep 0.8
          [[ $part != "${FAILING:-}" ]] || exit 1
        done
        echo table > "$out/optimized/table.h"
    """,
    "ci/prove_gate.sh": 'mkdir -p "$1"; echo "gates: $PLUMBLINE_SECONDS s"',
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "optimized").mkdir()
    return tree_of(tmp_path, ("record_all.sh", "common.sh"), STUBS)


def record_all(tree: Path, *parts: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["ci/record_all.sh", "out", *parts],
        cwd=tree,
        env={**os.environ, "PATH": f"{tree}/bin:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def packed(tree: Path) -> dict[str, set[str]]:
    found = {}
    for path in (tree / "out").glob("*.tar.gz"):
        with tarfile.open(path) as archive:
            found[path.name] = {Path(name).name for name in archive.getnames() if name.endswith(".json")}
    return found


def test_every_part_runs_once_and_is_packed(tree: Path) -> None:
    done = record_all(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert packed(tree) == {
        "tune.tar.gz": {"tune.json"},
        "sanitize.tar.gz": {"sanitize.json"},
        "mutation.tar.gz": {"mutation.json"},
        "check.tar.gz": {"digests.json"},
        "bench.tar.gz": {"bench.json", "alignment.json", "tma.json"},
    }
    parts = [line.split() for line in (tree / "parts").read_text().splitlines()]
    assert parts[0] == ["tune", "0"], "alone and first: the rest is built with its tables"
    assert ["sanitize", "0", "1"] in parts
    assert ["mutation", "1", "1"] in parts, "device 0 must be the wrong one for the mutants"
    assert (tree / "optimized" / "table.h").read_text() == "table\n"
    assert "gates: " in done.stdout


def test_a_part_that_fails_costs_no_other(tree: Path) -> None:
    done = record_all(tree, FAILING="mutation")
    assert done.returncode == 1
    assert set(packed(tree)) == {f"{name}.tar.gz" for name in ("tune", "sanitize", "mutation", "check", "bench")}
    assert "mutation on GPU 1: exit code 1" in done.stdout


def test_parts_that_are_named_and_no_others(tree: Path) -> None:
    done = record_all(tree, "mutation", "bench")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(packed(tree)) == {"mutation.tar.gz", "bench.tar.gz"}
    assert "mutation on GPU 1: " in done.stdout, "device 0 must be the wrong one here, too"
    assert "gates: " not in done.stdout
    assert "PART is 'benches'; expected one of " in record_all(tree, "benches").stderr


def test_without_a_gpu_it_says_so(tree: Path) -> None:
    (tree / "bin/nvidia-smi").write_text("#!/usr/bin/env bash\nexit 9\n")
    done = record_all(tree)
    assert done.returncode == 2
    assert "needs an NVIDIA GPU" in done.stderr
