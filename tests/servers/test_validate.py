"""The WSGI middleware keeps PEP 3333 towards both sides, as ``wsgiref.validate`` sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.validate import validator

import httpx
import pytest

from fotoweb_middleware import FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb
from tests.servers.echo_app import wsgi
from tests.servers.serving import SECRET_KEY

ORIGIN = "http://localhost:8000"


@contextmanager
def signed_in_client(clock: FakeClock) -> Iterator[httpx.Client]:
    """Give a client with a session, whose every call is checked on both sides of the middleware."""
    fake = FakeFotoWeb(clock=clock, clients=[Client(redirect_uris=(f"{ORIGIN}/oauth2/callback",))])
    fake.switch(access_token_lifetime_seconds=100, auto_login="alice")
    settings = Settings(
        url="http://localhost:9",
        client_id=fake.client.client_id,
        client_secret=fake.client.client_secret,
        secret_key=SECRET_KEY,
        cache="memory://",
    )
    middleware = FotoWebWSGIMiddleware(validator(wsgi), settings, transport=fake.transport(), clock=clock)
    with (
        httpx.Client(transport=httpx.WSGITransport(validator(middleware)), base_url=ORIGIN) as client,
        httpx.Client(transport=fake.transport()) as browser,
    ):
        client.get(browser.get(client.get("/").headers["location"]).headers["location"])
        yield client


@pytest.mark.parametrize("age_seconds", [0, 60, 200], ids=["fresh", "stale", "expired"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_an_admitted_request_is_clean(method: str, age_seconds: int) -> None:
    """With a fresh, a stale and an expired token, the middleware breaks no rule towards app or server."""
    clock = FakeClock()
    with signed_in_client(clock) as client:
        clock.advance(age_seconds)

        assert client.request(method, "/a", headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", ["/a", "/oauth2/login", "/oauth2/callback", "/oauth2/logout", "/oauth2/session"])
def test_an_answer_of_our_own_is_clean(method: str, path: str) -> None:
    """Nobody is logged in: whatever we answer, the middleware breaks no rule towards the server."""
    with signed_in_client(FakeClock()) as client:
        client.cookies.clear()

        assert client.request(method, path).status_code in {200, 302, 400, 401, 405}
