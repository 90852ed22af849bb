"""What tests of a Flask app can do."""

import httpx
import pytest
from app import app
from flask.testing import FlaskClient

from fotoweb_middleware.testing import Fault, SignIn, SimulatedFotoWeb, User

DAY_SECONDS = 8 * 3600 + 1
grants_heard: list[str | None] = []
"""Filled by two runs of one test, each of which finds what the other left behind."""


@pytest.fixture
def client() -> FlaskClient:
    """Return Flask's own test client."""
    return app.test_client()


def test_anonymous(client: FlaskClient) -> None:
    """Who is not signed in is sent to FotoWeb."""
    answer = client.get("/hello", headers={"Accept": "text/html"})

    assert answer.status_code == 302
    assert "/fotoweb/oauth2/authorize" in answer.location


def test_two_people_at_once(client: FlaskClient, sign_in: SignIn) -> None:
    """Each client is signed in as somebody else."""
    other = app.test_client()
    sign_in(client)
    sign_in(other, "bob")

    assert (client.get("/hello").text, other.get("/hello").text) == ("Hello, alice", "Hello, bob")


@pytest.mark.parametrize("turn", [1, 2])
def test_a_user_of_ones_own(turn: int, client: FlaskClient, sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """A test can add people; the next one begins without them."""
    assert "eve" not in fotoweb.users
    fotoweb.add_user(User(user_name="eve", user_id=7, archives=(5002,)))
    sign_in(client, "eve")

    assert client.get("/archives").json == ["Cities after dark"]


def test_a_token_ages(client: FlaskClient, sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """When the token has expired the app gets a new one."""
    sign_in(client)
    fotoweb.clock.advance(DAY_SECONDS)

    assert client.get("/archives").status_code == 200
    assert fotoweb.refresh_count == 1


def test_a_refused_refresh(client: FlaskClient, sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """Where FotoWeb refuses to refresh a token, the session is over."""
    sign_in(client)
    fotoweb.fault("token", Fault.invalid_grant(), grant_type="refresh_token")
    fotoweb.clock.advance(DAY_SECONDS)

    assert client.get("/hello", headers={"Accept": "text/html"}).status_code == 302


def test_logout(client: FlaskClient, sign_in: SignIn) -> None:
    """After a logout the session is over."""
    sign_in(client)
    client.post("/oauth2/logout")

    assert client.get("/hello").status_code == 302


def test_httpx_with_its_wsgi_transport(sign_in: SignIn) -> None:
    """An httpx client is signed in too."""
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://localhost") as browser:
        sign_in(browser, "bob")

        assert browser.get("/hello").text == "Hello, bob"


@pytest.mark.parametrize("turn", [1, 2])
def test_a_refresh_that_nobody_waits_for(
    turn: int, client: FlaskClient, sign_in: SignIn, fotoweb: SimulatedFotoWeb
) -> None:
    """A refresh after the answer, which WSGI does not wait for, is over when the next test begins."""
    assert grants_heard in ([], ["authorization_code", "refresh_token"])
    fotoweb.on_token = lambda request: grants_heard.append(request.grant_type)
    sign_in(client)
    fotoweb.fault("token", Fault.slow(0.2), grant_type="refresh_token")
    fotoweb.clock.advance(DAY_SECONDS - 30)

    with client.get("/hello") as answer:  # The refresh begins when the answer is closed.
        assert answer.text == "Hello, alice"
