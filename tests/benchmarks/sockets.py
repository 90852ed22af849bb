"""Part b: whole servers under load, with and without us, at once: so both find the same machine.

What counts is the processor time that a request costs the server; other programs on the machine don't stand in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers import flask_cookie, starlette_cookie
from tests.benchmarks.report import Goal, Report, Table
from tests.benchmarks.requests import NAVIGATION, wsgi_app
from tests.benchmarks.sessions import Wrapped, make_record

__all__ = ["measure", "served"]

ROOT = Path(__file__).parents[2]
ROUNDS = 5
ROUND_SECONDS = 4
CONNECTIONS = 8
START_SECONDS = 20
TICKS = os.sysconf("SC_CLK_TCK")
SERVERS = {
    "uvicorn": "-m uvicorn tests.benchmarks.served:{app} --loop uvloop --http httptools --port {port} "
    "--no-access-log --log-level warning",
    "gunicorn": "-m gunicorn tests.benchmarks.served:{app} --worker-class gthread --workers 1 --threads 4 "
    "--bind 127.0.0.1:{port} --log-level warning",
}


@dataclass(frozen=True)
class Loaded:
    """One server under load.

    Attributes:
        label: What it serves.
        app: Its name in ``served.py``.
        cookie: Whose Cookie header it gets.
        over: The app of the same server that does the same without it; None for those themselves.
        goal: Throughput of that one ÷ of this one, both by processor time.
    """

    label: str
    app: str
    cookie: str
    over: str | None = None
    goal: Goal | None = None


LOADED = {
    "uvicorn": [
        Loaded("the app alone", "bare_asgi", "ours"),
        Loaded("wrapped, all defaults", "wrapped_asgi", "ours", "bare_asgi", Goal(0.82, is_floor=True)),
        Loaded("in Starlette's SessionMiddleware", "starlette_asgi", "starlette", "bare_asgi"),
    ],
    "gunicorn": [
        Loaded("the app alone", "bare_wsgi", "ours"),
        Loaded("wrapped, all defaults", "wrapped_wsgi", "ours", "bare_wsgi", Goal(0.94, is_floor=True)),
        Loaded("the app in Flask, without session", "bare_flask_wsgi", "flask"),
        Loaded("the same with Flask's session", "flask_wsgi", "flask", "bare_flask_wsgi"),
    ],
}


def measure() -> Report:
    """Load every server, all of one kind at once."""
    if shutil.which("wrk") is None:
        return Report(notes=["wrk is not installed (on Debian: apt-get install wrk): nothing was sent over sockets."])
    report = Report()
    cookies = make_cookies()
    cores = sorted(os.sched_getaffinity(0))
    for server, loaded in LOADED.items():
        costs = cost_of_each(server, loaded, cookies, cores[0], cores[-1])
        table = Table(
            f"{server}, one worker, {CONNECTIONS} kept connections each, all servers of the table at once: the median "
            f"of {ROUNDS} times {ROUND_SECONDS} seconds.",
            ("what is served", "µs of processor time a request", "throughput, wrapped ÷ bare", "goal"),
        )
        for each in loaded:
            ratios = [
                before / after for before, after in zip(costs[each.over or each.app], costs[each.app], strict=True)
            ]
            ratio = statistics.median(ratios)
            row = (each.label, f"{statistics.median(costs[each.app]):.1f}")
            verdict = report.judge(f"{server}, {each.label}", ratio, each.goal)
            table.rows.append((*row, f"{ratio:.2f}" if each.over else "", verdict))
        report.tables.append(table)
    return report


def make_cookies() -> dict[str, str]:
    """Return the Cookie headers of people who are logged in."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    ours = Wrapped(wsgi_app, is_asgi=False, changes={"cache": "memory://"}).cookie(make_record(1))
    return {"ours": ours, "starlette": starlette_cookie(), "flask": flask_cookie()}


def cost_of_each(
    server: str, loaded: list[Loaded], cookies: dict[str, str], server_core: int, driver_core: int
) -> dict[str, list[float]]:
    """Return what one request cost each server in each round, in microseconds of processor time."""
    costs: dict[str, list[float]] = {each.app: [] for each in loaded}
    with contextlib.ExitStack() as stack:
        running = {each.app: stack.enter_context(served(server, each.app, server_core)) for each in loaded}
        for number in range(ROUNDS + 1):
            before = {app: processor_seconds(process.pid) for app, (process, _) in running.items()}
            drivers = {each.app: load(running[each.app][1], cookies[each.cookie], driver_core) for each in loaded}
            done = {app: requests_done(driver) for app, driver in drivers.items()}
            for app, (process, _) in running.items():
                if number:  # The first round warms up.
                    costs[app].append((processor_seconds(process.pid) - before[app]) / done[app] * 1e6)
    return costs


@contextlib.contextmanager
def served(server: str, app: str, core: int, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a server on one core; return its process and port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="fotoweb-bench-") as folder:
        Path(folder).chmod(0o700)
        process = subprocess.Popen(
            ["taskset", "-c", str(core), sys.executable, *SERVERS[server].format(app=app, port=port).split()],
            cwd=ROOT,
            env={**os.environ, "XDG_RUNTIME_DIR": folder, **variables},
        )
        try:
            wait_until_served(process, port)
            yield process, port
        finally:
            process.terminate()
            process.wait(10)


def wait_until_served(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until something listens.

    Raises:
        RuntimeError: The server ended, or took too long.
    """
    ends_at = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < ends_at:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    msg = f"{process.args!r} did not start"
    raise RuntimeError(msg)


def load(port: int, cookie: str, core: int) -> subprocess.Popen[str]:
    """Begin to send requests, once one was answered."""
    headers = {name: value for name, value in NAVIGATION.items() if name not in {"host", "connection"}}
    headers["cookie"] = cookie
    url = f"http://127.0.0.1:{port}/page"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        assert answer.read() == b"ok"
    lines = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{ROUND_SECONDS}s", *lines, url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def requests_done(driver: subprocess.Popen[str]) -> int:
    """Return how many requests were answered, all of them with success.

    Raises:
        RuntimeError: Some were not.
    """
    told, _ = driver.communicate(timeout=ROUND_SECONDS + 20)
    found = re.search(r"(\d+) requests in", told)
    if found is None or "Non-2xx" in told:
        raise RuntimeError(told)
    return int(found[1])


def processor_seconds(pid: int) -> float:
    """Return what a process and its children have computed."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="utf-8").split()
    ]
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(map(processor_seconds, children))
