"""What this process remembers of sessions goes through forks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, get_session
from fotoweb_middleware.caches import forks
from fotoweb_middleware.caches.forks import keep_over_forks
from fotoweb_middleware.site.near import NearCache
from tests.drivers.forking import forked, held_elsewhere, insist, repeated_elsewhere, run_trial
from tests.settings.samples import settings
from tests.site.samples import NOW, a_near, a_record

COOKIE = "a-cookie-that-was-verified-and-is-as-long-as-one"


def kept_near(size: int = 10, least_awake: int = 10) -> NearCache:
    """Return a memory that goes through forks."""
    near = a_near(size, least_awake=least_awake)
    keep_over_forks(near)
    return near


def known(near: NearCache) -> None:
    """Let a session and its cookie be known."""
    near.remember(f"__Host-fotoweb={COOKIE}", near.adopt(a_record("known")), 1)


# --------------------------------------------------------------------------------------------- through the doors


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    """Tell in the status whose session it is."""
    session = get_session(scope)
    insist(session is not None and session.access_token == "access-1")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask_asgi(middleware: FotoWebASGIMiddleware) -> int:
    """Send a request with the cookie, and return the status."""
    statuses: list[int] = []

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    headers = [(b"host", b"app.example"), (b"cookie", f"__Host-fotoweb={COOKIE}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": "https", "headers": headers}
    anyio.run(middleware, scope, None, send)
    return statuses[0]


def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    """Tell in the status whose session it is."""
    session = get_session(environ)
    insist(session is not None and session.access_token == "access-1")
    start_response("200 OK", [])
    return [b""]


def ask_wsgi(middleware: FotoWebWSGIMiddleware) -> int:
    """Send a request with the cookie, and return the status."""
    statuses: list[str] = []
    cookie = f"__Host-fotoweb={COOKIE}"
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "app.example", "HTTP_COOKIE": cookie}
    environ["wsgi.url_scheme"] = "https"
    middleware(environ, lambda status, _headers, _info=None: statuses.append(status))
    return int(statuses[0].split()[0])


def try_asgi() -> None:
    """Fork while another thread is in the memory of the ASGI door."""
    given = settings(cache="memory://")
    asgi = FotoWebASGIMiddleware(asgi_app, given, clock=lambda: NOW)
    near = asgi._gate.site.near
    known(near)
    with held_elsewhere(near.lock):
        forked(lambda: insist(ask_asgi(asgi) == 200))


def try_wsgi() -> None:
    """Fork while another thread is in the memory of the WSGI door."""
    given = settings(cache="memory://")
    wsgi = FotoWebWSGIMiddleware(wsgi_app, given, clock=lambda: NOW)
    near = wsgi._gate.site.near
    known(near)
    with held_elsewhere(near.lock):
        forked(lambda: insist(ask_wsgi(wsgi) == 200))


@pytest.mark.parametrize("trial", [try_asgi, try_wsgi])
def test_lock_held_by_another_thread(trial: Callable[[], None]) -> None:
    """A child serves who was logged in before the fork, whatever the other threads of its parent were at."""
    run_trial(trial)


# ------------------------------------------------------------------------------------------------- what is kept


def try_what_is_kept() -> None:
    """Fork with a session, a tombstone, and a burial that the cache was not told of."""
    near = kept_near()
    known(near)
    near.bury("buried", 60)
    near.owe_burial("owed")

    def check() -> None:
        insist(near.seen(f"__Host-fotoweb={COOKIE}") is not None, near.find("known") is not None)
        insist(near.is_buried("buried"), near.owed_burials() == ["owed"])

    forked(check)


def test_what_is_kept() -> None:
    """Sessions, tombstones and owed burials are known in the child."""
    run_trial(try_what_is_kept)


def try_what_rests() -> None:
    """Fork with a session at rest, and wake it in the child, where the lock is a new one."""
    near = kept_near(least_awake=1)
    known(near)
    near.adopt(a_record("awake"))

    def check() -> None:
        insist([*near._resting] == ["known"], near.adopt(a_record("known", 2)).record.version == 2)
        insist([*near._resting] == ["awake"])

    forked(check)
    insist([*near._resting] == ["known"])


def test_what_rests() -> None:
    """Sessions at rest are known in the child, and wake there; the parent's go on resting."""
    run_trial(try_what_rests)


def try_hammer(least_awake: str) -> None:
    """Fork again and again while threads change everything as fast as they can."""
    awake = int(least_awake)
    near = kept_near(50, awake)

    def change() -> None:
        for number in range(100):
            near.remember(f"c{number}", near.adopt(a_record(f"s{number}", time.monotonic_ns())), 1)
            near.seen(f"c{number - 20}")
            near.bury(f"b{number}", 60)

    def check() -> None:
        for number in range(200):
            near.remember(f"n{number}", near.adopt(a_record(f"t{number}")), 1)
        insist(sum(near.seen(f"n{number}") is not None for number in range(200)) == awake)
        insist(len(near.by_identity) == awake, near.is_buried("b0"))
        insist(all(near.find(f"t{number}") is not None for number in range(150, 200)))

    change()
    with repeated_elsewhere(change, change, change):
        for _ in range(20):
            forked(check)


@pytest.mark.parametrize("least_awake", [5, 50])
def test_forks_while_threads_work(least_awake: int) -> None:
    """No child finds anything locked or half changed, however busy the threads of its parent are."""
    run_trial(try_hammer, str(least_awake))


def try_fork_under_own_lock() -> None:
    """Fork in the middle of a change of the thread's own, as a signal handler may."""
    forks.PATIENCE_SECONDS = 0.1
    near = kept_near(least_awake=1)
    near.adopt(a_record("resting"))
    known(near)

    def check() -> None:
        insist(
            near.find("resting") is None,
            near.seen(f"__Host-fotoweb={COOKIE}") is None,
            near.adopt(a_record("known")).live,
        )

    with near.lock:
        forked(check)
    insist(near.seen(f"__Host-fotoweb={COOKIE}") is not None, near.find("resting") is not None)


def test_fork_in_the_middle_of_a_change() -> None:
    """The child forgets what may be half changed; the parent forgets nothing."""
    run_trial(try_fork_under_own_lock)
