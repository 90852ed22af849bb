"""The simulator's faults: what each does, for how long, and whether FotoWeb did its work all the same."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb, Fault
from tests.testing.fake_fotoweb_app import CALLBACK, ORIGIN, App


class Pause:
    """Stands in for `time.sleep`, and remembers."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        """Take no time."""
        self.seconds.append(seconds)


@pytest.fixture
def pause() -> Pause:
    """Give a pause that takes no time."""
    return Pause()


@pytest.fixture
def app(pause: Pause) -> App:
    """Give a web application."""
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))], clock=FakeClock(), pause=pause)
    return App(fake)


@pytest.fixture
def refresh_token(app: App) -> str:
    """Give the refresh token of a fresh login."""
    return str(app.log_in()["refresh_token"])


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "text"),
    [
        (Fault.bad_gateway(), 502, "text/html; charset=utf-8", "<h1>502"),
        (Fault.server_error(), 500, "text/html; charset=utf-8", "<h1>"),
        (Fault.too_many_requests(), 429, "text/html; charset=utf-8", "Too Many"),
        (Fault.invalid_client(), 401, "application/json", '"error": "invalid_client"'),
        (Fault.invalid_client(400), 400, "application/json", '"error": "invalid_client"'),
        (Fault.invalid_grant(), 400, "application/json", '"error": "invalid_grant"'),
        (Fault.oauth_error("server_error", 503, "later"), 503, "application/json", '"error_description": "later"'),
        (Fault.replaced(body="{"), 200, "application/json", "{"),
        (Fault.replaced(body=b"x", status=203, content_type="text/plain"), 203, "text/plain", "x"),
    ],
)
def test_a_fault_replaces_the_answer(
    app: App, refresh_token: str, fault: Fault, status: int, content_type: str, text: str
) -> None:
    """Status, content type and body are the fault's; the refresh token stays as it was."""
    app.fake.fault("token", fault, times=1)
    answer = app.refresh(refresh_token)
    assert (answer.status_code, answer.headers["content-type"]) == (status, content_type)
    assert text in answer.text
    assert app.refresh(refresh_token).status_code == 200


def test_too_many_requests_says_when_to_come_back(app: App) -> None:
    """Retry-After in seconds."""
    app.fake.fault("me", Fault.too_many_requests(retry_after_seconds=7))
    assert app.get("/fotoweb/me", "any").headers["retry-after"] == "7"


def test_a_replaced_part_can_come_after_the_work(app: App, refresh_token: str) -> None:
    """The real body under another content type; the refresh token was used."""
    app.fake.fault("token", Fault.replaced(content_type="text/html", processes=True), times=1)
    answer = app.refresh(refresh_token)
    assert (answer.headers["content-type"], "access_token" in answer.json()) == ("text/html", True)
    assert app.refresh(refresh_token).status_code == 400


