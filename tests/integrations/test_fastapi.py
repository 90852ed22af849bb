"""The FastAPI integration, driven with its own test client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from fotoweb_middleware import FotoWebASGIMiddleware, Session, User, require_session
from fotoweb_middleware.integrations.fastapi import (
    CurrentUser,
    OptionalSession,
    SignedIn,
    exception_handlers,
    signed_in,
)
from tests.integrations.conftest import ORIGIN, SOCKETS, DuringRequest, Site

Events = list[dict[str, Any]]
CHALLENGE = 'FotoWeb-Login realm="fotoweb"'
NOT_AUTHENTICATED = {"detail": {"message": "Not signed in", "login_url": "/oauth2/login"}}

app = FastAPI(exception_handlers=exception_handlers)


@app.get("/open/session")
async def open_session(session: SignedIn) -> str:
    """Ask for a session on a public path."""
    return session.access_token


@app.get("/open/optional")
async def open_optional(session: OptionalSession) -> bool:
    """Ask for a session that need not be there."""
    return session is not None


@app.get("/open/user")
async def open_user(user: CurrentUser) -> str:
    """Ask for the user on a public path."""
    return user.user_name


@app.get("/open/guarded", dependencies=[Depends(signed_in)])
async def open_guarded() -> str:
    """Need a session without looking at it."""
    return "somebody"


@app.get("/open/plain")
async def open_plain() -> str:
    """Ask for nothing."""
    return "anybody"


@app.get("/open/required")
def open_required(request: Request) -> str:
    """Ask in the view itself."""
    return require_session(request).access_token


@app.get("/fresh")
async def fresh(session: SignedIn, request: Request) -> str:
    """Ask for a token after something happened to the session."""
    request.scope["test.happens"]()
    return await session.afresh_token()


@app.websocket("/open/socket")
async def open_socket(websocket: WebSocket, user: CurrentUser) -> None:
    """Greet the user over a WebSocket on a public path."""
    await websocket.accept()
    await websocket.send_text(user.user_name)
    await websocket.close()


@app.websocket("/open/required-socket")
async def required_socket(websocket: WebSocket) -> None:
    """Ask in the endpoint itself, before the WebSocket is accepted."""
    require_session(websocket)


@app.websocket("/early")
async def early_socket(websocket: WebSocket, session: SignedIn) -> None:
    """Ask for a token before the WebSocket is accepted, after something happened to the session."""
    websocket.scope["test.happens"]()
    await session.afresh_token()


@app.websocket("/fresh")
async def fresh_socket(websocket: WebSocket, session: SignedIn) -> None:
    """Ask for a token after something happened to the session."""
    await websocket.accept()
    websocket.scope["test.happens"]()
    await websocket.send_text(await session.afresh_token())


@pytest.fixture
def during_request(site: Site) -> DuringRequest:
    """Return the app behind the middleware."""
    return DuringRequest(FotoWebASGIMiddleware(app, **site.options()))


@pytest.fixture
def client(during_request: DuringRequest) -> Iterator[TestClient]:
    """Return a client of the app."""
    with TestClient(during_request, base_url=ORIGIN) as opened:
        yield opened


def test_the_session_is_injected(client: TestClient, site: Site) -> None:
    """``SignedIn`` is the session of whoever signed in, with a token that FotoWeb takes."""
    site.sign_in(client)

    token = client.get("/open/session").json()

    answer = httpx.Client(transport=site.fake.transport()).get(
        "https://fotoweb.test/fotoweb/me", headers={"Authorization": f"Bearer {token}", "Accept": "application/json"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/open/session", "/open/user", "/open/guarded", "/open/required"])
def test_nobody_gets_a_401(path: str, client: TestClient) -> None:
    """Without a session the answer is FastAPI's 401, with the middleware's challenge and where to sign in."""
    answer = client.get(path)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, CHALLENGE)
    assert answer.json() == NOT_AUTHENTICATED


def test_the_login_url_has_the_mount(site: Site) -> None:
    """Below a mount the 401's ``login_url`` begins with it."""
    client = TestClient(FotoWebASGIMiddleware(app, **site.options()), base_url=ORIGIN, root_path="/sub")

    assert client.get("/open/session").json()["detail"]["login_url"] == "/sub/oauth2/login"


def test_an_optional_session_may_be_missing(client: TestClient, site: Site) -> None:
    """``OptionalSession`` is None before the login."""
    before = client.get("/open/optional").json()
    site.sign_in(client)

    assert (before, client.get("/open/optional").json()) == (False, True)


def test_the_user_is_injected(client: TestClient, site: Site) -> None:
    """``CurrentUser`` is the user."""
    site.sign_in(client, "bob")

    assert client.get("/open/user").json() == "bob"


def test_an_unknown_user_gets_a_403(site: Site) -> None:
    """``CurrentUser`` is no user where FotoWeb did not say who it is; a new login would not help for sure: no 401."""
    with TestClient(FotoWebASGIMiddleware(app, **site.options(fetch_user=False)), base_url=ORIGIN) as client:
        site.sign_in(client)

        answers = client.get("/open/user"), client.get("/open/session")

    assert [answer.status_code for answer in answers] == [403, 200]


