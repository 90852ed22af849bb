"""Starts the system's Chromium through Playwright. Playwright's own download of a browser is never used."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

__all__ = ["find_chromium", "running_chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
# The first lets root start it, as CI does; the others keep it from trying hosts that a test has no business with.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """Return the path of the system's Chromium, or None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def running_chromium(*, history_cache: bool = False) -> Iterator[Browser]:
    """Start a headless Chromium; close it afterwards. Playwright turns the history cache (bfcache) off by itself.

    Playwright keeps an event loop on this thread meanwhile: no ``asyncio.run`` on it until the end.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fotoweb-browser-") as downloads,
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=find_chromium(),
            args=list(FLAGS),
            ignore_default_args=["--disable-back-forward-cache"] if history_cache else None,
            downloads_path=downloads,
        ) as browser,
    ):
        yield browser
