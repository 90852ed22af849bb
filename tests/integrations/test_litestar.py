"""The Litestar integration, driven with its own test client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, Response, WebSocket, asgi, get, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect
from litestar.testing import TestClient

from fotoweb_middleware import FotoWebASGIMiddleware, NotSignedIn, Session, Settings, SettingsError, require_session
from fotoweb_middleware.integrations.litestar import FotoWebPlugin, signed_in
from tests.integrations.conftest import LITESTAR_ORIGIN as ORIGIN
from tests.integrations.conftest import DuringRequest, Site

SOCKET = "wss://testserver.local/open/socket"  # With its scheme, or the client sends no Secure cookie.
CHALLENGE = 'FotoWeb-Login realm="fotoweb"'
NOT_AUTHENTICATED = {"status_code": 401, "detail": "Not signed in", "extra": {"login_url": "/oauth2/login"}}


@get("/open/session", guards=[signed_in])
async def open_session(fotoweb_session: NamedDependency[Session]) -> str:
    """Ask for a session on a public path."""
    return await fotoweb_session.afresh_token()


@get("/open/optional")
async def open_optional(fotoweb_session: NamedDependency[Session | None]) -> bool:
    """Ask for a session that need not be there."""
    return fotoweb_session is not None


@get("/open/required", sync_to_thread=False)
def open_required(request: Request[Any, Any, Any]) -> str:
    """Ask in the handler itself."""
    return require_session(request).access_token


@get("/fresh")
async def fresh(fotoweb_session: NamedDependency[Session], request: Request[Any, Any, Any]) -> str:
    """Ask for a token after something happened to the session."""
    happens: Any = request.scope.get("test.happens")
    happens()
    return await fotoweb_session.afresh_token()


@websocket("/open/socket", guards=[signed_in])
async def open_socket(socket: WebSocket[Any, Any, Any], fotoweb_session: NamedDependency[Session]) -> None:
    """Greet the user over a WebSocket on a public path."""
    await socket.accept()
    await socket.send_text(fotoweb_session.user.user_name if fotoweb_session.user else "")
    await socket.close()


@websocket("/fresh-socket")
async def fresh_socket(socket: WebSocket[Any, Any, Any], fotoweb_session: NamedDependency[Session]) -> None:
    """Ask for a token over a WebSocket, after something happened to the session."""
    await socket.accept()
    happens: Any = socket.scope.get("test.happens")
    happens()
    await socket.send_text(await fotoweb_session.afresh_token())


@websocket("/open/required-socket")
async def required_socket(socket: WebSocket[Any, Any, Any]) -> None:
    """Ask for a session in the handler of a WebSocket."""
    require_session(socket)


@asgi("/mounted", is_mount=True, copy_scope=True)
async def mounted(scope: Any, receive: Any, send: Any) -> None:
    """Stand for an app mounted in the app."""
    session = scope["fotoweb.session"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": session.user.user_name.encode()})


HANDLERS = [open_session, open_optional, open_required, fresh, open_socket, fresh_socket, required_socket, mounted]


@pytest.fixture
def app(site: Site) -> Litestar:
    """Return an app with the plugin."""
    return Litestar(HANDLERS, plugins=[FotoWebPlugin(**site.options())])


@pytest.fixture
def client(app: Litestar) -> Iterator[TestClient[Litestar]]:
    """Return a client of the app, which it starts."""
    with TestClient(app, base_url=ORIGIN) as opened:
        yield opened


def test_a_visitor_is_sent_to_fotoweb(client: TestClient[Litestar]) -> None:
    """Without a session each page leads to FotoWeb's login, also one that the app does not have."""
    for path in ("/fresh", "/mounted/page", "/nothing/here", "/schema"):
        answer = client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)

        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (
            302,
            "https://fotoweb.test/fotoweb/oauth2/authorize",
        )


def test_the_session_is_injected(client: TestClient[Litestar], site: Site) -> None:
    """``fotoweb_session`` is the session of whoever signed in, with a token that FotoWeb takes, now and refreshed."""
    site.sign_in(client)
    first = client.get("/open/session").text
    site.clock.advance(site.fake.switches.access_token_lifetime_seconds + 1)

    second = client.get("/open/session").text

    answer = httpx.Client(transport=site.fake.transport()).get(
        "https://fotoweb.test/fotoweb/me", headers={"Authorization": f"Bearer {second}", "Accept": "application/json"}
    )
    assert (answer.status_code, first != second) == (200, True)


@pytest.mark.parametrize("path", ["/open/session", "/open/required"])
def test_nobody_gets_a_401(path: str, client: TestClient[Litestar]) -> None:
    """Without a session the guard answers Litestar's 401, with our challenge and where to sign in."""
    answer = client.get(path)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, CHALLENGE)
    assert answer.json() == NOT_AUTHENTICATED


