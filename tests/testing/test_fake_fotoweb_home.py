"""The simulator's front page: whether it knows the browser, and the way out."""

from __future__ import annotations

import httpx

from fotoweb_middleware.testing import FakeFotoWeb


def browser(fake: FakeFotoWeb) -> httpx.Client:
    """Return a client that keeps cookies and follows redirects."""
    return httpx.Client(transport=fake.transport(), base_url="https://fotoweb.test", follow_redirects=True)


def test_nobody_is_logged_in() -> None:
    """A browser that FotoWeb does not know is told so."""
    assert "Nobody is logged in" in browser(FakeFotoWeb()).get("/").text


def test_log_in_and_out() -> None:
    """Who logs in is named there, and the button logs out."""
    client = browser(FakeFotoWeb())
    client.post("/fotoweb/views/login", data={"username": "alice", "password": "secret"})
    assert "Alice Berg" in client.get("/").text

    client.post("/fotoweb/services/logout")
    assert "Nobody is logged in" in client.get("/").text
