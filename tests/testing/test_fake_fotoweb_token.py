"""The simulator's token endpoint: what every answer looks like, forms and credentials."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb
from tests.testing.fake_fotoweb_app import CALLBACK, ORIGIN, VERIFIER, App, refusal

OTHER = "http://localhost:8000/other"


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
def app(clock: FakeClock) -> App:
    """Give a web application with two redirect URIs."""
    return App(FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK, OTHER))], clock=clock))


# ------------------------------------------------------------------------------------------------- the answer


def test_a_code_becomes_tokens(app: App) -> None:
    """The answer has the members of the manual and no others, and nobody stores it."""
    answer = app.exchange(app.code())
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert answer.json()["token_type"] == "bearer"
    headers = (answer.headers["content-type"], answer.headers["cache-control"], answer.headers["pragma"])
    assert headers == ("application/json", "no-store", "no-cache")


def test_expires_in_is_written_with_six_decimals(app: App) -> None:
    """The literal captured from a real site."""
    assert '"expires_in":28800.000000' in app.exchange(app.code()).text


@pytest.mark.parametrize(
    ("switches", "text"),
    [
        ({"expires_in_style": "integer"}, '"expires_in":28800'),
        ({"expires_in_style": "string"}, '"expires_in":"28800"'),
        ({"expires_in_raw": "NaN"}, '"expires_in":NaN'),
        ({"expires_in_raw": '"soon"'}, '"expires_in":"soon"'),
        ({"access_token_lifetime_seconds": 5}, '"expires_in":5.000000'),
    ],
)
def test_expires_in_has_variants(app: App, switches: dict[str, Any], text: str) -> None:
    """Each style of writing it can be had."""
    app.fake.switch(**switches)
    assert text in app.exchange(app.code()).text.replace("}", ",").split(',"refresh_token')[0]


def test_expires_in_can_be_absent(app: App) -> None:
    """RFC 6749 only recommends it."""
    app.fake.switch(expires_in_style="absent")
    assert "expires_in" not in app.log_in()


@pytest.mark.parametrize(("token_type", "expected"), [("Bearer", "Bearer"), ("mac", "mac"), (None, None)])
def test_token_type_has_variants(app: App, token_type: str | None, expected: str | None) -> None:
    """Any value, or none."""
    app.fake.switch(token_type=token_type)
    assert app.log_in().get("token_type") == expected


def test_the_access_token_is_a_jwt(app: App, clock: FakeClock) -> None:
    """HS256, with issuer, user id and times; the key stays at the server."""
    header, payload, signature = app.log_in()["access_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    now = int(clock())
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "typ": "JWT"}
    times = (claims["iat"], claims["nbf"], claims["exp"])
    assert (claims["iss"], claims["sub"], times) == (f"{ORIGIN}/fotoweb/", "15021", (now, now, now + 28800))
    assert len(base64.b64decode(claims["jti"])) == 32
    key = app.fake._site.signing_key
    digest = hmac.digest(key, f"{header}.{payload}".encode(), hashlib.sha256)
    assert base64.urlsafe_b64decode(signature + "=") == digest


@pytest.mark.parametrize("length", [480, 600, 601, 602, 603, 3000, 12000])
def test_access_tokens_have_the_length_asked_for(app: App, length: int) -> None:
    """To the character, and they work."""
    app.fake.switch(access_token_length=length)
    token = app.log_in()["access_token"]
    assert len(token) == length
    assert app.get("/fotoweb/me", token).status_code == 200


def test_an_access_token_is_never_cut_short(app: App) -> None:
    """A length below what the claims need gives what they need."""
    app.fake.switch(access_token_length=10)
    assert app.get("/fotoweb/me", app.log_in()["access_token"]).status_code == 200


@pytest.mark.parametrize("length", [64, 600, 12000])
def test_refresh_tokens_have_the_length_asked_for(app: App, length: int) -> None:
    """To the character, and they work."""
    app.fake.switch(refresh_token_length=length)
    token = app.log_in()["refresh_token"]
    assert len(token) == length
    assert app.refresh(token).status_code == 200


def test_two_logins_get_different_tokens(app: App) -> None:
    """Nothing repeats, even within one second."""
    first, second = app.log_in(), app.log_in()
    assert first["access_token"] != second["access_token"]
    assert first["refresh_token"] != second["refresh_token"]


def test_refresh_tokens_can_be_left_out(app: App) -> None:
    """They are optional in FotoWeb's manual."""
    app.fake.switch(refresh_tokens=False)
    assert "refresh_token" not in app.log_in()


