"""The Starlette integration, driven with its own test client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from fotoweb_middleware import FotoWebASGIMiddleware, Session, User, require_session
from fotoweb_middleware.integrations.starlette import FotoWebAuthBackend, FotoWebUser, exception_handlers
from tests.integrations.conftest import ORIGIN, SOCKETS, Site


async def who(request: Request) -> JSONResponse:
    """Tell what ``request.user`` says."""
    user = request.user
    return JSONResponse([user.is_authenticated, user.display_name, request.auth.scopes])


@requires("authenticated")
async def private(request: Request) -> PlainTextResponse:
    """Greet who is signed in."""
    return PlainTextResponse(request.user.identity)


@requires("authenticated")
async def private_socket(websocket: WebSocket) -> None:
    """Greet who is signed in over a WebSocket."""
    await websocket.accept()
    await websocket.send_text(websocket.user.display_name)
    await websocket.close()


async def required(request: Request) -> PlainTextResponse:
    """Ask for a session in the view."""
    return PlainTextResponse(require_session(request).access_token)


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """Return a client of an app with the backend inside our middleware."""
    app = Starlette(
        routes=[
            Route("/open/who", who),
            Route("/open/private", private),
            Route("/open/required", required),
            WebSocketRoute("/open/socket", private_socket),
        ],
        middleware=[
            Middleware(FotoWebASGIMiddleware, **site.options()),
            Middleware(AuthenticationMiddleware, backend=FotoWebAuthBackend()),
        ],
        exception_handlers=exception_handlers,
    )
    with TestClient(app, base_url=ORIGIN) as opened:
        yield opened


def test_request_user_is_who_signed_in(client: TestClient, site: Site) -> None:
    """``request.user`` is authenticated and has the full name; ``request.auth`` has the scope."""
    site.sign_in(client)

    assert client.get("/open/who").json() == [True, "Alice Berg", ["authenticated"]]


def test_nobody_is_unauthenticated(client: TestClient) -> None:
    """Without a session ``request.user`` is Starlette's own anonymous user."""
    assert client.get("/open/who").json() == [False, "", []]


def test_requires_lets_in_who_is_signed_in(client: TestClient, site: Site) -> None:
    """``@requires("authenticated")`` refuses before the login, and not after it."""
    before = client.get("/open/private").status_code
    site.sign_in(client)

    after = client.get("/open/private")

    assert (before, after.status_code, after.text.isdigit()) == (403, 200, True)


def test_requires_works_on_websockets(client: TestClient, site: Site) -> None:
    """A WebSocket is closed before it is accepted, and open to who is signed in."""
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{SOCKETS}/open/socket"):
        pass
    site.sign_in(client)

    with client.websocket_connect(f"{SOCKETS}/open/socket", headers={"Origin": ORIGIN}) as socket:
        assert socket.receive_text() == "Alice Berg"


def test_a_missing_middleware_says_so() -> None:
    """Where nothing is around the backend, or it is the outer one, there is an error instead of a 403 for everybody."""
    app = Starlette(
        routes=[Route("/", private)], middleware=[Middleware(AuthenticationMiddleware, backend=FotoWebAuthBackend())]
    )

    with pytest.raises(TypeError, match="did not come through the FotoWeb middleware"):
        TestClient(app).get("/")


def test_a_missing_session_is_a_401(client: TestClient) -> None:
    """``require_session`` in a view becomes a 401 that says where to sign in."""
    answer = client.get("/open/required")

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'FotoWeb-Login realm="fotoweb"')
    assert answer.json() == {"detail": {"message": "Not signed in", "login_url": "/oauth2/login"}}


@pytest.mark.parametrize(
    ("user", "display_name", "identity"),
    [
        (User(7, "eve", "Eve Adams", "eve@fotoweb.test"), "Eve Adams", "7"),
        (User(7, "eve", "", ""), "eve", "7"),
        (None, "", ""),
    ],
)
def test_a_user_is_named_as_far_as_fotoweb_told(user: User | None, display_name: str, identity: str) -> None:
    """The full name where there is one, else the login name; somebody unknown is authenticated all the same."""
    shown = FotoWebUser(Session("token", "bearer", None, user))

    assert (shown.is_authenticated, shown.display_name, shown.identity) == (True, display_name, identity)
