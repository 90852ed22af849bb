"""What tests of a FastAPI app can do, with one client for all of them."""

import httpx
import pytest
from fastapi.testclient import TestClient
from main import app
from starlette.websockets import WebSocketDisconnect

from fotoweb_middleware import SessionEnded, session_from_ticket
from fotoweb_middleware.testing import Fault, SignIn, SimulatedFotoWeb

client = TestClient(app, headers={"Accept": "application/json", "X-Requested-With": "fetch"})


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests under asyncio alone."""
    return "asyncio"


@pytest.mark.parametrize("turn", [1, 2])
def test_nobody_is_signed_in_at_first(turn: int, sign_in: SignIn) -> None:
    """Each test begins without a session, also with a client that was signed in before."""
    assert client.get("/hello").status_code == 401
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/echo"):
        pass
    sign_in(client)
    assert [client.get("/hello").status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("turn", [1, 2])
def test_the_api_is_called(turn: int, sign_in: SignIn) -> None:
    """A view that calls the FotoWeb API gets what the user sees there."""
    sign_in(client)

    assert client.get("/archives").json() == ["Nordic coast", "Garden and greenhouse"]


@pytest.mark.parametrize("turn", [1, 2])
def test_a_job(turn: int, sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """A job that gets a ticket works as the user, also long after the token has expired, and not after the logout."""
    sign_in(client)
    ticket = client.get("/ticket").json()
    fotoweb.clock.advance(7200)
    session = session_from_ticket(ticket)

    assert session.user is not None
    assert session.user.user_name == "alice"
    assert client.get("/token").json() == session.fresh_token()
    client.post("/oauth2/logout")
    with pytest.raises(SessionEnded):
        session_from_ticket(ticket)


def test_two_people_at_once(sign_in: SignIn) -> None:
    """Each client is signed in as somebody else."""
    alice, bob = TestClient(app), TestClient(app)
    sign_in(alice)
    sign_in(bob, "bob")

    assert [person.get("/hello").json()["hello"] for person in (alice, bob, alice)] == [
        "Alice Berg",
        "Bob Holm",
        "Alice Berg",
    ]


def test_the_same_client_for_one_after_another(sign_in: SignIn) -> None:
    """A client can be signed in as somebody else, as often as a test likes."""
    for name, full_name in [("alice", "Alice Berg"), ("bob", "Bob Holm")] * 3:
        sign_in(client, name)
        assert client.get("/hello").json() == {"hello": full_name}


def test_a_token_ages(sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """Whenever the token has expired the app gets a new one, with which the API can be called."""
    sign_in(client)
    fotoweb.switch(access_token_lifetime_seconds=60)
    tokens = [client.get("/token").json()]
    fotoweb.clock.advance(8 * 3600)
    tokens.append(client.get("/token").json())
    fotoweb.clock.advance(60)
    tokens.append(client.get("/token").json())

    assert len(set(tokens)) == 3
    assert fotoweb.refresh_count == 2
    assert client.get("/archives").status_code == 200


def test_a_refused_refresh(sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """Where FotoWeb refuses to refresh a token, the session is over."""
    sign_in(client)
    fotoweb.fault("token", Fault.invalid_grant(), grant_type="refresh_token")
    fotoweb.clock.advance(8 * 3600 + 1)

    assert client.get("/hello").status_code == 401


@pytest.mark.parametrize("turn", [1, 2])
def test_fotoweb_is_down(turn: int, sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """While FotoWeb is down nobody gets in without a valid token, however many try. The next test finds it up."""
    people = [TestClient(app) for _ in range(6)]
    for person in people:
        sign_in(person)
    fotoweb.switch(reachable=False)
    fotoweb.clock.advance(8 * 3600 + 1)

    assert {person.get("/hello").status_code for person in people} == {503}


def test_fotoweb_was_down(sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """When FotoWeb is up again the next try, some seconds later, succeeds; the test turns these seconds too."""
    sign_in(client)
    fotoweb.switch(reachable=False)
    fotoweb.clock.advance(8 * 3600 + 1)
    assert client.get("/hello").status_code == 503
    fotoweb.switch(reachable=True)
    fotoweb.clock.advance(30)

    assert client.get("/hello").status_code == 200


def test_the_api_ends_a_token(sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """When FotoWeb no longer accepts a token that should be valid, one refresh saves the call."""
    sign_in(client)
    fotoweb.expire_access_tokens()

    assert client.get("/archives").status_code == 200
    assert fotoweb.refresh_count == 1


def test_logout(sign_in: SignIn) -> None:
    """After a logout the session is over."""
    sign_in(client)
    client.post("/oauth2/logout", headers={"Accept": "text/html"})

    assert client.get("/hello").status_code == 401


@pytest.mark.anyio
async def test_httpx_with_its_asgi_transport(sign_in: SignIn) -> None:
    """An async httpx client is signed in too."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as browser:
        await sign_in(browser, "bob")

        assert (await browser.get("/hello")).json() == {"hello": "Bob Holm"}
