"""The app of ``inner_pages``, which also writes down every call that reaches it; loggers speak at DEBUG here.

A line of JSON for each call goes to the file that ``ATTACKS_WITNESS`` names, before the call is answered.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable
from typing import Any

from fotoweb_middleware import get_session
from tests.attacks import inner_pages

__all__ = ["WITNESS", "asgi", "wsgi"]

WITNESS = "ATTACKS_WITNESS"

if WITNESS in os.environ:  # Not where a test only imports this.
    logging.basicConfig(level=logging.DEBUG)  # Of all libraries: the oracle looks for secrets in what is printed.


def write_down(path: str, token: str | None, names: list[str]) -> None:
    """Write one line; a single small write to the end of a file is not torn."""
    line = json.dumps({"path": path, "token": token, "headers": names}) + "\n"
    with open(os.environ[WITNESS], "a", encoding="utf-8") as file:  # noqa: PTH123 (as short as it gets)
        file.write(line)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Serve the app to an ASGI server."""
    if scope["type"] != "lifespan":
        session = get_session(scope)
        names = [name.decode("latin-1").lower() for name, _ in scope["headers"]]
        write_down(scope["path"], session.access_token if session else None, names)
    await inner_pages.asgi(scope, receive, send)


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve the app to a WSGI server."""
    session = get_session(environ)
    names = [key[5:].replace("_", "-").lower() for key in environ if key.startswith("HTTP_")]
    write_down(environ["PATH_INFO"], session.access_token if session else None, names)
    return inner_pages.wsgi(environ, start_response)
