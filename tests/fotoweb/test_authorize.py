"""The authorization request and the callback's query (R-AC1, R-AC9; T-AC-09, T-AC-10)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.fotoweb.authorize import CallbackQuery, build_authorize_url, read_callback


def authorize_url(**changes: Any) -> str:
    """Return an authorization request."""
    arguments = {
        "client_id": "a b&c",
        "redirect_uri": "https://app.example/oauth2/callback",
        "state": "S",
        "code_challenge": "CH",
    }
    return build_authorize_url("https://tenant.example", **{**arguments, **changes})


def test_authorize_url_address() -> None:
    """The browser is sent to the site's authorize endpoint."""
    parts = urlsplit(authorize_url())
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "tenant.example", "/fotoweb/oauth2/authorize")


def test_authorize_url_parameters() -> None:
    """Every parameter stands there once, percent-encoded, and no other."""
    assert parse_qsl(urlsplit(authorize_url()).query, strict_parsing=True) == [
        ("response_type", "code"),
        ("client_id", "a b&c"),
        ("redirect_uri", "https://app.example/oauth2/callback"),
        ("state", "S"),
        ("code_challenge", "CH"),
        ("code_challenge_method", "S256"),
    ]


def test_authorize_url_without_redirect_uri() -> None:
    """``redirect_uri`` can be left out."""
    assert "redirect_uri" not in authorize_url(redirect_uri=None)


def test_authorize_url_without_pkce() -> None:
    """Without a challenge there is no challenge method either."""
    assert "code_challenge" not in authorize_url(code_challenge=None)


def test_callback_with_code() -> None:
    """A callback with code and state gives both."""
    assert read_callback("code=C&state=S") == CallbackQuery("S", "C", "", "")


def test_callback_code_decoded_once() -> None:
    """A code is decoded once and may hold any character (T-AC-10)."""
    query = read_callback("state=S&code=C%26grant_type%3Dclient_credentials%26client_id%3Devil%23%2B%252f")
    assert query == CallbackQuery("S", "C&grant_type=client_credentials&client_id=evil#+%2f", "", "")


def test_callback_with_error() -> None:
    """A callback with an error gives its code and description."""
    query = read_callback("error=access_denied&error_description=No+%3Cway%3E&state=S")
    assert query == CallbackQuery("S", "", "access_denied", "No <way>")


def test_callback_description_cut() -> None:
    """A description is cut to 500 characters."""
    query = read_callback(f"error=e&state=S&error_description={'x' * 9000}")
    assert isinstance(query, CallbackQuery)
    assert query.error_description == "x" * 500


def test_callback_empty_parameter() -> None:
    """A parameter without a value counts as left out (RFC 6749, 3.1)."""
    assert read_callback("code=C&error=&state=S") == CallbackQuery("S", "C", "", "")


def test_callback_unknown_parameters() -> None:
    """Parameters that nobody asked about are passed over."""
    assert read_callback("code=C&state=S&session_state=x&session_state=y&iss=z") == CallbackQuery("S", "C", "", "")


@pytest.mark.parametrize("query", ["", "code=C", "state=&code=C", "error=access_denied", "Code=C&State=S", "%73tat%65"])
def test_callback_without_state(query: str) -> None:
    """Without a state nothing ties the callback to a login."""
    assert read_callback(query) == "state_missing"


@pytest.mark.parametrize(
    "query",
    [
        "code=A&code=B&state=S",
        "code=A&code=A&state=S",
        "code=A&state=S&state=S",
        "code=A&state=S&%73tate=T",
        "code=A&error=access_denied&state=S",
        "error=a&error=b&state=S",
        "error=a&state=S&error_description=b&error_description=c",
        "iss=x&iss=y&code=A&state=S",
        "code=A&state=S&code=",
        "state=S",
        "code=&state=S",
        "code=&error=&state=S",
        f"code=C&state={'S' * 129}",
        f"code={'C' * 8193}&state=S",
        "code=%ff%fe&state=S",
        "code=C&state=S" + "&x=y" * 49,
        "&".join(f"a{number}=1" for number in range(20_000)),
    ],
)
def test_callback_garbled(query: str) -> None:
    """A parameter that comes twice, a code beside an error, neither, or far too much is garbled (R-AC9)."""
    assert read_callback(query) == "state_garbled"


def test_callback_limits() -> None:
    """A state of 128 and a code of 8192 characters are the longest that are taken."""
    assert isinstance(read_callback(f"code={'C' * 8192}&state={'S' * 128}"), CallbackQuery)


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60) | st.text("codestarri=&%;+08f", max_size=60))
def test_callback_never_raises(query: str) -> None:
    """Whatever stands in the query, reading it raises nothing."""
    assert isinstance(read_callback(query), CallbackQuery | str)


def test_callback_repr() -> None:
    """Neither state, code nor description stands in the repr."""
    queries = ["code=S3CR3T&state=S3CR3T", "error=e&error_description=S3CR3T&state=S"]
    assert "S3CR3T" not in repr([read_callback(query) for query in queries])
