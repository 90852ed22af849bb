"""Quart: ``FotoWeb``, ``current_session``, ``login_required``, with Quart's own test client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from quart import Blueprint, Quart, render_template_string, request, websocket
from quart import typing as quart_typing  # pytest takes names that begin with Test for tests.
from quart.testing.connections import WebsocketResponseError

from fotoweb_middleware import FotoWebUnreachable, NotSignedIn, SessionEnded, Settings, require_session
from fotoweb_middleware.client import FotoWebAuth
from fotoweb_middleware.integrations.quart import FotoWeb, current_session, login_required
from fotoweb_middleware.testing import FakeClock, FakeFotoWeb, Fault

PATIENCE_SECONDS = 20


@pytest.fixture
def app(settings: Settings, fotoweb: FakeFotoWeb, clock: FakeClock) -> Quart:
    """Return an app with one view and one WebSocket, made as a factory does."""
    app = Quart(__name__)
    extension = FotoWeb(settings=settings, transport=fotoweb.transport(), clock=clock, monotonic=clock)
    extension.init_app(app)

    @app.get("/")
    async def home() -> str:
        return current_session.user.user_name if current_session.user else ""

    @app.websocket("/echo")
    @login_required
    async def echo() -> None:
        name = current_session.user.user_name if current_session.user else ""
        while True:
            await websocket.send(f"{name}: {await websocket.receive()!s}")

    return app


@pytest.fixture
def client(app: Quart) -> quart_typing.TestClientProtocol:
    """Return a browser without a session."""
    return app.test_client()


async def sign_in(client: quart_typing.TestClientProtocol, fotoweb: FakeFotoWeb, user_name: str = "alice") -> None:
    """Log in."""
    to_fotoweb = await client.get("/oauth2/login")
    callback = fotoweb.approve(to_fotoweb.headers["Location"], user_name)
    assert (await client.get(callback.removeprefix("http://localhost"))).status_code == 302


async def next_message(connection: quart_typing.TestWebsocketConnectionProtocol) -> str:
    """Return what the app sends next over a WebSocket."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return str(await connection.receive())


@pytest.fixture
def close_codes(app: Quart) -> asyncio.Queue[int]:
    """Return what holds each code with which the app closes a WebSocket: Quart's client tells of none since 0.23."""
    codes: asyncio.Queue[int] = asyncio.Queue()
    inner = app.asgi_app

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def watched_send(message: Any) -> None:
            if message["type"] == "websocket.close":
                codes.put_nowait(message["code"])
            await send(message)

        await inner(scope, receive, watched_send)

    app.asgi_app = watched  # type: ignore[method-assign]
    return codes


