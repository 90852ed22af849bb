"""Whole servers under load, with and without us: uvicorn and gunicorn, by the processor time that a request costs.

Both are loaded in turn, from kept connections. ``local://``, a sealed cookie of
1.7 kB between three other cookies.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.requests import NAVIGATION
from tests.benchmarks.sites import BESIDE, FotoWeb, Site, session_only

__all__ = ["measure"]

ROOT = Path(__file__).parents[2]
ROUNDS, ROUND_SECONDS, CONNECTIONS = 7, 1.5, 8
SERVERS = {
    "uvicorn": "-m uvicorn tests.benchmarks.served:{app} --loop uvloop --http httptools --fd {fd} --no-access-log",
    "gunicorn": "-m gunicorn tests.benchmarks.served:{app} --worker-class gthread --threads 8 --bind fd://{fd} "
    "--no-control-socket",
}
GOALS = {"uvicorn": 0.80, "gunicorn": 0.92}


@contextlib.contextmanager
def served(server: str, app: str, folder: str) -> Iterator[tuple[int, int]]:
    """Run a server; return its process id and its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        command = SERVERS[server].format(app=f"{app}_{'asgi' if server == 'uvicorn' else 'wsgi'}", fd=listener.fileno())
        process = subprocess.Popen(
            [sys.executable, *command.split()],
            cwd=ROOT,
            env={**os.environ, "XDG_RUNTIME_DIR": folder},
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        port = listener.getsockname()[1]
    try:
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(20)


def request_bytes(cookie: str) -> bytes:
    """Return a request as a browser sends it; the proxy before the app ended TLS."""
    headers = {**NAVIGATION, "x-forwarded-proto": "https", "cookie": cookie}
    return (
        "GET /page HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    ).encode()


def click(port: int, request: bytes, until: Callable[[], bool], seconds: list[float]) -> None:
    """Send a request again and again over one connection, and note how long each took; all must be 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        while not until():
            began = time.perf_counter()
            connection.sendall(request)
            answer = connection.recv(65_536)
            while not answer.endswith((b"\r\n\r\nok", b"0\r\n\r\n")):  # Whole, or the last chunk.
                answer += connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
            seconds.append(time.perf_counter() - began)


def processor_seconds(pid: int) -> float:
    """Return what a process and its children have computed (Linux: CPUCLOCK_SCHED of a process, to the nanosecond)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    own = time.clock_gettime((~pid << 3) | 2)
    return own + sum(processor_seconds(int(child)) for child in children)


def cost(pid: int, port: int, request: bytes) -> float:
    """Load a server for a while, and return what a request cost it."""
    ends_at, seconds = time.monotonic() + ROUND_SECONDS, list[float]()
    before = processor_seconds(pid)
    clicking = (port, request, lambda: time.monotonic() > ends_at, seconds)
    threads = [threading.Thread(target=click, args=clicking) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (processor_seconds(pid) - before) / len(seconds)


def measure() -> list[tuple[str, str, str]]:
    """Return a row for each figure."""
    rows = []
    for server, goal in GOALS.items():
        with tempfile.TemporaryDirectory(prefix="fotoweb-bench-") as folder, contextlib.ExitStack() as stack:
            Path(folder).chmod(0o700)
            site = Site("wsgi", FotoWeb(), cache="memory://")
            request = request_bytes(BESIDE.format(ours=session_only(site.log_in())))
            running = {app: stack.enter_context(served(server, app, folder)) for app in ("bare", "wrapped")}
            rounds = range(ROUNDS + 1)
            costs = [{app: cost(*place, request) for app, place in running.items()} for _ in rounds][
                1:
            ]  # Warm by then.
        ratio = statistics.median(each["bare"] / each["wrapped"] for each in costs)
        micro = statistics.median(each["wrapped"] for each in costs) * 1e6
        rows.append(
            (f"{server}, wrapped ÷ bare by processor time", f"{ratio:.2f} ({micro:.0f} µs)", f"at least {goal}")
        )
    return rows
