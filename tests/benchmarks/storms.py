"""Part c: many requests whose token has expired or is about to, while FotoWeb takes its time."""

from __future__ import annotations

import functools
import gc
import logging
import math
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from anyio.from_thread import start_blocking_portal

from tests.benchmarks import stale, storming, token_endpoint
from tests.benchmarks.quiet import in_quiet_moments, quiet
from tests.benchmarks.report import Goal, Report, Table
from tests.benchmarks.requests import environ_of, start_response, wsgi_app
from tests.benchmarks.sessions import Wrapped, make_record
from tests.benchmarks.storming import Storm
from tests.storms.kit import storm_asgi, storm_wsgi

__all__ = ["measure"]

CROWDS = (1, 8, 64, 1000)
TRIES = 3
STORMS = 7
SESSIONS = 1000
ANSWER_SECONDS = 0.2
THREADS = 32
ARRIVAL_SECONDS = 0.1
AT_ONCE = Goal(1.5)
BLOCKED = Goal(20, form=".0f")
TRIES_OF_STORMS = (14, 42)
COLUMNS = (
    "how",
    "until all are refreshed",
    "goal",
    "loop blocked at most",
    "goal",
    "full collections",
    "computing",
    "counted, of so many storms",
)
THREADED = Goal(math.ceil(SESSIONS / THREADS) * ANSWER_SECONDS * 1.2)


def measure() -> Report:
    """Measure all storms."""
    logging.getLogger("fotoweb_middleware").setLevel(logging.CRITICAL)  # A thousand failures would be as many lines.
    report = Report()
    report.tables.append(one_session())
    report.tables.append(many_sessions(report))
    report.tables.append(stale.measure(report))
    return report


def one_session() -> Table:
    """Return how long the last of so many requests of one session waits once FotoWeb has answered."""
    table = Table(
        f"Requests of one session on an expired token, all at once, `memory://`, simulated FotoWeb: from its answer to "
        f"the last of theirs, the best of {TRIES}.",
        ("door", *(f"{crowd:,} at once" for crowd in CROWDS), "token calls"),
    )
    for door in ("ASGI", "WSGI, a thread each"):
        figures = []
        for crowd in CROWDS:
            tries = [storm(door, crowd) for _ in range(TRIES)]
            figures.append(min(tries, key=lambda figure: figure.after_answer_seconds))
        cells = [f"{figure.after_answer_seconds * 1e3:.1f} ms" for figure in figures]
        table.rows.append((door, *cells, " / ".join(str(figure.token_calls) for figure in figures)))
    return table


def storm(door: str, crowd: int) -> Any:
    """Send so many requests."""
    if door != "ASGI":
        return storm_wsgi("memory://", crowd)
    with start_blocking_portal("asyncio") as portal:
        return storm_asgi(portal, "memory://", crowd)


def many_sessions(report: Report) -> Table:
    """Return how long it takes until all of so many sessions have their new token."""
    table = Table(
        f"{SESSIONS:,} sessions whose tokens have expired, a request each; token endpoint in a process of its own over "
        f"HTTP, {ANSWER_SECONDS * 1e3:.0f} ms an answer. asyncio: storms in a process of their own each, in "
        "which a full garbage collection is due; the best, the middle and the worst of those that count, in brackets "
        "processor time; the goals are judged by the middle one. Others use the machine too, so those count that "
        "computed at most a tenth longer than the one that computed least. A request that gets no 200 in any of them "
        f"makes the time infinite. Threads: the best of {TRIES}.",
        COLUMNS,
    )
    for name, spread_seconds, is_frozen in (
        ("asyncio, all in one moment", 0.0, False),
        ("asyncio, within 100 ms", ARRIVAL_SECONDS, False),
        ("asyncio, all in one moment, `gc.freeze()` at start-up", 0.0, True),
    ):
        table.rows.append(asyncio_row(report, name, spread_seconds, is_frozen=is_frozen))
    taken_seconds, computing_seconds = min(threaded_storm() for _ in range(TRIES))
    name = f"{THREADS} threads"
    verdict = report.judge(f"{SESSIONS:,} sessions, {name}", taken_seconds, THREADED)
    table.rows.append((name, f"{taken_seconds:.2f} s", verdict, "", "", "", f"{computing_seconds:.2f} s", ""))
    return table


def asyncio_row(report: Report, name: str, spread_seconds: float, *, is_frozen: bool) -> tuple[str, ...]:
    """Let so many storms come, and return what came of those in quiet moments."""
    run = functools.partial(asyncio_storm, spread_seconds, is_frozen=is_frozen)
    tried = in_quiet_moments(run, STORMS, TRIES_OF_STORMS)
    storms = quiet(tried)
    what = f"{SESSIONS:,} sessions, {name}"
    is_refused = any(storm.refused for storm in tried)  # One request that got no 200, in whatever moment, is too much.
    taken = sorted(math.inf if is_refused else storm.taken_seconds for storm in storms)
    blocked = sorted(storm.blocked_seconds * 1e3 for storm in storms)
    computing = sorted(storm.blocked_computing_seconds * 1e3 for storm in storms)
    collections = [seconds for storm in storms for seconds in storm.collections_seconds]
    return (
        name,
        f"{three_of(taken, '.2f')} s",
        report.judge(what, statistics.median(taken), AT_ONCE),
        f"{three_of(blocked, '.0f')} ms ({three_of(computing, '.0f')} ms)",
        report.judge(f"{what}, loop blocked (ms)", statistics.median(blocked), BLOCKED),
        f"{len(collections)} in {len(storms)} storms, {min(collections, default=0) * 1e3:.0f} ms",
        f"{min(storm.computing_seconds for storm in storms):.2f} s",
        f"{len(storms)} of {len(tried)}",
    )


def three_of(figures: list[float], form: str) -> str:
    """Return the best, the middle and the worst of sorted figures; infinite is where somebody got no 200."""
    return " / ".join(format(figure, form) for figure in (figures[0], statistics.median(figures), figures[-1]))


def asyncio_storm(spread_seconds: float, *, is_frozen: bool) -> Storm:
    """Return what came of one storm."""
    with token_endpoint.running(ANSWER_SECONDS, 3600) as endpoint:
        return storming.storm(endpoint.url, SESSIONS, spread_seconds, is_frozen=is_frozen)


@contextmanager
def expired() -> Iterator[tuple[Wrapped, list[str]]]:
    """Wrap an app at a slow token endpoint; the Cookie headers are of people whose tokens have expired."""
    with token_endpoint.running(ANSWER_SECONDS, 3600) as endpoint:
        changes = {"url": endpoint.url, "cache": "memory://"}
        wrapped = Wrapped(wsgi_app, is_asgi=False, changes=changes)
        people = [make_record(number, expires_in_seconds=3599, received_seconds_ago=3600) for number in range(SESSIONS)]
        wrapped.prepare()
        gc.collect()
        yield wrapped, [wrapped.cookie(person) for person in people]


def threaded_storm() -> tuple[float, float]:
    """Return how long all requests took in so many threads, and the computing, in seconds."""
    with expired() as (wrapped, cookies), ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda _number: time.sleep(0.01), range(THREADS)))  # Threads start when there is work.
        began, began_computing = time.perf_counter(), time.process_time()
        bodies = list(threads.map(lambda cookie: wrapped.middleware(environ_of(cookie), start_response), cookies))
        taken, computing = time.perf_counter() - began, time.process_time() - began_computing
        assert [b"".join(body) for body in bodies] == [b"ok"] * SESSIONS
        return taken, computing
