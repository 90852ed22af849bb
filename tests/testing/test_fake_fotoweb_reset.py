"""A simulator that was used becomes as it was made."""

from __future__ import annotations

from fotoweb_middleware.testing import Client, FakeFotoWeb, Fault, Switches, User
from tests.testing.fake_fotoweb_app import App, web


def test_logins_are_forgotten() -> None:
    """Codes, access tokens and refresh tokens of before are unknown."""
    app = web()
    code, tokens = app.code(), app.exchange(app.code()).json()
    app.fake.reset()

    assert app.exchange(code).json()["error"] == "invalid_grant"
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert app.http.get("/fotoweb/me", headers=bearer).status_code == 401


def test_applications_and_their_secrets_stay() -> None:
    """What was registered when it was made is there, with the same id and secret; later registrations are not."""
    app = web()
    later = app.fake.register(Client(redirect_uris=("http://localhost:8000/later",)))
    app.fake.reset()

    assert later not in app.fake.clients
    assert app.exchange(app.code()).status_code == 200


def test_switches_users_faults_and_records_are_reset() -> None:
    """The first switches and users are back; nothing goes wrong, nothing is on record, nobody listens."""
    fake = FakeFotoWeb(switches=Switches(code_lifetime_seconds=7))
    App(fake).authorize()
    fake.switch(reachable=False, access_token_lifetime_seconds=1)
    fake.add_user(User(user_name="eve", user_id=7))
    fake.fault("authorize", Fault.server_error())
    heard: list[object] = []
    fake.on_token = heard.append
    fake.reset()

    assert fake.switches == Switches(code_lifetime_seconds=7)
    assert sorted(fake.users) == ["alice", "bob"]
    assert (fake.requests, fake.token_requests) == ([], [])
    app = App(fake)
    assert app.exchange(app.code()).status_code == 200
    assert heard == []


def test_a_user_can_be_added() -> None:
    """Somebody who was added can sign in."""
    app = web()
    app.fake.add_user(User(user_name="eve", user_id=7, full_name="Eve"))
    access_token = app.exchange(app.code("eve")).json()["access_token"]

    bearer = {"Authorization": f"Bearer {access_token}"}
    assert app.http.get("/fotoweb/me", headers=bearer).status_code == 200
