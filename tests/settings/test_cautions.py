"""Insecure switches log a warning (R-CF4)."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.settings.cautions import cautions
from tests.settings.samples import settings

PLAIN_CALLBACK = {"allow_http": True, "redirect_uri": "http://app.example/oauth2/callback"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"allow_http": True}, []),
        ({"allow_http": True, "url": "http://localhost"}, []),
        ({"allow_http": True, "url": "http://tenant.example"}, ["FOTOWEB_URL is plain http"]),
        ({"pkce": False}, ["FOTOWEB_PKCE=false"]),
        ({"cookie_secure": False}, ["FOTOWEB_COOKIE_SECURE=false"]),
        (
            {"cookie_secure": False, "redirect_uri": "https://app.example/oauth2/callback"},
            ["FOTOWEB_COOKIE_SECURE=false"],
        ),
        ({"cookie_secure": False, "redirect_uri": "http://localhost:8000/oauth2/callback"}, []),
        (
            {"cookie_secure": "true", "redirect_uri": "http://localhost:8000/oauth2/callback"},
            ["FOTOWEB_COOKIE_SECURE=true, and FOTOWEB_REDIRECT_URI is plain http"],
        ),
        ({"cookie_secure": "true", "redirect_uri": "https://localhost:8000/oauth2/callback"}, []),
        (PLAIN_CALLBACK, ["FOTOWEB_REDIRECT_URI is plain http", "FOTOWEB_REDIRECT_URI is plain http, and the cookies"]),
        (
            PLAIN_CALLBACK | {"cookie_secure": False},
            ["FOTOWEB_REDIRECT_URI is plain http", "FOTOWEB_COOKIE_SECURE=false"],
        ),
    ],
)
def test_cautions(changes: dict[str, Any], expected: list[str]) -> None:
    """Each switch that weakens the login has its sentence, and safe settings have none."""
    found = cautions(settings(**changes))

    assert [text[: len(start)] for text, start in zip(found, expected, strict=True)] == expected


def test_cautions_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Constructing the settings logs each caution as one warning of the settings' logger."""
    settings(pkce=False)

    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("fotoweb_middleware.settings", "WARNING")
    ]
