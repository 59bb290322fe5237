"""Runs the report as people run it, and reads pages back."""

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

REPORTS = Path(__file__).resolve().parent.parent


class Page(HTMLParser):
    """What the tests ask of a page: its elements in order, the text, and whether the nesting is right."""

    VOID = frozenset({"meta", "br", "input", "link", "img", "hr"})

    def __init__(self, source: str):
        super().__init__(convert_charrefs=True)
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        assert len(attrs) == len(dict(attrs)), f"<{tag}> has an attribute twice: {attrs}"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture
def write(tmp_path):
    """Writes a document and returns its path."""

    def write_document(document, name: str = "document.json") -> Path:
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return path

    return write_document


@pytest.fixture
def report(tmp_path, write):
    """Renders documents in this process and returns the page."""
    from plumbline_report.__main__ import main

    def make(check=None, *benches) -> Page:
        output = tmp_path / "report.html"
        argv = ["--output", str(output)]
        if check is not None:
            argv += ["--check", str(write(check, "check.json"))]
        for index, bench in enumerate(benches):
            argv += ["--bench", str(write(bench, f"bench{index}.json"))]
        assert main(argv) == 0
        return Page(output.read_text("utf-8"))

    return make


@pytest.fixture
def command():
    """Runs `python -m plumbline_report` uninstalled."""

    def run(*argv, **more) -> subprocess.CompletedProcess:
        environment = os.environ | {"PYTHONPATH": str(REPORTS)}
        return subprocess.run(
            [sys.executable, "-m", "plumbline_report", *map(str, argv)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            **more,
        )

    return run
