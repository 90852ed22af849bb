"""The wrapped echo app for ``gunicorn --preload``: threads of the parent use the middleware while it forks.

The header ``X-Worker`` tells which process answered.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from fotoweb_middleware import FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.effects import Flow, GetDocument, TakeLease
from fotoweb_middleware.errors import FotoWebMiddlewareError
from tests.servers.echo_app import wsgi

__all__ = ["application"]

PARENT = os.getpid()
SLOW_SECONDS = 0.002


def slow_in_parent() -> float:
    """Tell the time; in the parent it takes a while, so that its threads hold locks nearly always."""
    if os.getpid() == PARENT:
        time.sleep(SLOW_SECONDS)
    return time.monotonic()


def with_pid(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve the echo app, and tell which process did."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        return start_response(status, [*headers, ("X-Worker", str(os.getpid()))], exc_info)

    return wsgi(environ, start)


settings = Settings()
application = FotoWebWSGIMiddleware(with_pid, settings, monotonic=slow_in_parent)
near, driver = application._gate.site.near, application._driver
near.bury("somebody", 1e9)


def ask() -> None:
    """Send a request with a cookie that means nothing."""
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_COOKIE": "fotoweb=x", "HTTP_HOST": "localhost"}
    application(environ, lambda *_: None)


def look_up() -> None:
    """Look for a tombstone; that it is there and still valid takes a look at the clock."""
    near.is_buried("somebody")


def call() -> None:
    """Hold a lease of this process, and call FotoWeb under it."""

    def flow() -> Flow[None]:
        yield from TakeLease(f"key {threading.get_ident()}", 60, local_only=True)
        yield from GetDocument(f"{settings.url}/fotoweb/me", "application/json", "a-token-that-nobody-issued")

    with contextlib.suppress(FotoWebMiddlewareError):
        driver.run(flow())


def repeat(work: Callable[[], None], pause_seconds: float) -> None:
    """Do it for ever, but leave some time to the tests."""
    while True:
        work()
        time.sleep(pause_seconds)


for _work, _pause_seconds in ((ask, 0.01), (look_up, 0.0005), (look_up, 0.0005), (call, 0.02), (call, 0.02)):
    threading.Thread(target=repeat, args=(_work, _pause_seconds), daemon=True).start()
