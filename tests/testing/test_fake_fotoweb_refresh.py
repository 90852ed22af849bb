"""The simulator's refresh tokens: rotation, reuse, revocation, and the records of all that."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb, TokenRequest, fingerprint
from tests.testing.fake_fotoweb_app import CALLBACK, App


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
def app(clock: FakeClock) -> App:
    """Give a web application."""
    return App(FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))], clock=clock))


def status(app: App, access_token: str) -> int:
    """Ask who the token belongs to."""
    return app.get("/fotoweb/me", access_token).status_code


def test_an_access_token_expires_to_the_second(app: App, clock: FakeClock) -> None:
    """Valid until just before, not at, its end."""
    token = app.log_in()["access_token"]
    clock.advance(28_799.9)
    assert status(app, token) == 200
    clock.advance(0.1)
    assert status(app, token) == 401


def test_a_refresh_gives_a_working_access_token(app: App, clock: FakeClock) -> None:
    """After expiry too; the user stays the same."""
    tokens = app.log_in("bob")
    clock.advance(28_800)
    fresh = app.refresh(tokens["refresh_token"]).json()
    assert app.get("/fotoweb/me", fresh["access_token"]).json()["user"]["userName"] == "bob"


def test_an_earlier_access_token_goes_on_until_it_expires(app: App) -> None:
    """A refresh ends no access token."""
    tokens = app.log_in()
    app.refresh(tokens["refresh_token"])
    assert status(app, tokens["access_token"]) == 200


def test_rotation_ends_the_used_refresh_token(app: App) -> None:
    """By default each refresh gives a new one, and the old one is invalid_grant."""
    first = app.log_in()["refresh_token"]
    second = app.refresh(first).json()["refresh_token"]
    again = app.refresh(first)
    assert (again.status_code, again.json()["error"], second != first) == (400, "invalid_grant", True)


def test_reuse_of_a_rotated_token_leaves_the_login(app: App) -> None:
    """Without the switch the newer token keeps working."""
    first = app.log_in()["refresh_token"]
    second = app.refresh(first).json()["refresh_token"]
    app.refresh(first)
    assert app.refresh(second).status_code == 200


def test_reuse_of_a_rotated_token_can_end_the_login(app: App) -> None:
    """With the switch the whole login ends, access token included."""
    app.fake.switch(refresh_reuse_revokes=True)
    first = app.log_in()["refresh_token"]
    second = app.refresh(first).json()
    app.refresh(first)
    assert app.refresh(second["refresh_token"]).status_code == 400
    assert status(app, second["access_token"]) == 401


def test_reuse_ends_no_other_login(app: App) -> None:
    """Another login of the same user keeps working."""
    app.fake.switch(refresh_reuse_revokes=True)
    first, other = app.log_in()["refresh_token"], app.log_in()
    app.refresh(first)
    app.refresh(first)
    assert app.refresh(other["refresh_token"]).status_code == 200


def test_rotation_can_be_off(app: App) -> None:
    """The answer has no refresh_token, and the old one stays in use."""
    app.fake.switch(rotate_every=0)
    token = app.log_in()["refresh_token"]
    for _ in range(3):
        assert "refresh_token" not in app.refresh(token).json()


def test_rotation_can_come_now_and_then(app: App) -> None:
    """Every third refresh of a login gives a new one, which the next three use."""
    app.fake.switch(rotate_every=3)
    token = app.log_in()["refresh_token"]
    seen = []
    for _ in range(7):
        answer = app.refresh(token).json()
        seen.append("refresh_token" in answer)
        token = answer.get("refresh_token", token)
    assert seen == [False, False, True, False, False, True, False]


@pytest.mark.parametrize(("kept", "expected"), [("null", None), ("empty", ""), ("repeated", "same")])
def test_an_unrotated_answer_can_name_the_refresh_token(app: App, kept: Any, expected: str | None) -> None:
    """Null, empty, or the old one again; the old one keeps working in each case."""
    app.fake.switch(rotate_every=0, kept_refresh_token=kept)
    token = app.log_in()["refresh_token"]
    answer = app.refresh(token).json()
    assert answer["refresh_token"] == (token if expected == "same" else expected)
    assert app.refresh(token).status_code == 200


def test_a_refresh_token_is_bound_to_its_client(app: App) -> None:
    """Another application can't use it."""
    other = App(app.fake, app.fake.register(Client(redirect_uris=(CALLBACK,))))
    assert other.refresh(app.log_in()["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_refresh_needs_the_secret(app: App) -> None:
    """Web applications must send it."""
    assert app.refresh(app.log_in()["refresh_token"], client_secret=None).status_code == 401


def test_a_missing_refresh_token_is_invalid_request(app: App) -> None:
    """Not invalid_grant."""
    assert app.refresh("").json()["error"] == "invalid_request"


def test_a_garbage_refresh_token_is_invalid_grant(app: App) -> None:
    """An unknown one."""
    assert app.refresh("garbage").json()["error"] == "invalid_grant"


def test_refresh_tokens_can_expire(app: App, clock: FakeClock) -> None:
    """For ever by default; a switch gives them a life."""
    app.fake.switch(refresh_token_lifetime_seconds=100)
    token = app.log_in()["refresh_token"]
    clock.advance(100)
    assert app.refresh(token).json()["error"] == "invalid_grant"


def test_everything_can_be_revoked(app: App) -> None:
    """Codes, access tokens and refresh tokens of before end; a new login works."""
    code, tokens = app.code(), app.log_in()
    app.fake.revoke_everything()
    assert app.exchange(code).json()["error"] == "invalid_grant"
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert status(app, tokens["access_token"]) == 401
    assert status(app, app.log_in()["access_token"]) == 200


def test_access_tokens_can_be_expired(app: App) -> None:
    """They end, refresh tokens keep working."""
    tokens = app.log_in()
    app.fake.expire_access_tokens()
    assert status(app, tokens["access_token"]) == 401
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_the_sites_clock_can_be_ahead(app: App, clock: FakeClock) -> None:
    """The skew shows in the Date header, not in expires_in."""
    app.fake.switch(clock_skew_seconds=3600)
    answer = app.exchange(app.code())
    assert answer.headers["date"] == "Sun, 15 Jun 2025 16:06:40 GMT"
    assert answer.json()["expires_in"] == 28_800


# ------------------------------------------------------------------------------------------------- records


def test_token_requests_are_on_record(app: App, clock: FakeClock) -> None:
    """Kind, user, status, error and time, oldest first."""
    token = app.log_in("bob")["refresh_token"]
    clock.advance(5)
    app.refresh(token)
    app.refresh(token)
    seen = [(one.grant_type, one.user_name, one.status, one.error, one.issued) for one in app.fake.token_requests]
    assert seen == [
        ("authorization_code", "bob", 200, "", True),
        ("refresh_token", "bob", 200, "", True),
        ("refresh_token", "bob", 400, "invalid_grant", False),
    ]
    times = [one.received_at for one in app.fake.token_requests]
    assert times == [clock() - 5, clock(), clock()]


def test_records_hold_no_secret(app: App) -> None:
    """No code, token or client secret is in the records, nor in the repr of what the site remembers."""
    code = app.code()
    tokens = app.exchange(code).json()
    app.refresh(tokens["refresh_token"])
    site = app.fake._site
    shown = repr((app.fake.token_requests, app.fake.requests, app.fake.posts_per_code, app.fake.clients))
    shown += repr((list(site.codes.values()), list(site.access_tokens.values()), list(site.users.values())))
    for secret in (code, tokens["access_token"], tokens["refresh_token"], app.client.client_secret, "'secret'"):
        assert secret not in shown


def test_posts_are_counted_per_secret(app: App) -> None:
    """By fingerprint, which the owner of a secret can work out."""
    code = app.code()
    token = app.exchange(code).json()["refresh_token"]
    app.exchange(code)
    for _ in range(3):
        app.refresh(token)
    assert dict(app.fake.posts_per_code) == {fingerprint(code): 2}
    assert dict(app.fake.posts_per_refresh_token) == {fingerprint(token): 3}
    assert app.fake.refresh_count == 1


def test_records_can_be_forgotten(app: App) -> None:
    """Logins stay."""
    tokens = app.log_in()
    app.fake.forget_records()
    assert (app.fake.requests, app.fake.token_requests) == ([], [])
    assert status(app, tokens["access_token"]) == 200


def test_a_listener_hears_each_token_request(app: App) -> None:
    """Once per request, with its record; None stops it."""
    heard: list[TokenRequest] = []
    app.fake.on_token = heard.append
    token = app.log_in()["refresh_token"]
    app.refresh(token)
    app.fake.on_token = None
    app.refresh(token)
    assert [record.grant_type for record in heard] == ["authorization_code", "refresh_token"]


def test_a_listener_may_ask_the_site(app: App) -> None:
    """It is called while no lock is held against it."""
    counts: list[int] = []
    app.fake.on_token = lambda record: counts.append(len(app.fake.token_requests))
    app.log_in()
    assert counts == [1]
