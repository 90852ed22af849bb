"""The tests of a user's project, run as its author runs them, where a real FotoWeb site is set up as well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.providers.child import RUN_SECONDS

__all__ = ["run_tests"]

REAL_SITE = {
    "FOTOWEB_URL": "https://real.example",
    "FOTOWEB_CLIENT_ID": "real",
    "FOTOWEB_CLIENT_SECRET_FILE": "/no/such/file",
    "FOTOWEB_REDIRECT_URI": "https://app.example/oauth2/callback",
    "FOTOWEB_CACHE": "redis://redis.example/0",
}
"""What may be set where somebody runs tests. Nothing may call these hosts."""


def run_tests(folder: Path, *arguments: str) -> str:
    """Run the tests of a folder, warnings being errors, and return what pytest says; they must pass."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *arguments],
        cwd=folder,
        env={**os.environ, **REAL_SITE},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "uvicorn" not in ended.stdout + ended.stderr  # The simulator's server; Litestar writes all loggers' lines.
    return ended.stdout
