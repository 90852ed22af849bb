"""``FotoWebAuth`` against the independent authorization server: tokens that were ended there in mid-session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

from fotoweb_middleware import Session
from fotoweb_middleware.client import FotoWebAuth
from tests.client.signing_in import App, asgi_session, refreshes, settings_for
from tests.providers.oidc_provider import OidcRig

pytestmark = pytest.mark.rig


def client_of(library: ModuleType, session: Session) -> Any:
    """Return a client for FotoWeb's API on the user's behalf."""
    return library.Client(auth=FotoWebAuth(session), base_url=session.fotoweb_url, trust_env=False)


def async_client_of(library: ModuleType, session: Session) -> Any:
    """Return an async one."""
    return library.AsyncClient(auth=FotoWebAuth(session), base_url=session.fotoweb_url, trust_env=False)


def until(condition: Callable[[], bool]) -> bool:
    """Wait for what the rig writes into its log."""

    async def wait() -> bool:
        with anyio.move_on_after(20):
            while not condition():  # noqa: ASYNC110 (another process's doing)
                await anyio.sleep(0.01)
        return condition()

    return asyncio.run(wait())


def test_token_that_was_ended(library: ModuleType, rig: OidcRig) -> None:
    """A token that somebody ended costs one refresh, and the call succeeds; the next call has the new token."""
    session = App(settings_for(rig)).sign_in()
    rig.end_token(session.access_token)

    with client_of(library, session) as fotoweb:
        assert fotoweb.get("/fotoweb/me").json()["username"] == "demo"
        assert fotoweb.get("/fotoweb/me").status_code == 200

    assert session.fresh_token() != session.access_token
    assert until(lambda: refreshes(rig) == 1)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_token_that_was_ended_async(library: ModuleType, rig: OidcRig, backend: str) -> None:
    """The same for async clients."""

    async def call() -> None:
        session = await asgi_session(settings_for(rig))
        rig.end_token(session.access_token)
        async with async_client_of(library, session) as fotoweb:
            assert (await fotoweb.get("/fotoweb/me")).json()["username"] == "demo"
            assert (await fotoweb.get("/fotoweb/me")).status_code == 200

    anyio.run(call, backend=backend)

    assert until(lambda: refreshes(rig) == 1)


def test_twenty_calls_at_once(library: ModuleType, rig: OidcRig) -> None:
    """Twenty threads that find the token ended cause one refresh."""
    session = App(settings_for(rig)).sign_in()
    rig.end_token(session.access_token)

    with client_of(library, session) as fotoweb, ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: fotoweb.get("/fotoweb/me").status_code, range(20)))

    assert answers == [200] * 20
    assert until(lambda: refreshes(rig) == 1)


def test_twenty_async_calls_at_once(library: ModuleType, rig: OidcRig) -> None:
    """Twenty tasks that find the token ended cause one refresh."""

    async def call() -> list[int]:
        session = await asgi_session(settings_for(rig))
        rig.end_token(session.access_token)
        async with async_client_of(library, session) as fotoweb:
            answers = await asyncio.gather(*(fotoweb.get("/fotoweb/me") for _ in range(20)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(call()) == [200] * 20
    assert until(lambda: refreshes(rig) == 1)


def test_two_workers(library: ModuleType, rig: OidcRig, tmp_path: Path) -> None:
    """Two workers with one store that find the token ended cause one refresh between them."""
    settings = settings_for(rig, cache=f"sqlite:///{tmp_path}/sessions.db")
    one, other = App(settings), App(settings)
    with one.browser() as browser, other.browser() as same_browser:
        sessions = [one.session_of(browser)]
        same_browser.cookies = browser.cookies
        sessions.append(other.session_of(same_browser))
    rig.end_token(sessions[0].access_token)

    def call(session: Session) -> int:
        with client_of(library, session) as fotoweb:
            status: int = fotoweb.get("/fotoweb/me").status_code
            return status

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(call, sessions * 10))

    assert answers == [200] * 20
    assert until(lambda: refreshes(rig) == 1)


def test_grant_that_was_ended(library: ModuleType, rig: OidcRig) -> None:
    """Where the refresh is refused too, the 401 is handed on."""
    session = App(settings_for(rig)).sign_in()
    rig.revoke(session.access_token)

    with client_of(library, session) as fotoweb:
        assert fotoweb.get("/fotoweb/me").status_code == 401
