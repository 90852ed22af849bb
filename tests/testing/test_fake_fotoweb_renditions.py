"""The simulator's renditions: asked for, waited for, downloaded."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fotoweb_middleware.testing import FakeClock
from tests.testing.fake_fotoweb_app import ORIGIN, App

SERVICE = "/fotoweb/services/renditions"
REQUEST = "application/vnd.fotoware.rendition-request+json"
RESPONSE = "application/vnd.fotoware.rendition-response+json"


def first_rendition(app: App, token: str) -> str:
    """Give the href of a rendition that Alice may download."""
    archive = app.get("/fotoweb/me/archives/", token).json()["data"][0]
    assets = app.get(archive["data"], token, "application/vnd.fotoware.assetlist+json").json()["data"]
    return str(assets[0]["renditions"][0]["href"])


def ask(app: App, token: str | None, href: Any, **headers: str) -> httpx.Response:
    """Ask for a rendition."""
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    sent = {"Content-Type": REQUEST, "Accept": RESPONSE, **authorization, **headers}
    return app.http.post(SERVICE, json={"href": href}, headers=sent)


def test_a_rendition_is_ready_after_a_while(app: App, token: str) -> None:
    """202 with an absolute Location; there 202 until it is ready, then the file, as often as one likes."""
    asked = ask(app, token, first_rendition(app, token))
    href = asked.json()["href"]
    assert (asked.status_code, asked.headers["content-type"]) == (202, f"{RESPONSE}; charset=utf-8")
    assert asked.headers["location"] == ORIGIN + href
    assert [app.get(href, token).status_code for _ in range(4)] == [202, 202, 200, 200]
    answer = app.get(href, token)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''Reine_")
    assert answer.content.startswith(b"<svg")


def test_how_long_it_takes_is_a_switch(app: App, token: str) -> None:
    """None at all, too."""
    app.fake.switch(polls_until_ready=0)
    href = ask(app, token, first_rendition(app, token)).json()["href"]
    assert app.get(href, token).status_code == 200


def test_a_rendition_goes_away(app: App, token: str, clock: FakeClock) -> None:
    """410 after its time."""
    href = ask(app, token, first_rendition(app, token)).json()["href"]
    clock.advance(300)
    assert app.get(href, token).status_code == 410


def test_a_rendition_needs_its_users_token(app: App, token: str) -> None:
    """401 without a token, 404 with another user's."""
    href = ask(app, token, first_rendition(app, token)).json()["href"]
    assert app.http.get(href).status_code == 401
    assert app.get(href, str(app.log_in("bob")["access_token"])).status_code == 404
    assert app.get("/fotoweb/me/background-tasks/x/0/y", token).status_code == 404


def test_who_may_ask(app: App, token: str) -> None:
    """403 without a token, as seen on a real site, 401 with a bad one; nobody asks for what they can't see."""
    href = first_rendition(app, token)
    assert ask(app, None, href).status_code == 403
    assert ask(app, "garbage", href).status_code == 401
    assert ask(app, str(app.log_in("bob")["access_token"]), href).status_code == 404


@pytest.mark.parametrize("href", ["", "/fotoweb/archives/5001-Nordic-coast/no.jpg.info/__renditions/ORIGINAL", 7, None])
def test_a_rendition_that_is_not_there(app: App, token: str, href: Any) -> None:
    """404 for what is no rendition."""
    assert ask(app, token, href).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
def test_a_body_that_asks_for_nothing(app: App, token: str, body: bytes) -> None:
    """404 too."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": REQUEST}
    assert app.http.post(SERVICE, content=body, headers=headers).status_code == 404


def test_wrong_types(app: App, token: str) -> None:
    """415 for another Content-Type, 406 for another Accept."""
    href = first_rendition(app, token)
    assert ask(app, token, href, **{"Content-Type": "application/json"}).status_code == 415
    assert ask(app, token, href, Accept="text/html").status_code == 406


def test_other_methods(app: App, token: str) -> None:
    """404 for GET and an Allow header for OPTIONS, as seen on a real site."""
    assert app.get(SERVICE, token).status_code == 404
    assert app.http.options(SERVICE).headers["allow"] == "POST, OPTIONS"