# ------------------------------------------------------------------------------------------------- form and credentials


def test_only_post_is_answered(app: App) -> None:
    """A GET is refused with the method that works."""
    answer = app.http.get("/fotoweb/oauth2/token")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data", ""])
def test_only_forms_are_read(app: App, content_type: str) -> None:
    """Any other content type is refused."""
    fields = {"grant_type": "refresh_token"}
    assert refusal(app.post(fields, headers={"Content-Type": content_type})) == (400, "invalid_request")


def test_the_content_type_may_have_parameters(app: App) -> None:
    """`; charset=UTF-8` harms nothing, nor do capitals."""
    fields = {"grant_type": "authorization_code", "code": app.code(), "redirect_uri": CALLBACK}
    headers = {"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}
    answer = app.post({**fields, "code_verifier": VERIFIER, **app.credentials()}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"grant_type=%ff", b"grant_type=\xc3\xa9", b"no form at all"])
def test_a_garbled_body_is_refused(app: App, body: bytes) -> None:
    """Bytes that are no UTF-8 form are refused, not guessed at."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = app.http.post("/fotoweb/oauth2/token", content=body, headers=headers)
    assert refusal(answer) == (400, "invalid_request")


def test_parameters_in_the_url_are_refused(app: App) -> None:
    """RFC 6749, 2.3.1: credentials must not be in the request URI."""
    fields = {"grant_type": "authorization_code", "code": app.code(), "redirect_uri": CALLBACK}
    answer = app.http.post(
        "/fotoweb/oauth2/token", params=app.credentials(), data={**fields, "code_verifier": VERIFIER}
    )
    assert refusal(answer) == (400, "invalid_request")


def test_basic_credentials_are_refused(app: App) -> None:
    """FotoWeb's manual knows credentials in the body only."""
    fields = {"grant_type": "authorization_code", "code": app.code(), "redirect_uri": CALLBACK}
    answer = app.post({**fields, "code_verifier": VERIFIER}, auth=(app.client.client_id, app.client.client_secret))
    assert refusal(answer) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["code", "client_id", "grant_type", "redirect_uri", "extra"])
def test_a_doubled_parameter_is_refused(app: App, name: str) -> None:
    """RFC 6749, 3.2: not even with the same value, not even an unknown one."""
    code = app.code()
    values = {"code": code, "client_id": app.client.client_id, "redirect_uri": CALLBACK, "extra": "x"}
    value = values.get(name, "authorization_code")
    assert refusal(app.exchange(code, **{name: [value, value]})) == (400, "invalid_request")


def test_unknown_parameters_are_ignored(app: App) -> None:
    """A scope changes nothing."""
    assert app.exchange(app.code(), scope="full_access").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": None},
        {"client_secret": ""},
        {"client_secret": "wrong"},
        {"client_id": None},
        {"client_id": "x"},
    ],
)
def test_wrong_credentials_are_invalid_client(app: App, changes: dict[str, Any]) -> None:
    """Missing, empty, wrong or unknown."""
    assert refusal(app.exchange(app.code(), **changes)) == (401, "invalid_client")


def test_invalid_client_can_be_a_400(app: App) -> None:
    """FotoWeb's status is not documented."""
    app.fake.switch(invalid_client_status=400)
    assert refusal(app.exchange(app.code(), client_secret="wrong")) == (400, "invalid_client")


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [(None, "invalid_request"), ("password", "unsupported_grant_type"), ("client_credentials", "unauthorized_client")],
)
def test_other_grant_types_are_refused(app: App, grant_type: str | None, error: str) -> None:
    """A web application has two of them."""
    assert refusal(app.exchange(app.code(), grant_type=grant_type)) == (400, error)
