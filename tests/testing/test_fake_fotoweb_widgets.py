"""The simulator's widgets, as far as they can be seen without a browser; `tests/browser/test_recipes.py` has one."""

from __future__ import annotations

import pytest

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.testing.fake_fotoweb_app import App, web

WIDGETS = ["/fotoweb/widgets/selection", "/fotoweb/widgets/publish"]


def policy(app: App, path: str) -> str:
    """Give the part of the Content-Security-Policy that says who may frame a page."""
    return app.http.get(path).headers["content-security-policy"].split("; ")[-1]


@pytest.mark.parametrize("path", WIDGETS)
def test_a_widget_is_framed_by_applications_alone(path: str) -> None:
    """By the origins of their redirect URIs; addresses of native apps are no origins."""
    app = web("https://gallery.example/callback", "https://gallery.example/other", "gallery:callback")
    assert policy(app, path) == "frame-ancestors https://gallery.example"


def test_without_applications_nobody_frames_a_widget() -> None:
    """Also where there is only a script."""
    assert policy(App(FakeFotoWeb(clients=[Client(kind="script")])), WIDGETS[0]) == "frame-ancestors 'none'"


@pytest.mark.parametrize("path", WIDGETS)
def test_the_page_knows_no_token(path: str) -> None:
    """It is the same page whatever the query says: its script reads the token."""
    app = web()
    assert app.http.get(f"{path}?access_token=planted").text == app.http.get(path).text
