"""What others do about sessions, with the same two tokens in theirs: the reference, and peers beside it.

Each stands for the same work as ours: at the end of it the app has the tokens of whoever sent the request.
"""

from __future__ import annotations

import asyncio
import base64
import http.cookies
import json
import time
import types
from collections.abc import Callable
from typing import Any

import django
import flask
import itsdangerous
from authlib.oauth2.rfc6749 import OAuth2Token
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.urls import path as django_path
from starlette.middleware.sessions import SessionMiddleware
from starsessions import CookieStore, InMemoryStore, SessionAutoloadMiddleware
from starsessions import SessionMiddleware as StarsessionsMiddleware

from tests.benchmarks.requests import asgi_app, environ_of, receive, scope_of
from tests.benchmarks.rounds import Candidate
from tests.benchmarks.sessions import TOKEN_BYTES

__all__ = [
    "KEY",
    "PEERS",
    "REFERENCE",
    "flask_app",
    "flask_cookie",
    "peer_candidates",
    "reference_pair",
    "starlette_cookie",
]

REFERENCE = "Starlette SessionMiddleware"
KEY = "k" * 40
TOKENS = {"access_token": "a" * (TOKEN_BYTES // 2), "refresh_token": "r" * (TOKEN_BYTES // 2)}
TURN = 100

PEERS = {
    REFERENCE: "ASGI",
    "Starlette session, Authlib's expiry check": "ASGI",
    "starsessions, memory": "ASGI",
    "starsessions, cookie": "ASGI",
    "Flask session": "WSGI",
    "Django, signed cookies": "WSGI",
    "Django, cache session in memory": "WSGI",
}
"""Each with its door."""


def peer_candidates() -> dict[str, tuple[Candidate, Candidate]]:
    """Return each peer, and the same app without it."""
    reference, bare = reference_pair()
    pairs = {REFERENCE: (reference, bare)}
    checked = SessionMiddleware(expiry_checking_app, KEY)
    pairs["Starlette session, Authlib's expiry check"] = (asgi(checked, starlette_cookie()), bare)
    pairs["starsessions, memory"] = (starsessions_candidate(InMemoryStore()), bare)
    pairs["starsessions, cookie"] = (starsessions_candidate(CookieStore(KEY)), bare)
    pairs["Flask session"] = flask_pair()
    engines = {"Django, signed cookies": "signed_cookies", "Django, cache session in memory": "cache"}
    return {**pairs, **django_pairs(engines)}


def reference_pair() -> tuple[Candidate, Candidate]:
    """Return Starlette's middleware, and the app alone."""
    return asgi(SessionMiddleware(asgi_app, KEY), starlette_cookie()), asgi(asgi_app, None)


def asgi(app: Any, cookie: str | None) -> Candidate:
    """Return a candidate for the ASGI door."""
    return Candidate(app, is_asgi=True, make=lambda: [scope_of(cookie) for _ in range(TURN)])


def wsgi(app: Any, cookie: str | None) -> Candidate:
    """Return a candidate for the WSGI door."""
    return Candidate(app, is_asgi=False, make=lambda: [environ_of(cookie) for _ in range(TURN)])


def starlette_cookie() -> str:
    """Return the Cookie header that Starlette's middleware would have set."""
    token = {**TOKENS, "expires_at": int(time.time()) + 3600}
    data = base64.b64encode(json.dumps(token).encode())
    return f"session={itsdangerous.TimestampSigner(KEY).sign(data).decode()}"


async def expiry_checking_app(scope: Any, receive: Any, send: Any) -> None:
    """Answer "ok" where the token in the session is fresh, as far as Authlib can tell."""
    assert OAuth2Token.from_dict(scope["session"]).is_expired() is False
    await asgi_app(scope, receive, send)


def starsessions_candidate(store: Any) -> Candidate:
    """Return starsessions with one of its stores, and a browser that has its cookie."""
    wrapped = StarsessionsMiddleware(SessionAutoloadMiddleware(asgi_app), store=store, lifetime=3600)
    told: list[str] = []

    async def begin(scope: Any, receive: Any, send: Any) -> None:
        scope["session"].update(TOKENS)
        await asgi_app(scope, receive, send)

    async def note(message: Any) -> None:
        told.extend(value.decode() for name, value in message.get("headers", ()) if name.lower() == b"set-cookie")

    first = StarsessionsMiddleware(SessionAutoloadMiddleware(begin), store=store, lifetime=3600)
    asyncio.get_event_loop().run_until_complete(first(scope_of(None), receive, note))
    return asgi(wrapped, told[0].partition(";")[0])


def cookie_set_by(app: Callable[..., Any], path: str) -> str:
    """Return the Cookie header that a WSGI app makes a browser send."""
    jar: http.cookies.SimpleCookie = http.cookies.SimpleCookie()

    def start(_status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
        for name, value in headers:
            if name == "Set-Cookie":
                jar.load(value)

    for _chunk in app(environ_of(None, path), start):
        pass
    return "; ".join(f"{name}={morsel.coded_value}" for name, morsel in jar.items())


def flask_app(key: str | None) -> Any:
    """Return a Flask app that reads its session, or where there is no key one that has none."""
    app = flask.Flask(__name__)
    app.secret_key = key
    app.add_url_rule("/login", "login", begin_flask_session)
    app.add_url_rule(
        "/page", "page", (lambda: "ok" if flask.session["access_token"] else "none") if key else lambda: "ok"
    )
    return app.wsgi_app


def begin_flask_session() -> str:
    """Put the tokens into the session."""
    flask.session.update(TOKENS)
    return "ok"


def flask_pair() -> tuple[Candidate, Candidate]:
    """Return Flask with a session and without."""
    app = flask_app(KEY)
    return wsgi(app, flask_cookie()), wsgi(flask_app(None), None)


def flask_cookie() -> str:
    """Return the Cookie header of a browser that is logged in."""
    return cookie_set_by(flask_app(KEY), "/login")


def django_pairs(engines: dict[str, str]) -> dict[str, tuple[Candidate, Candidate]]:
    """Return Django with each kind of session, and without any."""

    def login(request: Any) -> HttpResponse:
        request.session.update(TOKENS)
        return HttpResponse("ok")

    def page(request: Any) -> HttpResponse:
        return HttpResponse("ok" if request.session["access_token"] else "none")

    urls: Any = types.ModuleType("urls")
    urls.urlpatterns = [
        django_path("login", login),
        django_path("page", page),
        django_path("bare", lambda _request: HttpResponse("ok")),
    ]
    django_settings.configure(SECRET_KEY=KEY, ALLOWED_HOSTS=["app.test"], ROOT_URLCONF=urls, MIDDLEWARE=[])
    django.setup()
    from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415 (only once the settings are there)

    bare = WSGIHandler()
    pairs = {}
    for name, engine in engines.items():
        django_settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
        django_settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
        app = WSGIHandler()
        without = Candidate(bare, is_asgi=False, make=lambda: [environ_of(None, "/bare") for _ in range(TURN)])
        pairs[name] = (wsgi(app, cookie_set_by(app, "/login")), without)
    return pairs
