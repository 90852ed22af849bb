"""Part c, stale tokens: does a request that comes while its session is refreshed take longer than any other?

A real uvicorn, a token that lives so short that it is stale most of the time, and an endpoint that takes half a second.
One client asks at a steady pace and keeps its cookie up to date; afterwards its requests are told apart by whether they
came during a call of the endpoint.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import time
from dataclasses import dataclass

from tests.benchmarks import token_endpoint
from tests.benchmarks.report import Goal, Report, Table
from tests.benchmarks.requests import NAVIGATION, wsgi_app
from tests.benchmarks.sessions import Wrapped, make_record
from tests.benchmarks.sockets import served

__all__ = ["measure"]

ANSWER_SECONDS = 0.5
EXPIRES_IN_SECONDS = 4
"""Stale after half of it, so that a call of half a second comes every two and a half."""
PACE_SECONDS = 0.002
RUN_SECONDS = 50
RUNS = 3
GOAL = Goal(1.05)
NEW_COOKIE = re.compile(rb"set-cookie: (__Host-fotoweb=[^;]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Run:
    """What came of asking for a while.

    Attributes:
        during: What each request took that came during a call of the endpoint, in seconds.
        fresh: The same of requests that came well before or after one.
        calls: How often the endpoint was called.
    """

    during: list[float]
    fresh: list[float]
    calls: int

    @property
    def ratio(self) -> float:
        """What 99 of 100 stay below during a call, by what they stay below otherwise."""
        return percentile_99(self.during) / percentile_99(self.fresh)


def measure(report: Report) -> Table:
    """Ask for a while, a few times, and compare."""
    run = sorted((ask_for_a_while() for _ in range(RUNS)), key=lambda run: run.ratio)[RUNS // 2]
    table = Table(
        f"Requests over a socket (uvicorn), one each {PACE_SECONDS * 1e3:.0f} ms, while the session's stale token is "
        f"refreshed ({ANSWER_SECONDS * 1e3:.0f} ms, {run.calls} times) and while it is fresh; of {RUNS} runs the one "
        "with the ratio in the middle.",
        ("token", "requests", "median", "p99", "goal for p99, during ÷ fresh"),
    )
    for name, took in (("being refreshed", run.during), ("fresh", run.fresh)):
        median = f"{statistics.median(took) * 1e3:.2f} ms"
        table.rows.append((name, f"{len(took):,}", median, f"{percentile_99(took) * 1e3:.2f} ms", ""))
    verdict = report.judge("stale: p99 during the refresh ÷ p99 fresh", run.ratio, GOAL)
    table.rows.append(("ratio", "", "", f"{run.ratio:.2f}", verdict))
    return table


def ask_for_a_while() -> Run:
    """Start a server, and ask it."""
    with token_endpoint.running(ANSWER_SECONDS, EXPIRES_IN_SECONDS) as endpoint:
        wrapped = Wrapped(wsgi_app, is_asgi=False, changes={"url": endpoint.url, "cache": "memory://"})
        cookie = wrapped.cookie(make_record(1, expires_in_seconds=EXPIRES_IN_SECONDS))
        core = min(os.sched_getaffinity(0))
        with served("uvicorn", "wrapped_asgi", core, BENCH_URL=endpoint.url, BENCH_CACHE="memory://") as (_, port):
            times = asyncio.run(ask_steadily(port, cookie))
    answers = endpoint.answers  # Which it tells when it ends.
    during = [took for began, took in times if any(b <= began < e for b, e in answers)]
    fresh = [took for began, took in times if not any(b - 0.1 <= began < e + 0.1 for b, e in answers)]
    return Run(during, fresh, len(answers))


async def ask_steadily(port: int, cookie: str) -> list[tuple[float, float]]:
    """Return when each request was sent and how long its answer took, in seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    headers = "".join(f"{name}: {value}\r\n" for name, value in NAVIGATION.items())
    times: list[tuple[float, float]] = []
    ends_at = time.monotonic() + RUN_SECONDS
    while (began := time.monotonic()) < ends_at:
        writer.write(f"GET /page HTTP/1.1\r\n{headers}cookie: {cookie}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        while await reader.readline() != b"0\r\n":
            pass
        await reader.readline()
        times.append((began, time.monotonic() - began))
        assert head.startswith(b"HTTP/1.1 200"), head
        if found := NEW_COOKIE.search(head):
            cookie = found[1].decode()
        await asyncio.sleep(max(0, PACE_SECONDS - (time.monotonic() - began)))
    writer.close()
    return times


def percentile_99(seconds: list[float]) -> float:
    """Return what 99 of 100 stay below."""
    return statistics.quantiles(seconds, n=100)[98]
