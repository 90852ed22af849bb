"""The two shells around the gallery give the same answers."""

from __future__ import annotations

from wsgiref.validate import validator

import anyio
import httpx
import pytest

from fotoweb_middleware.demo.shells import asgi_app, wsgi_app
from tests.demo.samples import hang_pictures


def ask_asgi(method: str, path: str) -> httpx.Response:
    """Ask the ASGI app."""
    app = asgi_app(hang_pictures().gallery)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gallery.test") as client:
            return await client.request(method, path)

    return anyio.run(ask)


def ask_wsgi(method: str, path: str) -> httpx.Response:
    """Ask the WSGI app; the validator watches both sides."""
    app = validator(wsgi_app(hang_pictures().gallery))
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://gallery.test") as client:
        return client.request(method, path)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("HEAD", "/"), ("GET", "/favicon.ico"), ("POST", "/"), ("GET", "/status")]
)
def test_both_doors_answer_alike(method: str, path: str) -> None:
    """Status, type and length are the same, whatever server runs the gallery."""
    answers = [ask_asgi(method, path), ask_wsgi(method, path)]
    asgi, wsgi = [(each.status_code, each.headers["content-type"], each.headers["content-length"]) for each in answers]

    assert asgi == wsgi


def test_head_has_no_body() -> None:
    """A WSGI server would send whatever the app returns."""
    assert ask_wsgi("HEAD", "/").content == b""