async def close_code(codes: asyncio.Queue[int]) -> int:
    """Return the code with which the app closes its WebSocket."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await codes.get()


def test_the_view_has_the_session(client: quart_typing.TestClientProtocol, fotoweb: FakeFotoWeb) -> None:
    """``current_session`` is the session of whoever sends the request."""

    async def visit() -> None:
        await sign_in(client, fotoweb, "bob")

        assert await (await client.get("/")).get_data(as_text=True) == "bob"

    asyncio.run(visit())


def test_requests_at_the_same_time(app: Quart, fotoweb: FakeFotoWeb) -> None:
    """Requests that wait for each other have their own ``current_session`` each."""
    both_are_here = asyncio.Barrier(2)

    @app.get("/meet")
    async def meet() -> str:
        await both_are_here.wait()
        return current_session.user.user_name if current_session.user else ""

    async def visit() -> None:
        alice, bob = app.test_client(), app.test_client()
        await sign_in(alice, fotoweb, "alice")
        await sign_in(bob, fotoweb, "bob")
        async with asyncio.timeout(PATIENCE_SECONDS):
            answers = await asyncio.gather(alice.get("/meet"), bob.get("/meet"))

        assert [await answer.get_data(as_text=True) for answer in answers] == ["alice", "bob"]

    asyncio.run(visit())


def sync_view() -> str:
    """Stand for a view that Quart runs in a thread."""
    return current_session.user.user_name if current_session.user else ""


async def async_view() -> str:
    """Stand for an ordinary one."""
    return current_session.user.user_name if current_session.user else ""


@pytest.mark.parametrize("view", [sync_view, async_view])
def test_login_required(
    view: Callable[[], str] | Callable[[], Awaitable[str]],
    app: Quart,
    client: quart_typing.TestClientProtocol,
    fotoweb: FakeFotoWeb,
) -> None:
    """A guarded view answers 401 with a challenge to anonymous users, and runs for those who are signed in."""
    app.add_url_rule("/guarded", view_func=login_required(view))

    async def visit() -> None:
        refused = await client.get("/guarded")
        await sign_in(client, fotoweb)
        admitted = await client.get("/guarded")

        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Fotoweb-Login realm=fotoweb")
        assert (admitted.status_code, await admitted.get_data(as_text=True)) == (200, "alice")

    asyncio.run(visit())


@pytest.mark.parametrize(
    ("error", "status"), [(NotSignedIn("nobody"), 401), (SessionEnded("over"), 401), (FotoWebUnreachable("none"), 503)]
)
def test_errors_become_answers(
    error: Exception, status: int, app: Quart, client: quart_typing.TestClientProtocol
) -> None:
    """What our calls raise in a view is an answer of the app, also where errors are not swallowed."""
    app.testing = True

    @app.get("/failing")
    async def failing() -> str:
        raise error

    async def visit() -> None:
        assert (await client.get("/failing")).status_code == status

    asyncio.run(visit())


def test_the_apps_own_error_page_is_shown(app: Quart, client: quart_typing.TestClientProtocol) -> None:
    """A nested blueprint that has a handler for 401 is asked for it, whichever way the 401 came about."""
    outer, inner = Blueprint("outer", __name__, url_prefix="/outer"), Blueprint("inner", __name__, url_prefix="/inner")
    outer.register_blueprint(inner)

    @outer.errorhandler(401)
    async def own_page(error: Exception) -> tuple[str, int]:
        return "own page", 401

    @inner.get("/raised")
    async def raised() -> str:
        return require_session(request).token_type

    inner.add_url_rule("/guarded", view_func=login_required(async_view))
    app.register_blueprint(outer)

    async def visit() -> None:
        for path in ("/outer/inner/raised", "/outer/inner/guarded"):
            answer = await client.get(path)

            assert (answer.status_code, await answer.get_data(as_text=True)) == (401, "own page")

    asyncio.run(visit())


def test_templates_have_the_links(app: Quart, client: quart_typing.TestClientProtocol, fotoweb: FakeFotoWeb) -> None:
    """A template says who is signed in, and has the way in and out, below a mount as well."""
    template = (
        "{% if current_session %}{{ current_session.user.full_name }} {{ fotoweb_logout_url() }}"
        '{% else %}{{ fotoweb_login_url() }} {{ fotoweb_login_url(next="/sub/") }}{% endif %}'
    )

    @app.get("/page")
    async def page() -> str:
        return await render_template_string(template)

    async def visit() -> None:
        mounted = await client.get("/sub/page", root_path="/sub")
        await sign_in(client, fotoweb)
        signed_in = await client.get("/page")

        login = "/sub/oauth2/login?next=%2Fsub%2F"
        assert await mounted.get_data(as_text=True) == f"{login}page {login}"
        assert await signed_in.get_data(as_text=True) == "Alice Berg /oauth2/logout"

    asyncio.run(visit())


def test_a_websocket_has_the_session(client: quart_typing.TestClientProtocol, fotoweb: FakeFotoWeb) -> None:
    """``current_session`` is there in a WebSocket."""

    async def visit() -> None:
        await sign_in(client, fotoweb)
        async with client.websocket("/echo") as connection:
            await connection.send("hello")

            assert await next_message(connection) == "alice: hello"

    asyncio.run(visit())


def test_a_websocket_is_refused(client: quart_typing.TestClientProtocol) -> None:
    """A guarded WebSocket answers 401 to anonymous users, and is never accepted."""

    async def visit() -> None:
        async with client.websocket("/echo") as connection:
            with pytest.raises(WebsocketResponseError) as refused:
                await next_message(connection)

        assert refused.value.response.status_code == 401

    asyncio.run(visit())


def test_a_logout_closes_the_websocket(
    client: quart_typing.TestClientProtocol, fotoweb: FakeFotoWeb, clock: FakeClock, close_codes: asyncio.Queue[int]
) -> None:
    """A WebSocket that waits for its browser is closed with 4401 when its user signs out in another tab."""

    async def visit() -> None:
        await sign_in(client, fotoweb)
        async with client.websocket("/echo") as connection:
            await connection.send("hello")
            await next_message(connection)

            await client.post("/oauth2/logout", headers={"Sec-Fetch-Site": "same-origin"})
            clock.advance(1)

            assert await close_code(close_codes) == 4401

    asyncio.run(visit())


def ended(fotoweb: FakeFotoWeb) -> None:
    """The session's tokens are gone."""
    fotoweb.revoke_everything()


