"""Which FotoWeb the demo uses."""

from __future__ import annotations

import pytest

from fotoweb_middleware.demo.fotoweb_site import is_configured, real_site, simulated_site
from fotoweb_middleware.errors import SettingsError

NAMED = {
    "FOTOWEB_URL": "https://tenant.example",
    "FOTOWEB_CLIENT_ID": "an-id",
    "FOTOWEB_CLIENT_SECRET": "planted-client-secret",
    "FOTOWEB_SECRET_KEY": "kJ8s-2mQzX0pLr7VtY5wBn3cHd6fGg9aEeRiUoTqWxM",
}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"FOTOWEB_COOKIE_MODE": "reference"}, False),
        ({"FOTOWEB_URL": " "}, False),
        ({"FOTOWEB_SECRET_KEY_FILE": "/run/key"}, True),
        *(({name: value}, True) for name, value in NAMED.items()),
    ],
)
def test_when_it_is_your_fotoweb(environ: dict[str, str], expected: bool) -> None:
    """One variable that names a site is enough: a half-named site is a mistake and no wish for the simulator."""
    assert is_configured(environ) is expected


@pytest.mark.parametrize("left_out", NAMED)
def test_a_half_named_site_is_an_error(monkeypatch: pytest.MonkeyPatch, left_out: str) -> None:
    """The message names what is missing, and no secret."""
    for name in NAMED.keys() - {left_out}:
        monkeypatch.setenv(name, NAMED[name])

    with pytest.raises(SettingsError, match=left_out) as caught:
        real_site("http://localhost:8000")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "http://localhost:8000/oauth2/callback"),
        ({"FOTOWEB_PATH_PREFIX": "/auth"}, "http://localhost:8000/auth/callback"),
        ({"FOTOWEB_REDIRECT_URI": "https://app.example/oauth2/callback"}, "https://app.example/oauth2/callback"),
    ],
)
def test_the_callback_to_register(monkeypatch: pytest.MonkeyPatch, more: dict[str, str], expected: str) -> None:
    """It follows the settings."""
    for name, value in {**NAMED, **more}.items():
        monkeypatch.setenv(name, value)

    assert real_site("http://localhost:8000").callback_url == expected


def test_the_simulator_knows_the_gallery() -> None:
    """Under both names of this machine, since people type both."""
    with simulated_site("http://localhost:8123", token_lifetime_seconds=60) as site:
        assert site.simulator is not None
        assert site.simulator.client.redirect_uris == (
            "http://localhost:8123/oauth2/callback",
            "http://127.0.0.1:8123/oauth2/callback",
        )
        assert site.settings.url.startswith("http://127.0.0.1:")


def test_the_simulator_keeps_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a mode can be tried out."""
    monkeypatch.setenv("FOTOWEB_COOKIE_MODE", "reference")
    with simulated_site("http://localhost:8123", token_lifetime_seconds=60) as site:
        assert site.settings.cookie_mode == "reference"
