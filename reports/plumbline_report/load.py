"""Reads the JSON documents and refuses, in one sentence, whatever is not what it should be."""

import gzip
import json
import zlib
from pathlib import Path

from .kinds import KINDS, REPORT, Kind
from .schema import schema_of
from .text import clean_document, shown

BENCH_VERSION = 1  # Google Benchmark's context.json_schema_version
GZIP = b"\x1f\x8b"
LARGEST = 2**29  # bytes of JSON that a compressed document may hold


class DocumentError(Exception):
    """A document that cannot be reported on; its text is one sentence that names the file."""


def load(path: Path, kind: Kind) -> dict:
    """One document of its kind, validated, plain or gzipped; strings are free of control characters."""
    return accept(str(path), _read(path), kind)


def load_report(path: Path) -> dict:
    """plumbline.report/1: every part is held to its own schema and version too."""
    document = load(path, REPORT)
    for kind in KINDS.values():
        parts = document.get(kind.key, []) if kind.many else [document[kind.key]] if kind.key in document else []
        for index, part in enumerate(parts):
            accept(f"{path} ({kind.key}{f'[{index}]' if kind.many else ''})", part, kind)
    return document


def load_check(path: Path) -> dict:
    return load(path, KINDS["check"])


def load_bench(path: Path) -> dict:
    return load(path, KINDS["bench"])


def accept(name: str, document, kind: Kind) -> dict:
    """`name` is what the sentence calls the document."""
    if kind.key == "bench":
        _require_bench(name, document)
    else:
        _require_schema(name, document, kind)
    if fault := schema_of(kind.file)(document):
        where, expected = fault
        place = shown(where.lstrip("."), quoted=False) or "the document"
        what = "Google Benchmark document" if kind.key == "bench" else f"{kind.key} document"
        raise DocumentError(
            f"{name} is not a valid {what}: {place} was expected to be {expected}.".replace("be to be", "be")
        )
    return document


def _read(path: Path):
    try:
        raw = path.read_bytes()
        if raw.startswith(GZIP):
            with gzip.open(path) as file:
                raw = file.read(LARGEST + 1)
            if len(raw) > LARGEST:
                raise DocumentError(f"{path} is damaged: unpacked, it has more than {LARGEST:,} bytes.")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DocumentError(f"{path} is damaged: its compressed data is cut short or wrong.") from None
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


def _require_schema(name: str, document, kind: Kind) -> None:
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str):
        hint = ": it looks like Google Benchmark's, give it with --bench" if _is_bench(document) else ""
        raise DocumentError(f"{name} is not a plumbline {kind.key} document{hint}.")
    found, _, version = schema.partition("/")
    if found != kind.schema or not (version.isascii() and version.isdigit() and len(version) < 10 and int(version)):
        known = KINDS.get(found.removeprefix("plumbline."), REPORT if found == REPORT.schema else None)
        hint = f"; give it with --{known.key}" if known and known != kind else ""
        raise DocumentError(
            f"{name} has the schema {shown(schema)}, but {kind.schema}/{kind.version} was expected{hint}."
        )
    if int(version) > kind.version:
        raise DocumentError(
            f"{name} was written by a newer plumbline (schema {shown(schema)}); this report reads versions up to "
            f"{kind.version}."
        )


def _is_bench(document) -> bool:
    return isinstance(document, dict) and "benchmarks" in document


def _require_bench(name: str, document) -> None:
    if not _is_bench(document):
        kind = document.get("schema") if isinstance(document, dict) else None
        what = f"its schema is {shown(kind)}" if isinstance(kind, str) else "it has no member 'benchmarks'"
        raise DocumentError(f"{name} is not a Google Benchmark document: {what}.")
    context = document.get("context")
    version = context.get("json_schema_version", 1) if isinstance(context, dict) else 1
    if type(version) is int and version > BENCH_VERSION:
        raise DocumentError(
            f"{name} has Google Benchmark's JSON version {version}; this report reads up to {BENCH_VERSION}."
        )