def test_a_connection_can_drop_before_the_work(app: App, refresh_token: str) -> None:
    """No answer, and nothing happened."""
    app.fake.fault("token", Fault.dropped(), times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        app.refresh(refresh_token)
    assert app.refresh(refresh_token).status_code == 200


def test_a_connection_can_drop_after_the_work(app: App, refresh_token: str) -> None:
    """No answer, but the refresh token was rotated: the client has lost it."""
    app.fake.fault("token", Fault.dropped(after_processing=True), times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        app.refresh(refresh_token)
    assert app.refresh(refresh_token).json()["error"] == "invalid_grant"
    assert app.fake.refresh_count == 1


def test_a_slow_answer_comes(app: App, refresh_token: str, pause: Pause) -> None:
    """After the pause, by the pause that was given."""
    app.fake.fault("token", Fault.slow(3), times=1)
    assert app.refresh(refresh_token).status_code == 200
    assert pause.seconds == [3]


def test_an_impatient_client_misses_a_slow_answer(app: App, refresh_token: str, pause: Pause) -> None:
    """It waits as long as its read timeout says; FotoWeb does its work all the same."""
    app.fake.fault("token", Fault.slow(30), times=1)
    with pytest.raises(httpx.ReadTimeout):
        app.refresh(refresh_token)
    assert pause.seconds == [5]
    assert app.refresh(refresh_token).json()["error"] == "invalid_grant"


def test_faults_combine(app: App, pause: Pause) -> None:
    """A slow 502, by `dataclasses.replace`."""
    app.fake.fault("me", replace(Fault.bad_gateway(), delay_seconds=2))
    assert app.get("/fotoweb/me", "any").status_code == 502
    assert pause.seconds == [2]


def test_authorization_can_be_stripped(app: App) -> None:
    """As behind some reverse proxies: a good token gives 401."""
    token = app.log_in()["access_token"]
    app.fake.fault("me", Fault.stripped_authorization(), times=1)
    assert app.get("/fotoweb/me", token).status_code == 401
    assert app.get("/fotoweb/me", token).status_code == 200


def test_a_fault_lasts_as_many_requests_as_it_says(app: App) -> None:
    """Two, then the next fault in the queue, then none."""
    token = app.log_in()["access_token"]
    app.fake.fault("me", Fault.bad_gateway(), times=2)
    app.fake.fault("me", Fault.server_error(), times=1)
    assert [app.get("/fotoweb/me", token).status_code for _ in range(4)] == [502, 502, 500, 200]


def test_a_fault_lasts_until_cleared(app: App) -> None:
    """Without a number it lasts until it is cleared."""
    token = app.log_in()["access_token"]
    app.fake.fault("me", Fault.bad_gateway())
    assert [app.get("/fotoweb/me", token).status_code for _ in range(3)] == [502, 502, 502]
    app.fake.clear_faults()
    assert app.get("/fotoweb/me", token).status_code == 200


def test_one_endpoints_faults_can_be_cleared(app: App) -> None:
    """Those of the others stay."""
    app.fake.fault("me", Fault.bad_gateway())
    app.fake.fault("token", Fault.bad_gateway())
    app.fake.clear_faults("token")
    assert app.refresh("any").status_code == 400
    assert app.get("/fotoweb/me", "any").status_code == 502


def test_a_fault_hits_its_endpoint_alone(app: App) -> None:
    """Not authorize, not the API."""
    token = app.log_in()["access_token"]
    app.fake.fault("token", Fault.bad_gateway())
    assert app.authorize().status_code == 302
    assert app.get("/fotoweb/me", token).status_code == 200
    assert app.get("/fotoweb/me/archives/", token).status_code == 200


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [("api", "/fotoweb/me/archives/"), ("page", "/fotoweb/views/login"), ("authorize", "/fotoweb/oauth2/authorize")],
)
def test_every_endpoint_can_fail(app: App, endpoint: str, path: str) -> None:
    """API, pages and authorize too."""
    app.fake.fault(endpoint, Fault.bad_gateway())  # type: ignore[arg-type]  # A parameter is a plain str.
    assert app.http.get(path).status_code == 502


def test_a_fault_can_hit_refreshes_alone(app: App, refresh_token: str) -> None:
    """Logins keep working."""
    app.fake.fault("token", Fault.bad_gateway(), grant_type="refresh_token")
    assert "access_token" in app.log_in()
    assert app.refresh(refresh_token).status_code == 502


def test_faults_are_on_record(app: App, refresh_token: str) -> None:
    """With their name, what was sent, and whether tokens were issued."""
    app.fake.forget_records()
    app.fake.fault("token", Fault.dropped(after_processing=True), times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        app.refresh(refresh_token)
    (record,) = app.fake.token_requests
    assert (record.fault, record.outcome, record.issued) == ("dropped connection", "dropped", True)
    assert app.fake.requests[0].fault == "dropped connection"


def test_an_unprocessed_request_issued_nothing(app: App, refresh_token: str) -> None:
    """A 200 made by a fault is no refresh."""
    app.fake.fault("token", Fault.replaced(body="{}"), times=1)
    app.refresh(refresh_token)
    assert app.fake.refresh_count == 0


def test_the_site_can_be_out_of_reach(app: App, refresh_token: str) -> None:
    """Connections are refused; nothing is forgotten meanwhile."""
    app.fake.switch(reachable=False)
    with pytest.raises(httpx.ConnectError):
        app.refresh(refresh_token)
    app.fake.switch(reachable=True)
    assert app.refresh(refresh_token).status_code == 200


def test_a_faulty_answer_has_the_sites_headers(app: App) -> None:
    """Also a 502 comes from the same host."""
    app.fake.fault("me", Fault.bad_gateway())
    assert (
        httpx.Client(transport=app.fake.transport()).get(f"{ORIGIN}/fotoweb/me").headers["server"].startswith("Micro")
    )
