"""One storm on an event loop, in a process that holds what an app's would: ``python -m tests.benchmarks.storming …``.

Python's garbage collector goes through all that is loaded, so neither peers nor the test kit are here, nor what the
development environment alone has. The token endpoint has a process of its own. Whoever asks is a scope and a task,
less than what a server keeps of a request.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.requests import asgi_app, receive, scope_of, send
from tests.benchmarks.sessions import Wrapped, make_record

__all__ = ["Storm", "storm"]

ROOT = Path(__file__).parents[2]
TICK_SECONDS = 0.001
NOT_THERE = (
    "h2",
    "pygments",
    "rich",
    "trio",
)  # httpx and httpcore load them where they find them; an app need not have them.
FULL = 2  # CPython's name for a collection that goes through everything.


@dataclass
class Storm:
    """What came of a storm.

    Attributes:
        refused: Requests that did not get a 200.
        taken_seconds: Until all were answered.
        computing_seconds: Of this process meanwhile.
        blocked_seconds: The longest time in which the loop could do nothing else.
        blocked_computing_seconds: The same in processor time of the loop's thread, which other programs do not raise.
        collections_seconds: How long each full garbage collection took, in processor time.
    """

    refused: int = 0
    taken_seconds: float = 0.0
    computing_seconds: float = 0.0
    blocked_seconds: float = 0.0
    blocked_computing_seconds: float = 0.0
    collections_seconds: list[float] = field(default_factory=list)


def storm(url: str, sessions: int, spread_seconds: float, *, is_frozen: bool) -> Storm:
    """Return what came of a storm in a process of its own.

    Args:
        url: Of the token endpoint.
        sessions: How many, whose tokens have expired.
        spread_seconds: In which their requests come, one after another; 0: all in one moment.
        is_frozen: Whether ``gc.freeze()`` was called when the app had started.
    """
    arguments = [url, str(sessions), str(spread_seconds), str(int(is_frozen))]
    command = [sys.executable, "-m", "tests.benchmarks.storming", *arguments]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout
    return Storm(**json.loads(told))


def main(url: str, sessions: int, spread_seconds: float, *, is_frozen: bool) -> Storm:
    """Let a storm come."""
    logging.getLogger("fotoweb_middleware").setLevel(logging.CRITICAL)  # A thousand failures would be as many lines.
    sys.modules.update(dict.fromkeys(NOT_THERE))  # type: ignore[arg-type]
    wrapped = Wrapped(asgi_app, is_asgi=True, changes={"url": url, "cache": "memory://"})
    cookies = [wrapped.cookie(expired(number)) for number in range(sessions)]
    return asyncio.run(run(wrapped.middleware, cookies, spread_seconds, is_frozen=is_frozen))


def expired(number: int) -> Any:
    """Return the session of somebody whose token has expired."""
    return make_record(number, expires_in_seconds=3599, received_seconds_ago=3600)


async def run(middleware: Any, cookies: list[str], spread_seconds: float, *, is_frozen: bool) -> Storm:
    """Start up as under a server, and let the storm come while Python's next full collection is due.

    So each storm has one, as in a process that has run for a while: there it waits for nothing but objects that last,
    a quarter as many as there are, and a storm brings them.
    """
    await middleware({"type": "lifespan"}, receive, send)  # What calls to FotoWeb need is loaded.
    gc.collect()
    if is_frozen:
        gc.freeze()
    scopes = [scope_of(cookie) for cookie in cookies]
    for _ in range(gc.get_threshold()[FULL] + 1):
        gc.collect(1)
    found = Storm()
    ticking = asyncio.create_task(tick(found))
    await asyncio.sleep(0.05)
    gc.callbacks.append(collection_noter(found))
    await ask_all(middleware, scopes, spread_seconds, found)
    gc.callbacks.pop()
    await asyncio.sleep(0.05)
    ticking.cancel()
    return found


async def ask_all(middleware: Any, scopes: list[Any], spread_seconds: float, found: Storm) -> None:
    """Send all requests as tasks, made as uvicorn makes them."""
    loop, running = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    async def note(message: Any) -> None:
        found.refused += message.get("status", 200) != 200
        await send(message)

    async def one(scope: Any, after_seconds: float) -> None:
        if after_seconds:  # Else the loop would first run a thousand steps that are nobody's.
            await asyncio.sleep(after_seconds)
        await middleware(scope, receive, note)

    began, began_computing = time.perf_counter(), time.process_time()
    steps = spread_seconds / len(scopes)
    for number, scope in enumerate(scopes):
        task = loop.create_task(one(scope, number * steps))
        task.add_done_callback(running.discard)
        running.add(task)
    await asyncio.wait([*running])
    found.taken_seconds = time.perf_counter() - began
    found.computing_seconds = time.process_time() - began_computing


async def tick(found: Storm) -> None:
    """Note how late the loop wakes a task that wants to run a thousand times a second."""
    computing = time.thread_time()
    while True:
        due = time.perf_counter() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        late_seconds, computed = time.perf_counter() - due, time.thread_time() - computing
        computing += computed
        found.blocked_seconds = max(found.blocked_seconds, late_seconds)
        found.blocked_computing_seconds = max(found.blocked_computing_seconds, min(late_seconds, computed))


def collection_noter(found: Storm) -> Any:
    """Return a callback of the garbage collector that notes full collections."""
    began = 0.0

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if info["generation"] == FULL:
            if phase == "start":
                began = time.thread_time()
            else:
                found.collections_seconds.append(time.thread_time() - began)

    return note


if __name__ == "__main__":
    came = main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), is_frozen=sys.argv[4] == "1")
    json.dump(asdict(came), sys.stdout)
