"""What a request of a known session costs, and one for a public path with the same cookies: no socket, ``local://``.

Both are told beside Starlette's SessionMiddleware in the same run, each over the same app alone. All take turns of 50
requests, and the fastest turn of each counts: other programs on the machine only ever make one slower.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import time
from collections.abc import Callable
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
GOALS = {"ASGI": 0.20, "WSGI": 0.14}
Turn = Callable[[], float]


def asgi_turn(loop: asyncio.AbstractEventLoop, app: Any, cookie: str | None, path: str = "/page") -> Turn:
    """Return what sends some requests and returns the seconds that one took."""

    async def run(scopes: list[Any]) -> float:
        began = time.perf_counter()
        for scope in scopes:
            await app(scope, receive, send)
        return time.perf_counter() - began

    def turn() -> float:
        return loop.run_until_complete(run([scope_of(cookie, path) for _ in range(TURN)])) / TURN

    return turn


def wsgi_turn(app: Any, cookie: str | None, path: str = "/page") -> Turn:
    """Return the same for WSGI, where bodies are read and closed as servers do."""

    def turn() -> float:
        environs = [environ_of(cookie, path) for _ in range(TURN)]
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
    asgi, wsgi = Site("asgi", FotoWeb()), Site("wsgi", FotoWeb())
    loop = asyncio.new_event_loop()
    cookies = {"ASGI": asgi.log_in(), "WSGI": wsgi.log_in()}
    turns = {
        "Starlette": asgi_turn(loop, SessionMiddleware(asgi_app, KEY), BESIDE.format(ours=starlette_cookie())),
        "ASGI alone": asgi_turn(loop, asgi_app, None),
        "WSGI alone": wsgi_turn(wsgi_app, None),
    }
    for kind, site in (("ASGI", asgi), ("WSGI", wsgi)):
        alone = BESIDE.format(ours=session_only(cookies[kind]))
        after_login = BESIDE.format(ours=header_of(cookies[kind]))
        for what, cookie, path in (
            ("known session", alone, "/page"),
            ("known session, first two minutes after the login", after_login, "/page"),
            ("public path, same cookies", alone, "/static/app.css"),
        ):
            assert site.send(cookie, path)[0] == 200
            name = f"{kind}, {what}"
            app = site.middleware
            turns[name] = asgi_turn(loop, app, cookie, path) if kind == "ASGI" else wsgi_turn(app, cookie, path)
    fastest = fastest_of(turns)
    reference = fastest.pop("Starlette") - fastest["ASGI alone"]
    alone_seconds = {kind: fastest.pop(f"{kind} alone") for kind in GOALS}
    rows = [("Starlette's SessionMiddleware", f"{reference * 1e6:.1f} µs", "")]
    for name, seconds in fastest.items():
        over = seconds - alone_seconds[name[:4]]
        rows.append((name, f"{over * 1e6:.2f} µs, ratio {over / reference:.3f}", f"at most {GOALS[name[:4]]}"))
    length = len(session_only(cookies["ASGI"]))
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
