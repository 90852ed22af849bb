"""Part e: what a session takes in a process's memory, that it is flat, and that a request keeps nothing.

Each figure is taken in a process of its own: ``python -m tests.benchmarks.memory NAME`` prints it.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

from tests.benchmarks.report import Goal, Report, Table
from tests.benchmarks.requests import environ_of, start_response, wsgi_app
from tests.benchmarks.sessions import TOKEN_BYTES, Wrapped, make_record, session_id_of

__all__ = ["measure"]

ROOT = Path(__file__).parents[2]
SESSIONS = 100_000
GOAL = Goal(450, form=".0f")
ROTATING, REQUESTS, SIZE = 50_000, 1_000_000, 10_000
HOT_REQUESTS = 10_000
GROWTH_ALLOWED = 0.02
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
CONFINED = {"cache": "memory://"}


def measure() -> Report:
    """Ask a process for each figure."""
    report = Report()
    table = Table(
        f"In a process with `memory://`, tokens of {TOKEN_BYTES} bytes a session.", ("what", "figure", "goal")
    )
    for name, what in (("allocated", "allocated (tracemalloc)"), ("resident", "resident (RSS)")):
        over = ask(name)["bytes_per_session"] - TOKEN_BYTES
        label = f"bytes per session over its tokens, at {SESSIONS:,} sessions, {what}"
        table.rows.append((label, f"{over:.0f}", report.judge(label, over, GOAL)))
    told = ask("rotating")
    growth = told["end_bytes"] / told["quarter_bytes"] - 1
    label = f"growth of RSS from {REQUESTS // 4:,} to {REQUESTS:,} requests of {ROTATING:,} sessions in turn"
    figure = f"{growth:+.1%} ({told['quarter_bytes'] / 2**20:.1f} to {told['end_bytes'] / 2**20:.1f} MB)"
    table.rows.append((label, figure, report.judge(label, growth, Goal(GROWTH_ALLOWED))))
    label = f"memory blocks kept by {HOT_REQUESTS:,} requests of a known session"
    kept = ask("kept")
    for door, blocks in kept.items():
        table.rows.append((f"{label}, {door}", f"{blocks:.0f}", report.judge(label, blocks, Goal(0, form=".0f"))))
    report.tables.append(table)
    return report


def ask(name: str) -> dict[str, float]:
    """Return what a process of its own tells."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", name]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600).stdout
    figures: dict[str, float] = json.loads(told)
    return figures


def resident_bytes() -> int:
    """Return how much of this process lies in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * PAGE_BYTES


def visit(wrapped: Wrapped, cookie: str) -> None:
    """Send one request, whose Cookie header nobody keeps."""
    wrapped.middleware(environ_of(cookie), start_response)


def fill(wrapped: Wrapped, sessions: int) -> None:
    """Let so many people send a request each."""
    for number in range(sessions):
        visit(wrapped, wrapped.cookie(make_record(number)))
    assert held(wrapped) == sessions


def held(wrapped: Wrapped) -> int:
    """Return how many sessions are remembered, awake and at rest."""
    return len(wrapped.site.near._by_id) + len(wrapped.site.near._resting)


def check(wrapped: Wrapped, sessions: int) -> None:
    """Fail where one of so many sessions is not known any more."""
    known = (wrapped.site.near.find(session_id_of(number)) for number in range(sessions))
    assert all(each is not None and each.record.tokens.refresh_token for each in known)


def allocated() -> dict[str, float]:
    """Measure what is allocated for a session."""
    wrapped = Wrapped(wsgi_app, is_asgi=False, changes={**CONFINED, "cache_size": SESSIONS})
    visit(wrapped, "a=b")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    fill(wrapped, SESSIONS)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    check(wrapped, SESSIONS)
    return {"bytes_per_session": taken / SESSIONS}


def resident() -> dict[str, float]:
    """Measure how much the process grows for a session."""
    wrapped = Wrapped(wsgi_app, is_asgi=False, changes={**CONFINED, "cache_size": SESSIONS})
    visit(wrapped, "a=b")
    gc.collect()
    before = resident_bytes()
    fill(wrapped, SESSIONS)
    gc.collect()
    taken = resident_bytes() - before
    check(wrapped, SESSIONS)
    return {"bytes_per_session": taken / SESSIONS}


def rotating() -> dict[str, float]:
    """Measure whether the process grows where there are more sessions than it may remember."""
    wrapped = Wrapped(wsgi_app, is_asgi=False, changes={**CONFINED, "cache_size": SIZE})
    cookies = [wrapped.cookie(make_record(number)) for number in range(ROTATING)]
    figures: dict[str, float] = {}
    for number in range(REQUESTS):
        if number == REQUESTS // 4:
            figures["quarter_bytes"] = resident_bytes()
        visit(wrapped, cookies[number % ROTATING])
    assert held(wrapped) <= SIZE
    return {**figures, "end_bytes": resident_bytes()}


def kept() -> dict[str, float]:
    """Measure how many blocks requests of a known session leave behind."""
    import asyncio  # noqa: PLC0415 (only here)

    from tests.benchmarks.requests import asgi_app, receive, scope_of, send  # noqa: PLC0415 (as above)

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asgi = Wrapped(asgi_app, is_asgi=True, changes=CONFINED)
    wsgi = Wrapped(wsgi_app, is_asgi=False, changes=CONFINED)
    cookies = {wrapped.is_asgi: wrapped.cookie(make_record(1)) for wrapped in (asgi, wsgi)}

    async def ask_asgi() -> None:
        for _ in range(HOT_REQUESTS):
            await asgi.middleware(scope_of(cookies[True]), receive, send)

    def ask_wsgi() -> None:
        for _ in range(HOT_REQUESTS):
            visit(wsgi, cookies[False])

    return {
        "ASGI": blocks_kept(lambda: loop.run_until_complete(ask_asgi())),
        "WSGI": blocks_kept(ask_wsgi),
    }


def blocks_kept(work: Any) -> int:
    """Return how many blocks more there are after ``work``, without those that counting takes; never less than 0."""
    work()  # It warms up.
    return max(blocks_more(work) - blocks_more(lambda: None), 0)


def blocks_more(work: Any) -> int:
    """Return how many blocks more there are after ``work``."""
    gc.collect()
    before = sys.getallocatedblocks()
    work()
    gc.collect()
    return sys.getallocatedblocks() - before


if __name__ == "__main__":
    asked = {"allocated": allocated, "resident": resident, "rotating": rotating, "kept": kept}
    sys.stdout.write(json.dumps(asked[sys.argv[1]]()))
