"""What a request of a known session costs, over each kind of store, and one for a public path: no socket.

The Cookie header is a new object in each request, as servers make it. Beside ours stand three cookies of the app; they
stay the same, or one of them changes with every request, as those of analytics do.

All are told beside Starlette's SessionMiddleware in the same run, each over the same app alone. All take turns of 50
requests, and the fastest turn of each counts: other programs on the machine only ever make one slower.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import itertools
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import itsdangerous
from starlette.middleware.sessions import SessionMiddleware

from tests.benchmarks.requests import asgi_app, environ_of, receive, scope_of, send, start_response, wsgi_app
from tests.benchmarks.sites import (
    ACCESS_CHARACTERS,
    BESIDE,
    REFRESH_CHARACTERS,
    FotoWeb,
    Site,
    header_of,
    session_only,
)

__all__ = ["measure"]

ROUNDS, TURN = 400, 50
KEY = "k" * 40
GOALS = {"ASGI": 0.30, "WSGI": 0.20}
STORES: dict[str, dict[str, Any]] = {
    "local://": {"cache": "local://"},
    "memory://": {"cache": "memory://"},
    "reference mode": {"cookie_mode": "reference"},
}
Turn = Callable[[], float]


def headers_of(cookie: str | None) -> list[str | None]:
    """Return the Cookie headers of one turn: the same, or each another where ``cookie`` has a ``{number}``."""
    return [cookie and cookie.replace("{number}", str(1_000_000 + number)) for number in range(TURN)]


def asgi_turn(loop: asyncio.AbstractEventLoop, app: Any, cookie: str | None, path: str = "/page") -> Turn:
    """Return what sends some requests and returns the seconds that one took."""

    async def run(scopes: list[Any]) -> float:
        began = time.perf_counter()
        for scope in scopes:
            await app(scope, receive, send)
        return time.perf_counter() - began

    def turn() -> float:
        return loop.run_until_complete(run([scope_of(each, path) for each in headers_of(cookie)])) / TURN

    return turn


def wsgi_turn(app: Any, cookie: str | None, path: str = "/page") -> Turn:
    """Return the same for WSGI, where bodies are read and closed as servers do."""

    def turn() -> float:
        environs = [environ_of(each, path) for each in headers_of(cookie)]
        began = time.perf_counter()
        for environ in environs:
            body = app(environ, start_response)
            for _ in body:
                pass
            if hasattr(body, "close"):
                body.close()
        return (time.perf_counter() - began) / TURN

    return turn


def starlette_cookie() -> str:
    """Return the session cookie with the same two tokens that Starlette would have set."""
    tokens = {"access_token": "a" * ACCESS_CHARACTERS, "refresh_token": "r" * REFRESH_CHARACTERS}
    data = base64.b64encode(json.dumps({**tokens, "expires_at": int(time.time()) + 3600}).encode())
    return f"session={itsdangerous.TimestampSigner(KEY).sign(data).decode()}"


def measure() -> list[tuple[str, str, str]]:
    """Return a row for each figure: what, how much, the goal."""
    loop = asyncio.new_event_loop()
    turns = {
        "Starlette": asgi_turn(loop, SessionMiddleware(asgi_app, KEY), BESIDE.format(ours=starlette_cookie())),
        "ASGI alone": asgi_turn(loop, asgi_app, None),
        "WSGI alone": wsgi_turn(wsgi_app, None),
    }
    length = 0
    for kind, (store, settings) in itertools.product(GOALS, STORES.items()):
        site = Site(kind.lower(), FotoWeb(), **settings)
        cookies = site.log_in()
        same = BESIDE.format(ours=session_only(cookies))
        length = max(length, len(session_only(cookies)))
        changing = same.replace("1234567890.1234567890", "1234567890.{number}")
        cases = {f"{store}, same header": (same, "/page"), f"{store}, changing header": (changing, "/page")}
        if store == "local://":
            cases["public path"] = (same, "/static/app.css")
        if store == "memory://":
            cases = {"first two minutes after the login": (BESIDE.format(ours=header_of(cookies)), "/page")}
        for what, (cookie, path) in cases.items():
            assert site.send(cookie, path)[0] == 200
            app = site.middleware
            make = partial(asgi_turn, loop) if kind == "ASGI" else wsgi_turn
            turns[f"{kind}, {what}"] = make(app, cookie, path)
    fastest = fastest_of(turns)
    reference = fastest.pop("Starlette") - fastest["ASGI alone"]
    alone_seconds = {kind: fastest.pop(f"{kind} alone") for kind in GOALS}
    rows = [("Starlette's SessionMiddleware", f"{reference * 1e6:.1f} µs", "")]
    for name, seconds in fastest.items():
        over = seconds - alone_seconds[name[:4]]
        rows.append((name, f"{over * 1e6:.2f} µs, ratio {over / reference:.3f}", f"at most {GOALS[name[:4]]}"))
    return [*rows, ("the session's cookie", f"{length} characters", "1.7 kB")]


def fastest_of(turns: dict[str, Turn]) -> dict[str, float]:
    """Return the seconds of a request in the fastest turn of each."""
    fastest = dict.fromkeys(turns, float("inf"))
    for _ in range(ROUNDS):
        for name, turn in turns.items():
            gc.disable()
            fastest[name] = min(fastest[name], turn())
            gc.enable()
    return fastest
