"""What a remembered session takes in memory, and whether the process grows over a million requests; ``local://``.

Each is measured in a process of its own: ``python -m tests.benchmarks.memory NAME`` prints it.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.sites import ACCESS_CHARACTERS, REFRESH_CHARACTERS, FotoWeb, Site, session_only

__all__ = ["measure"]

SESSIONS = 10_000
REQUESTS = 1_000_000
HEADER_CHARACTERS = 2_000
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def measure() -> list[tuple[str, str, str]]:
    """Ask a process for each figure."""
    per_session, growth = (
        float(subprocess.run([sys.executable, "-m", __name__, name], capture_output=True, check=True).stdout)
        for name in ("sessions", "requests")
    )
    return [
        ("memory per session over its tokens, two Cookie headers of 2 kB each", f"{per_session:.0f} bytes", "8000"),
        ("growth from a quarter of a million to a million requests", f"{growth:+.1%}", "2 %"),
    ]


def resident_bytes() -> int:
    """Return how much of this process lies in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


def padded(cookie: str, beside: str) -> str:
    """Return a Cookie header of 2 kB."""
    header = f"{beside}=; {cookie}"
    return header.replace("=", "=" + "x" * (HEADER_CHARACTERS - len(header)), 1)


def sessions() -> float:
    """Return the bytes that each of 10,000 sessions takes."""
    site = Site("wsgi", FotoWeb())
    session_only(site.log_in())
    cookies = [session_only(site.log_in()) for _ in range(SESSIONS)]
    site = Site("wsgi", FotoWeb())  # Which remembers nobody; the file has all of them.
    site.send(None)
    before = resident_bytes()
    for cookie in cookies:
        for beside in ("a", "b"):
            assert site.send(padded(cookie, beside))[0] == 200
    return (resident_bytes() - before) / SESSIONS - ACCESS_CHARACTERS - REFRESH_CHARACTERS


def requests() -> float:
    """Return by how much the process grows while more sessions come in turn than it may remember."""
    site = Site("wsgi", FotoWeb(), cache_size=1_000)
    cookies = [session_only(site.log_in()) for _ in range(2_000)]
    before = 0
    for number in range(REQUESTS):
        if number == REQUESTS // 4:
            before = resident_bytes()
        site.send(cookies[number // 10 % len(cookies)])  # Ten in a row, as people come.
    return resident_bytes() / before - 1


if __name__ == "__main__":
    sys.stdout.write(str({"sessions": sessions, "requests": requests}[sys.argv[1]]()))
