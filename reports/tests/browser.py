"""Starts the Chromium of the system, headless, through Playwright; nothing is downloaded."""

import contextlib
import os
import shutil
from collections.abc import Iterator

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class NoBrowserError(Exception):
    """Why no browser can be had; its text is one sentence."""


@contextlib.contextmanager
def chromium() -> Iterator:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise NoBrowserError(
            "the Python package playwright is missing (reports/requirements-browser.txt)."
        ) from None
    path = os.environ.get("PLUMBLINE_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not path:
        raise NoBrowserError(f"no browser is installed; looked for {', '.join(NAMES)}.")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=arguments, timeout=60_000)
        except Error as error:
            raise NoBrowserError(f"{path} does not start: {str(error).splitlines()[0]}.") from None
        try:
            yield browser
        finally:
            browser.close()
