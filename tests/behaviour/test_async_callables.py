"""``authorize`` and ``on_login`` beside an event loop: awaited, or in a worker thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio.from_thread
import anyio.lowlevel
import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Session
from tests.behaviour.kit import Opening, opened_portal
from tests.behaviour.test_who_may_enter import NOT_ALLOWED, Callback, problem


@pytest.fixture(params=["asyncio", "trio"])
def loop(request: pytest.FixtureRequest) -> Iterator[anyio.from_thread.BlockingPortal]:
    """Run an event loop in a thread of its own."""
    with opened_portal(request.param) as portal:
        yield portal


def test_async_callables(loop: anyio.from_thread.BlockingPortal) -> None:
    """Under ASGI they are awaited: at login, and when a process sees a session for the first time."""
    authorize, told = Callback(True), Callback(None)
    callables = {"authorize": authorize.awaited, "on_login": told.awaited}
    site = Opening("asgi", loop, "sealed", callables=callables).open()
    visitor = site.visitor()
    visitor.log_in()
    site.restart()

    assert visitor.get("/").seen["user"] == "alice"
    assert [len(callback.sessions) for callback in (authorize, told)] == [2, 1]
    authorize.answer = False
    site.restart()
    assert problem(visitor.get("/")) == NOT_ALLOWED


def test_async_authorize_may_refresh(portal: anyio.from_thread.BlockingPortal) -> None:
    """It may ask for a fresh token of a session whose token has expired."""
    tokens: list[str] = []

    async def authorize(session: Session) -> bool:
        tokens.append(await session.afresh_token())
        return True

    changes = {"cache_recheck": 0}
    site = Opening("asgi", portal, "sealed", changes=changes, callables={"authorize": authorize}).open()
    visitor = site.visitor()
    visitor.log_in()
    site.clock.advance(30_000)
    site.restart()

    assert visitor.get("/").seen["token"] == tokens[1] != tokens[0]
    assert site.refreshes == 1


def test_sync_callable_runs_beside_the_event_loop(portal: anyio.from_thread.BlockingPortal) -> None:
    """Under ASGI a plain function runs in a worker thread, so that it may ask a database."""
    on_loop: list[bool] = []

    def authorize(session: Session) -> bool:
        try:
            anyio.lowlevel.current_token()
        except RuntimeError:
            on_loop.append(False)
        else:
            on_loop.append(True)
        return True

    site = Opening("asgi", portal, "sealed", callables={"authorize": authorize}).open()
    visitor = site.visitor()
    visitor.log_in()
    site.restart()
    visitor.get("/")

    assert on_loop == [False, False]


@pytest.mark.parametrize("name", ["authorize", "on_login", "on_event"])
def test_async_callable_under_wsgi(portal: anyio.from_thread.BlockingPortal, name: str) -> None:
    """It is an error when the middleware is made: nothing could await it."""
    site = Opening("asgi", portal, "sealed").open()
    given: Any = {name: Callback(None).awaited}

    with pytest.raises(TypeError, match=f"^{name} is async, and WSGI has no event loop"):
        FotoWebWSGIMiddleware(site.app.serve_wsgi, site.settings, **given)
    FotoWebASGIMiddleware(site.app.serve_asgi, site.settings, store=site.store, **given)
