"""The Python on flask.md and quart.md runs, and does what the pages say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_login import current_user

from fotoweb_middleware.testing import Client, FakeFotoWeb, Fault
from tools.code_blocks import HOW_TO, blocks_of

ORIGIN = "http://localhost"  # Where both frameworks' test clients have the app.
PATIENCE_SECONDS = 20


pytestmark = pytest.mark.usefixtures("variables")


@pytest.fixture
def fotoweb() -> FakeFotoWeb:
    """Return a simulator, registered with where the test clients have the app."""
    return FakeFotoWeb(clients=[Client(redirect_uris=(f"{ORIGIN}/oauth2/callback",))])


def run(page: str, *, flask_login: bool = False) -> dict[str, Any]:
    """Run a page's Python as one module, and return its names."""
    names: dict[str, Any] = {"__name__": "app"}
    blocks = blocks_of(HOW_TO / page) + blocks_of(HOW_TO / page, "python flask-login") * flask_login
    for block in (block for block in blocks if not block.startswith("# test_app.py")):
        exec(compile(block, page, "exec", dont_inherit=True), names)  # noqa: S102 (our own page)
    return names


def sign_in(client: FlaskClient, fotoweb: FakeFotoWeb) -> None:
    """Log in with Flask's test client."""
    to_fotoweb = client.get("/oauth2/login").headers["Location"]
    assert client.get(fotoweb.approve(to_fotoweb).removeprefix(ORIGIN)).status_code == 302


async def asign_in(client: Any, fotoweb: FakeFotoWeb) -> None:
    """Log in with Quart's test client."""
    to_fotoweb = (await client.get("/oauth2/login")).headers["Location"]
    assert (await client.get(fotoweb.approve(to_fotoweb).removeprefix(ORIGIN))).status_code == 302


def test_flask_app(fotoweb: FakeFotoWeb) -> None:
    """The Flask app shows name, archives and the way out; its public page has the way in; its stream counts."""
    client: FlaskClient = run("flask.md")["app"].test_client()
    about = client.get("/about").text
    sign_in(client, fotoweb)

    page = client.get("/").text
    stream = client.get("/events")
    chunks = iter(stream.response)
    first = next(chunks)
    fotoweb.fault("api", Fault.dropped())
    without_fotoweb, stream_without_fotoweb = client.get("/"), client.get("/events")

    assert 'href="/oauth2/login?next=%2F"' in about
    assert "Signed in as Alice Berg." in page
    assert "<li>Nordic coast</li><li>Garden and greenhouse</li>" in page
    assert 'action="/oauth2/logout"' in page
    assert first == b"data: 2\n\n"
    assert next(iter(stream_without_fotoweb.response)) == b": no answer from FotoWeb\n\n"
    assert (without_fotoweb.status_code, "Try again later" in without_fotoweb.text) == (503, True)
    stream.close()
    stream_without_fotoweb.close()


def test_flask_app_for_everybody(fotoweb: FakeFotoWeb) -> None:
    """The app with an optional login lets everybody look, and sends them to the login where it has to know them."""
    client: FlaskClient = run("flask.md")["shop"].test_client()
    anonymous = [client.get("/").status_code, client.get("/orders").location]
    sign_in(client, fotoweb)

    assert anonymous == [200, "/oauth2/login?next=%2Forders"]
    assert client.get("/orders").text == "The orders of alice."


def test_flask_factory(fotoweb: FakeFotoWeb) -> None:
    """An app that a factory made is protected."""
    app = run("flask.md")["create_app"]()

    assert app.test_client().get("/", headers={"Accept": "text/html"}).status_code == 302


def test_flask_login(fotoweb: FakeFotoWeb) -> None:
    """Flask-Login's ``current_user`` is whoever has signed in."""
    app = run("flask.md", flask_login=True)["app"]
    app.add_url_rule("/me", view_func=lambda: current_user.user.user_name)
    client = app.test_client()
    sign_in(client, fotoweb)

    assert client.get("/me").text == "alice"


def test_quart_app(fotoweb: FakeFotoWeb) -> None:
    """The Quart app shows name, archives and the way out; its public page has the way in; its WebSocket counts."""
    app = run("quart.md")["app"]

    async def visit() -> None:
        client = app.test_client()
        about = await (await client.get("/about")).get_data(as_text=True)
        await asign_in(client, fotoweb)
        page = await (await client.get("/")).get_data(as_text=True)
        async with asyncio.timeout(PATIENCE_SECONDS), client.websocket("/counts") as connection:
            count = await connection.receive()
        fotoweb.fault("api", Fault.dropped())
        without_fotoweb = await client.get("/")

        assert 'href="/oauth2/login?next=%2F"' in about
        assert "Signed in as Alice Berg." in page
        assert "<li>Nordic coast</li><li>Garden and greenhouse</li>" in page
        assert 'action="/oauth2/logout"' in page
        assert count == "2"
        assert without_fotoweb.status_code == 503

    asyncio.run(visit())


def test_quart_app_for_everybody(fotoweb: FakeFotoWeb) -> None:
    """The app with an optional login lets everybody look, and sends them to the login where it has to know them."""
    shop = run("quart.md")["shop"]

    async def visit() -> None:
        client = shop.test_client()
        anonymous = [(await client.get("/")).status_code, (await client.get("/orders")).location]
        await asign_in(client, fotoweb)

        assert anonymous == [200, "/oauth2/login?next=%2Forders"]
        assert await (await client.get("/orders")).get_data(as_text=True) == "The orders of alice."

    asyncio.run(visit())
