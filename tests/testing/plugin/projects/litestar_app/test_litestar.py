"""What tests of a Litestar app can do."""

import pytest
from litestar.testing import AsyncTestClient, TestClient
from service import app

from fotoweb_middleware.testing import SignIn, SimulatedFotoWeb


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests under asyncio alone."""
    return "asyncio"


def test_hello(sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """A user who is signed in is greeted by name, also after a refresh, and not after a logout."""
    with TestClient(app) as client:
        sign_in(client)
        assert client.get("/hello").text == "Hello, Alice Berg"
        fotoweb.clock.advance(8 * 3600 + 1)
        assert client.get("/hello").text == "Hello, Alice Berg"
        client.post("/oauth2/logout")
        assert client.get("/hello", follow_redirects=False).status_code == 302


@pytest.mark.anyio
async def test_hello_async(sign_in: SignIn) -> None:
    """The same with the async client."""
    async with AsyncTestClient(app) as client:
        await sign_in(client, "bob")
        assert (await client.get("/hello")).text == "Hello, Bob Holm"
