"""Puts documents together into plumbline.report/1, the one document that a page is made of."""

from pathlib import Path
from typing import Any

from .kinds import KINDS, REPORT
from .load import DocumentError, load, load_report


def assemble(
    sources: dict[str, list[Path]],
    reports: list[Path] | None = None,
    not_run: list[tuple[str, str]] | None = None,
    tolerant: bool = False,
) -> dict[str, Any]:
    """One report of all documents. `tolerant`: a refused document becomes an entry of `not_run`."""
    report: dict[str, Any] = {}
    missing = [{"what": what, "why": why} for what, why in not_run or []]

    def add(key: str, document: dict, path: Path) -> None:
        if KINDS[key].many:
            report.setdefault(key, []).append(document)
        elif key in report:
            raise DocumentError(f"{path} is a second {key} document; a report holds one.")
        else:
            report[key] = document

    for path in reports or []:
        try:
            whole = load_report(path)
        except DocumentError as error:
            if not tolerant:
                raise
            missing.append({"what": REPORT.title, "why": str(error)})
            continue
        missing += whole.get("not_run", [])
        for key, kind in KINDS.items():
            for document in whole.get(key, []) if kind.many else filter(None, [whole.get(key)]):
                add(key, document, path)
    for key, kind in KINDS.items():
        for path in sources.get(key, []):
            try:
                add(key, load(path, kind), path)
            except DocumentError as error:
                if not tolerant:
                    raise
                missing.append({"what": kind.title, "why": str(error)})

    dates = [date for key in KINDS for document in parts_of(report, key) if (date := date_of(key, document))]
    head = {"schema": f"{REPORT.schema}/{REPORT.version}"} | ({"date": max(dates)} if dates else {})
    return head | report | ({"not_run": missing} if missing else {})


def parts_of(report: dict, key: str) -> list[dict]:
    """The documents of one kind, none where the report has none."""
    part = report.get(key)
    return [] if part is None else part if KINDS[key].many else [part]


def date_of(key: str, document: dict) -> str:
    """When what the document holds was measured, as it says itself."""
    holders = [document, document.get("machine"), document.get("context") if key == "bench" else None]
    found = [holder.get(name) for holder in holders if isinstance(holder, dict) for name in ("date", "started")]
    if key in ("calibration", "history"):
        found.append(max((run.get("date") or "" for run in document.get("runs") or []), default=""))
    return next((date for date in found if date and isinstance(date, str)), "")