def test_an_optional_session_may_be_missing(client: TestClient[Litestar], site: Site) -> None:
    """Without a guard ``fotoweb_session`` is None before the login."""
    before = client.get("/open/optional").json()
    site.sign_in(client)

    assert (before, client.get("/open/optional").json()) == (False, True)


def test_a_mounted_app_has_the_session(client: TestClient[Litestar], site: Site) -> None:
    """An ASGI app that Litestar mounts is protected, and gets the session in its scope."""
    site.sign_in(client)

    assert client.get("/mounted/page").text == "alice"


def test_a_websocket_has_its_session(client: TestClient[Litestar], site: Site) -> None:
    """WebSocket handlers get the same dependency."""
    site.sign_in(client)

    with client.websocket_connect(SOCKET, headers={"Origin": ORIGIN}) as socket:
        assert socket.receive_text() == "alice"


def test_a_websocket_is_refused_before_it_is_accepted(client: TestClient[Litestar]) -> None:
    """The guard closes a WebSocket with 4401."""
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(SOCKET):
        pass

    assert refused.value.code == 4401


@pytest.mark.parametrize(
    ("happens", "status", "header"), [(Site.end_session, 401, "www-authenticate"), (Site.fail, 503, "retry-after")]
)
def test_errors_of_a_session_are_answers(
    happens: Any, status: int, header: str, app: Litestar, client: TestClient[Litestar], site: Site
) -> None:
    """``SessionEnded`` in a handler becomes a 401, ``FotoWebUnreachable`` a 503 that says when to try again."""
    site.sign_in(client)
    app.asgi_handler = DuringRequest(app.asgi_handler, lambda: happens(site))

    answer = client.get("/fresh")

    assert (answer.status_code, answer.json()["status_code"], header in answer.headers) == (status, status, True)


@pytest.mark.parametrize(("happens", "code"), [(Site.end_session, 4401), (Site.fail, 1013)])
def test_a_websocket_says_why_it_ends(
    happens: Any, code: int, app: Litestar, client: TestClient[Litestar], site: Site
) -> None:
    """The same errors close an open WebSocket with a code of their own."""
    site.sign_in(client)
    app.asgi_handler = DuringRequest(app.asgi_handler, lambda: happens(site))

    with (
        client.websocket_connect("wss://testserver.local/fresh-socket", headers={"Origin": ORIGIN}) as socket,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        socket.receive_text()

    assert closed.value.code == code


def test_a_websocket_without_a_session_is_closed_with_4401(client: TestClient[Litestar]) -> None:
    """``NotSignedIn`` in the handler of a WebSocket is what the guard does."""
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("wss://testserver.local/open/required-socket"),
    ):
        pass

    assert refused.value.code == 4401


def test_an_own_exception_handler_wins(site: Site) -> None:
    """An app that answers ``NotSignedIn`` itself keeps its answer."""

    def teapot(_: Any, __: Exception) -> Response[str]:
        return Response("own", status_code=418)

    app = Litestar(HANDLERS, plugins=[FotoWebPlugin(**site.options())], exception_handlers={NotSignedIn: teapot})
    with TestClient(app, base_url=ORIGIN) as client:
        assert client.get("/open/required").status_code == 418


def test_an_app_that_was_not_started_serves_nothing(app: Litestar) -> None:
    """Without its lifespan the app has no middleware, and answers 503 instead of serving everybody."""
    client = TestClient(app, base_url=ORIGIN)  # Not entered: no lifespan.

    answers = [client.get(path) for path in ("/open/optional", "/mounted/page", "/schema/openapi.json")]

    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert "FotoWebASGIMiddleware" in answers[0].json()["detail"]


@pytest.mark.parametrize(("add_middleware", "status"), [(False, 200), (True, 500)])
def test_an_app_wrapped_by_hand(site: Site, add_middleware: bool, status: int) -> None:
    """The plugin adds no second middleware if it is told so; else every request says that there are two."""
    plugin = FotoWebPlugin(add_middleware=add_middleware, **site.options())
    app = Litestar(HANDLERS, plugins=[plugin])
    with TestClient(FotoWebASGIMiddleware(app, **site.options()), base_url=ORIGIN) as client:
        site.sign_in(client)

        assert client.get("/open/session").status_code == status


def test_an_app_that_starts_twice_is_wrapped_once(app: Litestar, site: Site) -> None:
    """Each start of the lifespan, as each test does it, keeps the one middleware and its sessions."""
    with TestClient(app, base_url=ORIGIN) as client:
        site.sign_in(client)
    handler = app.asgi_handler
    with TestClient(app, base_url=ORIGIN) as again:
        again.cookies = client.cookies

        assert (again.get("/open/optional").json(), app.asgi_handler is handler) == (True, True)


def test_a_wrong_setting_stops_the_import() -> None:
    """Settings are read where the plugin is made, not when the app starts."""
    with pytest.raises(SettingsError):
        FotoWebPlugin(Settings(url="nonsense"))