def away(fotoweb: FakeFotoWeb) -> None:
    """FotoWeb gives no token for now."""
    fotoweb.fault("token", Fault.server_error())


@pytest.mark.parametrize("is_accepted", [True, False])
@pytest.mark.parametrize(("happen", "code"), [(ended, 4401), (away, 1013)])
def test_a_websocket_without_a_token_is_closed(
    is_accepted: bool,
    happen: Callable[[FakeFotoWeb], None],
    code: int,
    app: Quart,
    client: quart_typing.TestClientProtocol,
    fotoweb: FakeFotoWeb,
    clock: FakeClock,
    close_codes: asyncio.Queue[int],
) -> None:
    """Where ``afresh_token`` notices first, the code is 4401 if the session ended, else 1013: try again later."""

    @app.websocket("/tokens")
    async def tokens() -> None:
        session = require_session(websocket)
        if is_accepted:
            await websocket.accept()
        happen(fotoweb)
        clock.advance(61)
        await session.afresh_token()

    async def visit() -> None:
        await sign_in(client, fotoweb)
        async with client.websocket("/tokens"):
            assert await close_code(close_codes) == code

    asyncio.run(visit())


def test_a_websocket_outlives_its_token(
    app: Quart, client: quart_typing.TestClientProtocol, fotoweb: FakeFotoWeb, clock: FakeClock
) -> None:
    """A WebSocket calls FotoWeb's API with a fresh token each time."""

    @app.websocket("/names")
    async def names() -> None:
        session = require_session(websocket)
        async with httpx.AsyncClient(transport=fotoweb.async_transport(), auth=FotoWebAuth(session)) as api:
            while True:
                await websocket.receive()
                answer = await api.get(f"{session.fotoweb_url}/fotoweb/me", headers={"Accept": "application/json"})
                await websocket.send(answer.raise_for_status().json()["user"]["userName"])

    async def visit() -> None:
        await sign_in(client, fotoweb)
        async with client.websocket("/names") as connection:
            for _ in range(3):
                clock.advance(61)
                await connection.send("next")

                assert await next_message(connection) == "alice"

    asyncio.run(visit())


def test_settings_come_from_the_apps_configuration(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """``app.config`` has what the environment leaves out; a variable goes before it."""
    monkeypatch.setenv("FOTOWEB_URL", "https://fotoweb.test")
    monkeypatch.setenv("FOTOWEB_CLIENT_SECRET", "the-secret-of-a-test")
    monkeypatch.setenv("FOTOWEB_CACHE", "memory://")
    monkeypatch.setenv("FOTOWEB_SECRET_KEY", settings.secret_keys[0])
    app = Quart(__name__)
    app.config.update(FOTOWEB_CLIENT_ID="from-the-app", FOTOWEB_CACHE="no such store")

    FotoWeb(app)

    async def visit() -> None:
        assert "client_id=from-the-app" in (await app.test_client().get("/oauth2/login")).headers["Location"]

    asyncio.run(visit())
