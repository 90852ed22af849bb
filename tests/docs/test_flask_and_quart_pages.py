"""The Python on flask.md and quart.md runs, and does what the pages say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_login import current_user

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.docs.test_code_blocks import HOW_TO, python_blocks

ORIGIN = "http://localhost"  # Where both frameworks' test clients have the app.
PATIENCE_SECONDS = 20


@pytest.fixture
def fotoweb(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeFotoWeb]:
    """Let a simulator listen, and set the four variables."""
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(f"{ORIGIN}/oauth2/callback",))])
    with fake.serve() as url:
        monkeypatch.setenv("FOTOWEB_URL", url)
        monkeypatch.setenv("FOTOWEB_CLIENT_ID", fake.client.client_id)
        monkeypatch.setenv("FOTOWEB_CLIENT_SECRET", fake.client.client_secret)
        monkeypatch.setenv("FOTOWEB_SECRET_KEY", "kQ3vX9rT6bL1mZ8cW4nP7sD2fH5jY0gA")
        monkeypatch.setenv("FOTOWEB_CACHE", "memory://")
        yield fake


def run(page: str, *numbers: int) -> dict[str, Any]:
    """Run some blocks of a page as one module, and return its names."""
    names: dict[str, Any] = {"__name__": "app"}
    blocks = python_blocks(HOW_TO / page)
    for number in numbers:
        exec(compile(blocks[number], page, "exec", dont_inherit=True), names)  # noqa: S102 (our own page)
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
    client: FlaskClient = run("flask.md", 0)["app"].test_client()
    about = client.get("/about").text
    sign_in(client, fotoweb)

    page = client.get("/").text
    stream = client.get("/events")

    assert 'href="/oauth2/login?next=%2F"' in about
    assert "Signed in as Alice Berg." in page
    assert "<li>Nordic coast</li><li>Garden and greenhouse</li>" in page
    assert 'action="/oauth2/logout"' in page
    assert next(iter(stream.response)) == b"data: 2\n\n"
    stream.close()


def test_flask_app_for_everybody(fotoweb: FakeFotoWeb) -> None:
    """The app with an optional login lets everybody look, and sends them to the login where it has to know them."""
    client: FlaskClient = run("flask.md", 1)["shop"].test_client()
    anonymous = [client.get("/").status_code, client.get("/orders").location]
    sign_in(client, fotoweb)

    assert anonymous == [200, "/oauth2/login?next=%2Forders"]
    assert client.get("/orders").text == "The orders of alice."


def test_flask_factory(fotoweb: FakeFotoWeb) -> None:
    """An app that a factory made is protected."""
    app = run("flask.md", 2)["create_app"]()

    assert app.test_client().get("/", headers={"Accept": "text/html"}).status_code == 302


def test_flask_login(fotoweb: FakeFotoWeb) -> None:
    """Flask-Login's ``current_user`` is whoever has signed in."""
    app = run("flask.md", 0, 3)["app"]
    app.add_url_rule("/me", view_func=lambda: current_user.user.user_name)
    client = app.test_client()
    sign_in(client, fotoweb)

    assert client.get("/me").text == "alice"


def test_quart_app(fotoweb: FakeFotoWeb) -> None:
    """The Quart app shows name, archives and the way out; its public page has the way in; its WebSocket counts."""
    app = run("quart.md", 0)["app"]

    async def visit() -> None:
        client = app.test_client()
        about = await (await client.get("/about")).get_data(as_text=True)
        await asign_in(client, fotoweb)
        page = await (await client.get("/")).get_data(as_text=True)
        async with asyncio.timeout(PATIENCE_SECONDS), client.websocket("/counts") as connection:
            count = await connection.receive()

        assert 'href="/oauth2/login?next=%2F"' in about
        assert "Signed in as Alice Berg." in page
        assert "<li>Nordic coast</li><li>Garden and greenhouse</li>" in page
        assert 'action="/oauth2/logout"' in page
        assert count == "2"

    asyncio.run(visit())


def test_quart_app_for_everybody(fotoweb: FakeFotoWeb) -> None:
    """The app with an optional login lets everybody look, and sends them to the login where it has to know them."""
    shop = run("quart.md", 1)["shop"]

    async def visit() -> None:
        client = shop.test_client()
        anonymous = [(await client.get("/")).status_code, (await client.get("/orders")).location]
        await asign_in(client, fotoweb)

        assert anonymous == [200, "/oauth2/login?next=%2Forders"]
        assert await (await client.get("/orders")).get_data(as_text=True) == "The orders of alice."

    asyncio.run(visit())
