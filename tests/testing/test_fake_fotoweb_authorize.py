"""The simulator's authorization endpoint: registrations, refusals, answers."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.testing.fake_fotoweb_app import CALLBACK, STATE, App, web

OTHER = "http://localhost:8000/other"
NOTICE = "not affiliated with or"


# ------------------------------------------------------------------------------------------------- registrations


def test_ids_and_secrets_have_fotowebs_formats() -> None:
    """An id is a lower-case UUIDv4, a secret has 43 characters, and the secret is in no repr."""
    client = web().client
    assert (len(client.client_id), client.client_id[14], client.client_id.lower()) == (36, "4", client.client_id)
    assert len(client.client_secret) == 43
    assert client.client_secret not in repr(client)


def test_two_sites_have_different_clients() -> None:
    """Ids and secrets are made up each time."""
    assert web().client.client_id != web().client.client_id


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "native", "client_secret": "x"},
        {"kind": "native", "asks_consent": False},
        {"kind": "script", "redirect_uris": (CALLBACK,)},
        {"redirect_uris": ("/callback",)},
        {"redirect_uris": (f"{CALLBACK}#part",)},
    ],
)
def test_an_impossible_registration_is_refused(wrong: dict[str, Any]) -> None:
    """What FotoWeb's form would not take ends with ValueError."""
    with pytest.raises(ValueError, match=r"native|script|redirect URI"):
        Client(**wrong)


# ------------------------------------------------------------------------------------------------- never a redirect


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "unknown"},
        {"client_id": ["one", "two"]},
        {"redirect_uri": "http://localhost:8000/evil"},
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": f"{CALLBACK}?x=1"},
        {"redirect_uri": "http://LOCALHOST:8000/oauth2/callback"},
        {"redirect_uri": [CALLBACK, CALLBACK]},
    ],
)
def test_a_wrong_client_or_redirect_uri_shows_a_page(changes: dict[str, Any]) -> None:
    """Nothing that can't be trusted is redirected to."""
    answer = web().authorize(**changes)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "location" not in answer.headers


@pytest.mark.parametrize("uri", ["http://testserver/oauth2/callback", "https://app.example:8443/x?y=1"])
def test_any_redirect_uri_can_be_accepted(uri: str) -> None:
    """A switch accepts what is not registered, for apps whose address nobody knows beforehand."""
    app = web()
    app.fake.switch(any_redirect_uri=True)
    assert app.fake.approve(app.authorize_url(redirect_uri=uri)).startswith(uri)


@pytest.mark.parametrize(
    "uri", ["javascript:alert(1)", "/callback", "http://", "https://app.example/#part", "http://a b/"]
)
def test_no_switch_accepts_what_is_no_address(uri: str) -> None:
    """Such a redirect URI shows a page even then."""
    app = web()
    app.fake.switch(any_redirect_uri=True)
    assert app.authorize(redirect_uri=uri).status_code == 400


def test_an_ambiguous_redirect_uri_shows_a_page() -> None:
    """None sent, two registered: the site does not pick one."""
    answer = web(CALLBACK, OTHER).authorize(redirect_uri=None)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_a_script_client_shows_a_page() -> None:
    """A non-interactive application has no users."""
    fake = FakeFotoWeb(clients=[Client(kind="script")])
    answer = App(fake).authorize(redirect_uri=None)
    assert (answer.status_code, "non-interactive" in answer.text) == (400, True)


def test_a_wrong_method_is_refused() -> None:
    """Authorize is a GET."""
    app = web()
    assert app.http.post(app.authorize_url()).status_code == 405


# ------------------------------------------------------------------------------------------------- errors that go back


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ["code", "code"]}, "invalid_request"),
        ({"scope": ["a", "a"]}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "too-short"}, "invalid_request"),
        ({"code_challenge": "=" * 43}, "invalid_request"),
    ],
)
def test_other_errors_go_back_with_state(changes: dict[str, Any], error: str) -> None:
    """The application hears error, error_description and its state."""
    app = web()
    answer = app.authorize(**changes)
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    back = app.back_from(answer)
    assert (back["error"], back["state"], bool(back["error_description"])) == (error, STATE, True)


@pytest.mark.parametrize("state", [None, ""])
def test_a_missing_state_goes_back(state: str | None) -> None:
    """State is required; an empty one counts as left out."""
    app = web()
    back = app.back_from(app.authorize(state=state))
    assert (back["error"], "state" in back) == ("invalid_request", False)


def test_state_can_be_made_optional() -> None:
    """A switch lets a request without state through."""
    app = web()
    app.fake.switch(require_state=False, auto_login="alice")
    assert list(app.back_from(app.authorize(state=None))) == ["code"]


def test_pkce_is_optional_for_web_clients() -> None:
    """Web clients of before PKCE still get a code."""
    app = web()
    app.fake.switch(auto_login="alice")
    assert "code" in app.back_from(app.authorize(code_challenge=None, code_challenge_method=None))


def test_pkce_can_be_required() -> None:
    """A switch refuses web clients without PKCE."""
    app = web()
    app.fake.switch(auto_login="alice", require_pkce=True)
    back = app.back_from(app.authorize(code_challenge=None, code_challenge_method=None))
    assert back["error"] == "invalid_request"


def test_pkce_is_required_for_native_clients() -> None:
    """A client without secret needs PKCE."""
    app = web(kind="native")
    back = app.back_from(app.authorize(code_challenge=None, code_challenge_method=None))
    assert back["error"] == "invalid_request"


def test_unknown_parameters_are_ignored() -> None:
    """Scope and the like change nothing."""
    app = web()
    app.fake.switch(auto_login="alice")
    assert "code" in app.back_from(app.authorize(scope="fotoweb.me", prompt="login"))


def test_an_error_can_be_forced() -> None:
    """A switch sends every request back with an error, whatever it says."""
    app = web()
    app.fake.switch(authorize_error="temporarily_unavailable", authorize_error_description="<b>back at 5</b>")
    back = app.back_from(app.authorize())
    expected = {"error": "temporarily_unavailable", "error_description": "<b>back at 5</b>", "state": STATE}
    assert back == expected


# ------------------------------------------------------------------------------------------------- the happy way


def test_the_answer_carries_code_and_state_only() -> None:
    """Code and state, unchanged, on a 302 that nobody stores."""
    app = web()
    app.fake.switch(auto_login="alice")
    answer = app.authorize()
    back = app.back_from(answer)
    assert (set(back), back["state"], answer.headers["cache-control"]) == ({"code", "state"}, STATE, "no-store")


def test_the_only_registered_redirect_uri_is_used() -> None:
    """A redirect URI may be left out where there is one."""
    app = web()
    app.fake.switch(auto_login="alice")
    assert app.authorize(redirect_uri=None).headers["location"].startswith(f"{CALLBACK}?code=")


def test_one_of_several_redirect_uris_is_used() -> None:
    """Where several are registered the one that was sent counts."""
    app = web(CALLBACK, OTHER)
    app.fake.switch(auto_login="alice")
    assert app.authorize(redirect_uri=OTHER).headers["location"].startswith(f"{OTHER}?code=")


def test_the_redirect_uris_own_query_stays() -> None:
    """RFC 6749, 3.1.2: what is there is kept, code and state are added."""
    app = web(f"{CALLBACK}?tenant=a%26b")
    app.fake.switch(auto_login="alice")
    location = app.authorize(redirect_uri=None).headers["location"]
    assert location.startswith(f"{CALLBACK}?tenant=a%26b&code=")
