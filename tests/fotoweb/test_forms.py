"""What is sent to the token endpoint (R-TE1; RFC 6749, 4.1.3 and 6)."""

from __future__ import annotations

from typing import Any

from fotoweb_middleware.fotoweb.messages import Form
from fotoweb_middleware.fotoweb.tokens import build_code_form, build_refresh_form


def code_form(**changes: Any) -> Form:
    """Return the form that exchanges a code."""
    arguments = {
        "client_id": "id",
        "client_secret": "secret",
        "code": "C",
        "redirect_uri": "https://app.example/oauth2/callback",
        "code_verifier": "V",
    }
    return build_code_form(**{**arguments, **changes})


def test_code_form() -> None:
    """A code is exchanged with everything the vendor's page lists, each once."""
    assert sorted(code_form().fields) == [
        ("client_id", "id"),
        ("client_secret", "secret"),
        ("code", "C"),
        ("code_verifier", "V"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", "https://app.example/oauth2/callback"),
    ]


def test_code_form_without_redirect_uri() -> None:
    """``redirect_uri`` is left out where the authorization request carried none (vendor: MUST NOT BE GIVEN)."""
    assert "redirect_uri" not in dict(code_form(redirect_uri=None).fields)


def test_code_form_without_verifier() -> None:
    """Without PKCE there is no ``code_verifier``."""
    assert "code_verifier" not in dict(code_form(code_verifier=None).fields)


def test_refresh_form() -> None:
    """A refresh sends the refresh token and the client's credentials, each once."""
    form = build_refresh_form(client_id="id", client_secret="secret", refresh_token="RT")
    assert sorted(form.fields) == [
        ("client_id", "id"),
        ("client_secret", "secret"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "RT"),
    ]