def test_a_dependency_can_be_overridden(site: Site) -> None:
    """``dependency_overrides`` works as for any dependency: the user's tests need no FotoWeb."""
    own = FastAPI()

    @own.get("/")
    async def home(user: CurrentUser) -> str:
        return user.full_name

    own.dependency_overrides[signed_in] = lambda: Session("token", "bearer", None, User(7, "eve", "Eve", ""))

    assert TestClient(own).get("/").json() == "Eve"


def test_an_app_without_the_middleware_says_so() -> None:
    """A forgotten ``add_middleware`` is an error that names it, not a 401."""
    with pytest.raises(TypeError, match="wrap the app"):
        TestClient(app).get("/open/session")


def test_the_openapi_document_shows_a_padlock() -> None:
    """What asks for a session or a user has the security scheme, all else has none."""
    document = app.openapi()

    assert document["components"]["securitySchemes"]["FotoWeb"] | {"description": ""} == {
        "type": "apiKey",
        "in": "cookie",
        "name": "fotoweb",
        "description": "",
    }
    for path in ("/open/session", "/open/optional", "/open/user", "/open/guarded"):
        assert document["paths"][path]["get"]["security"] == [{"FotoWeb": []}]
    assert "security" not in document["paths"]["/open/plain"]["get"]
    assert document["paths"]["/open/user"]["get"].get("parameters", []) == []


def test_a_websocket_has_its_user(client: TestClient, site: Site) -> None:
    """WebSocket endpoints get the same dependencies."""
    site.sign_in(client)

    with client.websocket_connect(f"{SOCKETS}/open/socket", headers={"Origin": ORIGIN}) as socket:
        assert socket.receive_text() == "alice"


def test_a_websocket_is_refused_before_it_is_accepted(client: TestClient) -> None:
    """Without a session the handshake is answered with 401 where the server can."""
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(f"{SOCKETS}/open/socket"):
        pass

    assert (refused.value.status_code, refused.value.json()) == (401, NOT_AUTHENTICATED)


@pytest.mark.parametrize("path", ["/open/socket", "/open/required-socket"])
def test_a_websocket_is_closed_with_4401(path: str, site: Site) -> None:
    """Where the server can't answer a handshake with 401, the WebSocket is closed with 4401, before it is accepted."""
    events: Events = []
    asyncio.run(connect(FotoWebASGIMiddleware(app, **site.options()), path, events))

    assert [(event["type"], event["code"]) for event in events] == [("websocket.close", 4401)]


async def connect(asgi_app: Any, path: str, events: Events) -> None:
    """Open a WebSocket as a server without extensions does."""

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(event: dict[str, Any]) -> None:
        events.append(event)

    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost:8000")],
        "subprotocols": [],
    }
    await asgi_app(scope, receive, send)


def test_a_session_that_ends_in_a_request_gets_a_401(
    client: TestClient, site: Site, during_request: DuringRequest
) -> None:
    """``SessionEnded`` in a path operation becomes the 401 of a missing session."""
    site.sign_in(client)
    during_request.happens = site.end_session

    answer = client.get("/fresh")

    assert (answer.status_code, answer.json()) == (401, NOT_AUTHENTICATED)


def test_fotoweb_out_of_reach_is_a_503(client: TestClient, site: Site, during_request: DuringRequest) -> None:
    """``FotoWebUnreachable`` in a path operation becomes a 503 that says when to try again."""
    site.sign_in(client)
    during_request.happens = site.fail

    answer = client.get("/fresh")

    assert (answer.status_code, int(answer.headers["retry-after"]) >= 1) == (503, True)


@pytest.mark.parametrize(("happens", "code"), [(Site.end_session, 4401), (Site.fail, 1013)])
def test_a_websocket_says_why_it_ends(
    happens: Any, code: int, client: TestClient, site: Site, during_request: DuringRequest
) -> None:
    """The same errors close an open WebSocket with a code of their own."""
    site.sign_in(client)
    during_request.happens = lambda: happens(site)

    with (
        client.websocket_connect(f"{SOCKETS}/fresh", headers={"Origin": ORIGIN}) as socket,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        socket.receive_text()

    assert closed.value.code == code


@pytest.mark.parametrize(("happens", "status"), [(Site.end_session, 401), (Site.fail, 503)])
def test_a_websocket_that_is_not_accepted_yet_is_refused(
    happens: Any, status: int, client: TestClient, site: Site, during_request: DuringRequest
) -> None:
    """Before that, they are the same answers as a request gets, where the server can give them."""
    site.sign_in(client)
    during_request.happens = lambda: happens(site)

    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect(f"{SOCKETS}/early", headers={"Origin": ORIGIN}),
    ):
        pass

    assert refused.value.status_code == status


def test_a_503_says_the_same_whatever_is_down(client: TestClient, site: Site, during_request: DuringRequest) -> None:
    """FotoWeb, or the session store, may be the cause."""
    site.sign_in(client)
    during_request.happens = site.fail

    assert client.get("/fresh").json() == {"detail": "Try again later."}
