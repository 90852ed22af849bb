"""The wrapped echo app for ``gunicorn --preload``: threads of the parent use the middleware while it forks.

The header ``X-Worker`` tells which process answered.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from fotoweb_middleware import FotoWebWSGIMiddleware
from tests.servers.echo_app import wsgi

__all__ = ["application"]

PAUSE_SECONDS = 0.0005


def with_pid(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve the echo app, and tell which process did."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        return start_response(status, [*headers, ("X-Worker", str(os.getpid()))], exc_info)

    return wsgi(environ, start)


application = FotoWebWSGIMiddleware(with_pid)


def use(path: str) -> None:
    """Send requests for ever, with a session that nobody has and a callback that nobody began."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "code=c&state=s",
        "HTTP_COOKIE": "fotoweb=x",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http",
    }
    while True:
        application(dict(environ), lambda *_: None)
        time.sleep(PAUSE_SECONDS)  # Leaves some time to the tests.


for _path in ("/", "/", "/oauth2/callback", "/oauth2/session"):
    threading.Thread(target=use, args=(_path,), daemon=True).start()
