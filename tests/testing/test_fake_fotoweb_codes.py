"""The simulator's authorization codes, strict on every MUST, and what each kind of client may do."""

from __future__ import annotations

import pytest

from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb
from tests.testing.fake_fotoweb_app import CALLBACK, App, challenge_of, refusal, web

OTHER = "http://localhost:8000/other"


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
def app(clock: FakeClock) -> App:
    """Give a web application with two redirect URIs."""
    return App(FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK, OTHER))], clock=clock))


@pytest.mark.parametrize("code", ["unknown", "x" * 43])
def test_an_unknown_code_is_refused(app: App, code: str) -> None:
    """invalid_grant."""
    assert refusal(app.exchange(code)) == (400, "invalid_grant")


def test_a_missing_code_is_refused(app: App) -> None:
    """invalid_request."""
    assert refusal(app.exchange("", code=None)) == (400, "invalid_request")


def test_a_code_is_bound_to_its_client(app: App) -> None:
    """Another application can't use it, and its own still can."""
    other = App(app.fake, app.fake.register(Client(redirect_uris=(CALLBACK,))))
    code = app.code()
    assert refusal(other.exchange(code)) == (400, "invalid_grant")
    assert app.exchange(code).status_code == 200


def test_a_code_expires(app: App, clock: FakeClock) -> None:
    """60 seconds by default, to the second."""
    early, late = app.code(), app.code()
    clock.advance(59.9)
    assert app.exchange(early).status_code == 200
    clock.advance(0.1)
    assert refusal(app.exchange(late)) == (400, "invalid_grant")


def test_a_code_works_once(app: App) -> None:
    """The second time is refused; the tokens of the first keep working."""
    code = app.code()
    tokens = app.exchange(code).json()
    assert refusal(app.exchange(code)) == (400, "invalid_grant")
    assert app.get("/fotoweb/me", tokens["access_token"]).status_code == 200


def test_a_code_used_twice_can_end_its_tokens(app: App) -> None:
    """With the switch the second use revokes what the first gave."""
    app.fake.switch(code_reuse_revokes=True)
    code = app.code()
    tokens = app.exchange(code).json()
    app.exchange(code)
    assert app.get("/fotoweb/me", tokens["access_token"]).status_code == 401
    assert refusal(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_a_failed_try_leaves_the_code(app: App) -> None:
    """Only a success uses a code up."""
    code = app.code()
    app.exchange(code, code_verifier="w" * 43)
    assert app.exchange(code).status_code == 200


def test_the_redirect_uri_must_be_given_if_it_was(app: App) -> None:
    """Left out here, but sent at authorize: refused."""
    assert refusal(app.exchange(app.code(), redirect_uri=None)) == (400, "invalid_request")


def test_the_redirect_uri_must_be_given_even_where_one_is_registered(clock: FakeClock) -> None:
    """The rule goes by what was sent, not by what would be unambiguous."""
    app = web(clock=clock)
    assert refusal(app.exchange(app.code(), redirect_uri=None)) == (400, "invalid_request")


def test_the_redirect_uri_must_not_be_given_if_it_was_not(clock: FakeClock) -> None:
    """Sent here, but left out at authorize: refused, although it is the right one."""
    app = web(clock=clock)
    assert refusal(app.exchange(app.code(redirect_uri=None))) == (400, "invalid_request")


def test_the_redirect_uri_may_be_left_out_of_both(clock: FakeClock) -> None:
    """Nowhere given: fine where one is registered."""
    app = web(clock=clock)
    assert app.exchange(app.code(redirect_uri=None), redirect_uri=None).status_code == 200


@pytest.mark.parametrize("other", [OTHER, f"{CALLBACK}/", CALLBACK.upper()])
def test_the_redirect_uri_must_be_identical(app: App, other: str) -> None:
    """Another one is refused, registered or not."""
    assert refusal(app.exchange(app.code(), redirect_uri=other)) == (400, "invalid_grant")


@pytest.mark.parametrize("verifier", [None, "w" * 43, "v" * 42, "v" * 129, "v" * 42 + "!"])
def test_the_verifier_must_match(app: App, verifier: str | None) -> None:
    """Missing, wrong or malformed: refused."""
    assert refusal(app.exchange(app.code(), code_verifier=verifier)) == (400, "invalid_grant")


@pytest.mark.parametrize("verifier", ["v" * 42, "v" * 129, "v" * 42 + "!"])
def test_a_malformed_verifier_is_refused_even_if_it_matches(app: App, verifier: str) -> None:
    """RFC 7636, 4.1: 43 to 128 unreserved characters."""
    code = app.code(code_challenge=challenge_of(verifier))
    assert refusal(app.exchange(code, code_verifier=verifier)) == (400, "invalid_grant")


def test_without_challenge_there_must_be_no_verifier(app: App) -> None:
    """RFC 9700, 2.1.1: no downgrade by dropping the challenge on the way."""
    code = app.code(code_challenge=None, code_challenge_method=None)
    assert refusal(app.exchange(code)) == (400, "invalid_grant")
    assert app.exchange(code, code_verifier=None).status_code == 200


# ---------------------------------------------------------------------------------------------- other kinds of clients


def test_a_native_client_sends_no_secret(clock: FakeClock) -> None:
    """Its code needs the verifier alone, and so does its refresh."""
    app = web(clock=clock, kind="native")
    tokens = app.log_in()
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_a_native_client_must_not_send_a_secret(clock: FakeClock) -> None:
    """The manual's MUST NOT."""
    app = web(clock=clock, kind="native")
    assert refusal(app.exchange(app.code(), client_secret="any")) == (400, "invalid_request")


def test_a_script_acts_as_administrator_without_refresh_token(clock: FakeClock) -> None:
    """client_credentials gives an access token alone, whatever the switches say."""
    app = App(FakeFotoWeb(clients=[Client(kind="script")], clock=clock))
    app.fake.switch(kept_refresh_token="empty")
    tokens = app.post({"grant_type": "client_credentials", **app.credentials()}).json()
    assert "refresh_token" not in tokens
    user = app.get("/fotoweb/me", tokens["access_token"]).json()["user"]
    assert (user["userName"], user["userId"]) == ("Administrator", 15001)


def test_a_script_can_do_nothing_else(clock: FakeClock) -> None:
    """No refresh for scripts."""
    app = App(FakeFotoWeb(clients=[Client(kind="script")], clock=clock))
    assert refusal(app.refresh("any")) == (400, "unauthorized_client")
