"""Reads the JSON documents and refuses, in one sentence, whatever is not what it should be."""

import json
from importlib import resources
from pathlib import Path

from .schema import compile_schema
from .text import clean_document, shown

CHECK_SCHEMA = "plumbline.check"
CHECK_VERSION = 1
BENCH_VERSION = 1  # Google Benchmark's context.json_schema_version


class DocumentError(Exception):
    """A document that cannot be reported on; its text is one sentence that names the file."""


def load_check(path: Path) -> dict:
    """The document of `plumbline check --json`, validated; strings are free of control characters."""
    document = _read(path)
    _require_schema(path, document)
    return _validated(path, document, "check.schema.json", "check document")


def load_bench(path: Path) -> dict:
    """A Google Benchmark JSON document, validated."""
    document = _read(path)
    if not isinstance(document, dict) or "benchmarks" not in document:
        kind = document.get("schema") if isinstance(document, dict) else None
        what = f"its schema is {shown(kind)}" if isinstance(kind, str) else "it has no member 'benchmarks'"
        raise DocumentError(f"{path} is not a Google Benchmark document: {what}.")
    context = document.get("context")
    version = context.get("json_schema_version", 1) if isinstance(context, dict) else 1
    if type(version) is int and version > BENCH_VERSION:
        raise DocumentError(
            f"{path} has Google Benchmark's JSON version {version}; this report reads up to {BENCH_VERSION}."
        )
    return _validated(path, document, "bench.schema.json", "Google Benchmark document")


def _read(path: Path):
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror or error}.") from None
    if not raw.strip():
        raise DocumentError(f"{path} is empty.")
    try:
        return clean_document(json.loads(raw.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path} is not JSON: byte {error.start} is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"{path} is damaged or not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except (ValueError, RecursionError):  # numbers of thousands of digits, thousands of nested brackets
        raise DocumentError(f"{path} is damaged: its numbers or its nesting are beyond reason.") from None


def _require_schema(path: Path, document) -> None:
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str):
        hint = ": it looks like Google Benchmark's, give it with --bench" if _is_bench(document) else ""
        raise DocumentError(f"{path} is not a plumbline check document{hint}.")
    kind, _, version = schema.partition("/")
    if kind != CHECK_SCHEMA or not (version.isascii() and version.isdigit() and len(version) < 10 and int(version)):
        raise DocumentError(
            f"{path} has the schema {shown(schema)}, but {CHECK_SCHEMA}/{CHECK_VERSION} was expected."
        )
    if int(version) > CHECK_VERSION:
        raise DocumentError(
            f"{path} was written by a newer plumbline (schema {shown(schema)}); this report reads versions up to "
            f"{CHECK_VERSION}."
        )


def _is_bench(document) -> bool:
    return isinstance(document, dict) and "benchmarks" in document


def _validated(path: Path, document, schema_file: str, what: str) -> dict:
    schema = json.loads((resources.files(__package__) / "schemas" / schema_file).read_text("utf-8"))
    if fault := compile_schema(schema)(document):
        where, expected = fault
        place = shown(where.lstrip("."), quoted=False) or "the document"
        raise DocumentError(
            f"{path} is not a valid {what}: {place} was expected to be {expected}.".replace("be to be", "be")
        )
    return document
