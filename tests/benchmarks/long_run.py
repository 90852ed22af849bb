"""One session over several rechecks of the default cache: what those add, spread over all requests.

A recheck is one request in five seconds; it is not in the fastest turn, so here all turns count, in seconds that the
process computed (its threads included) and not those in which others had the core.
"""

from __future__ import annotations

import time
from typing import Any

from tests.benchmarks.cases import app_of
from tests.benchmarks.peers import reference_pair
from tests.benchmarks.report import Goal, Report, Table
from tests.benchmarks.requests import environ_of, scope_of
from tests.benchmarks.rounds import Candidate
from tests.benchmarks.sessions import Wrapped, make_record

__all__ = ["measure"]

SECONDS = 16.0
"""Longer than two rechecks (``FOTOWEB_CACHE_RECHECK`` is 5)."""
TURN = 300
GOALS = {"ASGI": Goal(0.25), "WSGI": Goal(0.15)}
RECHECKS = 60


def measure(report: Report) -> Table:
    """Return a row for each door."""
    starlette, bare = reference_pair()
    candidates = {"bare ASGI": bare, "starlette": starlette, "bare WSGI": bare_wsgi()}
    doors = {door: wrapped_by_default(is_asgi=door == "ASGI") for door in GOALS}
    candidates |= {door: candidate for door, (_, candidate) in doors.items()}
    mean = mean_seconds(candidates)
    reference = mean["starlette"] - mean["bare ASGI"]
    table = Table(
        f"One session with the default cache (`local://`) for {SECONDS:.0f} seconds, all its rechecks included.",
        ("door", "µs", "ratio", "goal", "µs of one request that rechecks"),
    )
    for door, goal in GOALS.items():
        over = mean[door] - mean[f"bare {door}"]
        recheck = recheck_seconds(*doors[door])
        verdict = report.judge(f"{door}, default cache, rechecks included", over / reference, goal)
        table.rows.append((door, f"{over * 1e6:.2f}", f"{over / reference:.3f}", verdict, f"{recheck * 1e6:.0f}"))
        doors[door][0].close()
    return table


def bare_wsgi() -> Candidate:
    """Return the WSGI app alone."""
    return Candidate(app_of(is_asgi=False), is_asgi=False, make=lambda: [environ_of(None) for _ in range(TURN)])


def wrapped_by_default(*, is_asgi: bool) -> tuple[Wrapped, Candidate]:
    """Return a wrapped app with nothing but defaults, and one session of it."""
    wrapped = Wrapped(app_of(is_asgi), is_asgi, {})
    record = make_record(7)
    wrapped.store([record])
    cookie = wrapped.cookie(record)
    make: Any = scope_of if is_asgi else environ_of
    return wrapped, Candidate(wrapped.middleware, is_asgi, lambda: [make(cookie) for _ in range(TURN)])


def mean_seconds(candidates: dict[str, Candidate]) -> dict[str, float]:
    """Return what one request took on the average of all turns, in seconds of computing."""
    totals, turns = dict.fromkeys(candidates, 0.0), 0
    ends_at = time.monotonic() + SECONDS
    while time.monotonic() < ends_at:
        for name, candidate in candidates.items():
            totals[name] += candidate.turn(time.process_time)
        turns += 1
    return {name: total / turns for name, total in totals.items()}


def recheck_seconds(wrapped: Wrapped, candidate: Candidate) -> float:
    """Return how long one request takes that asks the cache again, in the fastest of several."""
    fastest = float("inf")
    (held,) = wrapped.site.near._by_id.values()
    single = Candidate(candidate.app, candidate.is_asgi, lambda: candidate.make()[:1])
    for _ in range(RECHECKS):
        held.recheck_at = held.current.at_once_until = 0.0
        fastest = min(fastest, single.turn())
    return fastest
