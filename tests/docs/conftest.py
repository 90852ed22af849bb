"""What tests of the documentation's code stand on: a simulator that listens, and a page's names after it has run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, Session, get_session
from fotoweb_middleware.testing import FakeFotoWeb
from tests.examples.browser import browse
from tools.code_blocks import HOW_TO, blocks_of

RunPage = Callable[[str], dict[str, Any]]


@pytest.fixture
def fotoweb() -> FakeFotoWeb:
    """Return a simulator; its one application is registered with http://localhost:8000/oauth2/callback."""
    return FakeFotoWeb()


@pytest.fixture
def variables(fotoweb: FakeFotoWeb, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the simulator listen, and set the four variables."""
    with fotoweb.serve() as url:
        monkeypatch.setenv("FOTOWEB_URL", url)
        monkeypatch.setenv("FOTOWEB_CLIENT_ID", fotoweb.client.client_id)
        monkeypatch.setenv("FOTOWEB_CLIENT_SECRET", fotoweb.client.client_secret)
        monkeypatch.setenv("FOTOWEB_SECRET_KEY", "kQ3vX9rT6bL1mZ8cW4nP7sD2fH5jY0gA")
        yield


@pytest.fixture
def run_page(variables: None) -> RunPage:
    """Return a function that runs a how-to page's Python from top to bottom."""

    def run(name: str) -> dict[str, Any]:
        names: dict[str, Any] = {}
        for block in blocks_of(HOW_TO / name):
            exec(compile(block, name, "exec"), names)  # noqa: S102 (our own page)
        return names

    return run


@pytest.fixture
def session(variables: None, fotoweb: FakeFotoWeb) -> Iterator[Session]:
    """Return Alice's session, after a login through the middleware, for as long as the middleware's loop runs."""
    sessions: list[Session] = []

    async def keep_session(scope: Any, receive: Any, send: Any) -> None:
        session = get_session(scope)
        assert session is not None
        sessions.append(session)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with browse("asgi", FotoWebASGIMiddleware(keep_session)) as browser:
        browser.go(fotoweb.approve(browser.go("/").headers["location"]))
        browser.go("/")
        yield sessions[0]
