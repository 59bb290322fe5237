"""Scripts of ci/ among made-up programs."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tree_of(folder: Path, scripts: tuple[str, ...], stubs: dict[str, str]) -> Path:
    """Copies ci/SCRIPT for each of `scripts` below `folder`, and writes each stub there, a bash program by its path."""
    (folder / "ci").mkdir()
    for name in scripts:
        shutil.copy(ROOT / "ci" / name, folder / "ci" / name)
    for name, text in stubs.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/usr/bin/env bash\n" + text + "\n")
        path.chmod(0o755)
    return folder
