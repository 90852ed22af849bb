"""What tests of a Django project can do, through its wsgi.py and its asgi.py."""

import pytest
from django.test import AsyncClient, Client

from fotoweb_middleware import NotSignedIn
from fotoweb_middleware.testing import Fault, SignIn, SimulatedFotoWeb

DAY_SECONDS = 8 * 3600 + 1

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests under asyncio, Django's."""
    return "asyncio"


def test_hello(sign_in: SignIn) -> None:
    """A view has the session, its query and its own cookies; so has the client the response's context."""
    client = Client()
    sign_in(client)

    assert client.get("/hello?mark=!").content == b"Hello, Alice Berg !"
    answer = client.get("/hello")
    assert answer.cookies["count"].value == "2"
    assert answer.resolver_match.route == "hello"
    assert answer.headers["Vary"] == "Cookie"


async def test_hello_async(sign_in: SignIn) -> None:
    """The same with the async client."""
    client = AsyncClient()
    await sign_in(client)

    assert (await client.get("/hello?mark=!")).content == b"Hello, Alice Berg !"
    answer = await client.get("/hello")
    assert answer.cookies["count"].value == "2"
    assert answer.resolver_match.route == "hello"
    assert answer.headers["Vary"] == "Cookie"


async def test_two_people_at_once(sign_in: SignIn) -> None:
    """Each client is signed in as somebody else, and sees archives of their own."""
    alice, bob = Client(), AsyncClient()
    sign_in(alice)
    await sign_in(bob, "bob")

    assert alice.get("/archives").json() == ["Nordic coast", "Garden and greenhouse"]
    assert (await bob.get("/archives")).json() == ["Cities after dark", "High country"]


async def test_forms_reach_the_view(sign_in: SignIn) -> None:
    """A form is posted as ever, without a CSRF token unless the client asks for that."""
    alice, bob = Client(), AsyncClient()
    sign_in(alice)
    await sign_in(bob, "bob")

    assert alice.post("/note", {"text": "hi"}).content == b"hi"
    assert (await bob.post("/note", {"text": "hi"})).content == b"hi"
    strict = Client(enforce_csrf_checks=True)
    sign_in(strict)
    assert strict.post("/note", {"text": "hi"}).status_code == 403


async def test_errors_of_a_view_reach_the_test(sign_in: SignIn) -> None:
    """What a view raises is raised in the test, as ever."""
    alice, bob = Client(), AsyncClient()
    sign_in(alice)
    await sign_in(bob, "bob")

    with pytest.raises(ZeroDivisionError):
        alice.get("/broken")
    with pytest.raises(ZeroDivisionError):
        await bob.get("/broken")


async def test_a_token_ages(sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """When the token has expired the view gets a new one."""
    alice, bob = Client(), AsyncClient()
    sign_in(alice)
    await sign_in(bob, "bob")
    fotoweb.clock.advance(DAY_SECONDS)

    assert alice.get("/archives").status_code == 200
    assert (await bob.get("/archives")).status_code == 200
    assert fotoweb.refresh_count == 2


async def test_a_refused_refresh(sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """Where FotoWeb refuses a refresh the session is over: pages lead to the login, other requests get 401."""
    alice, bob = Client(), AsyncClient()
    sign_in(alice)
    await sign_in(bob, "bob")
    fotoweb.fault("token", Fault.invalid_grant(), grant_type="refresh_token")
    fotoweb.clock.advance(DAY_SECONDS)

    answer = alice.get("/hello", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.url.startswith(fotoweb.url)) == (302, True)
    answer = await bob.get("/hello", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (401, 401)


async def test_logout(sign_in: SignIn) -> None:
    """After a logout the session is over."""
    alice, bob = Client(), AsyncClient()
    sign_in(alice)
    await sign_in(bob, "bob")
    alice.post("/oauth2/logout")
    await bob.post("/oauth2/logout")

    assert alice.get("/hello").status_code == 302
    assert (await bob.get("/hello")).status_code == 302


def test_a_client_that_is_not_signed_in_calls_the_view() -> None:
    """Other clients are left as Django made them: they call the view, past wsgi.py."""
    with pytest.raises(NotSignedIn):
        Client().get("/hello")
