"""Writes the page all at once: to a temporary name beside the output, then renamed over it."""

import contextlib
import os
import secrets
from pathlib import Path


class OutputError(Exception):
    """The page could not be written; its text is one sentence."""


def write_page(path: Path, page: str) -> int:
    """Writes `page` as UTF-8 and returns its size in bytes; an old file at `path` stays whole on every failure."""
    try:
        target = path.resolve()  # a link is written through, not replaced
    except (OSError, RuntimeError) as error:
        raise OutputError(f"{path} cannot be written: {error}.") from None
    if target.exists() and not target.is_file():
        raise OutputError(f"{path} cannot be written: it is not a regular file.")
    data = page.encode("utf-8")
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "xb") as file:  # with the permissions that the umask gives
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return len(data)
