"""The simulator's API: tokens, media types and entry points."""

from __future__ import annotations

import httpx
import pytest

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.testing.fake_fotoweb_app import App

VENDOR = "application/vnd.fotoware."
ME = "/fotoweb/me"
ARCHIVES = "/fotoweb/me/archives/"


# ------------------------------------------------------------------------------------------------- who asks


@pytest.mark.parametrize("path", [ME, f"{ME}/"])
def test_me_tells_who_the_token_belongs_to(app: App, token: str, path: str) -> None:
    """The descriptor names the user, with and without a slash at the end."""
    answer = app.get(path, token, f"{VENDOR}full-api-descriptor+json")
    assert answer.headers["content-type"] == f"{VENDOR}full-api-descriptor+json; charset=utf-8"
    assert answer.json()["user"] == {
        "userId": 15021,
        "userName": "alice",
        "fullName": "Alice Berg",
        "firstName": "Alice",
        "lastName": "Berg",
        "email": "alice@example.test",
        "isGuest": False,
        "href": "/fotoweb/users/alice",
    }


def test_me_has_the_parts_that_clients_follow(app: App, token: str) -> None:
    """The bold ones of the descriptor's description; groups are URLs only."""
    found = app.get(ME, token).json()
    assert (found["href"], found["server"], found["archives"]) == (ME, "FotoWeb Core", ARCHIVES)
    assert found["searchURL"] == "/fotoweb/archives/{?q}"
    assert found["services"]["logout"] == "/fotoweb/services/logout"
    assert found["services"]["keepalive"] == {"href": "/fotoweb/services/keepalive", "interval": 20}
    assert found["groups"] == "/fotoweb/me/groups/"
    assert found["permissions"]["albums"]["create"] is False


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_in_any_case(app: App, token: str, scheme: str) -> None:
    """Seen on a real site."""
    assert app.http.get(ME, headers={"Authorization": f"{scheme} {token}"}).status_code == 200


@pytest.mark.parametrize("value", [None, "Bearer", "Bearer garbage", "Basic YTpi", "Bearer a b"])
@pytest.mark.parametrize(
    "path", [ME, ARCHIVES, "/fotoweb/archives/5001-Nordic-coast/", "/fotoweb/api/users/1/member-of"]
)
def test_without_a_good_token_there_is_a_401(app: App, path: str, value: str | None) -> None:
    """Missing, garbage or of another scheme: JSON with a message, for every path of the API."""
    answer = app.http.get(path, headers={} if value is None else {"Authorization": value})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json")
    assert answer.json()["message"].startswith("Unauthorized")


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/*", "application/json", "text/html, application/json;q=0.1"]
)
def test_me_serves_what_accepts_json(app: App, token: str, accept: str | None) -> None:
    """The plain type too; no Accept at all means anything."""
    headers = {"Authorization": f"Bearer {token}"} | ({"Accept": accept} if accept else {})
    client = httpx.Client(transport=app.fake.transport())
    del client.headers["accept"]
    assert client.get(f"https://fotoweb.test{ME}", headers=headers).status_code == 200


@pytest.mark.parametrize("accept", ["text/html", f"{VENDOR}collectionlist+json", "application/json;q=0"])
def test_another_accept_is_a_406(app: App, token: str, accept: str) -> None:
    """What can't be served isn't."""
    answer = app.get(ME, token, accept)
    assert (answer.status_code, answer.json()["message"].split(":")[0]) == (406, "NotAcceptable")


def test_a_token_in_the_url_needs_a_switch(app: App, token: str) -> None:
    """Off by default: it used to work, and leaks."""
    path = f"{ME}?access_token={token}"
    assert app.http.get(path).status_code == 401
    app.fake.switch(query_token=True)
    assert app.http.get(path).status_code == 200


def test_guests_need_a_switch(app: App) -> None:
    """The public entry point answers when guest access is on."""
    assert app.http.get("/fotoweb/").status_code == 401
    app.fake.switch(guest_access=True)
    answer = app.http.get("/fotoweb/", headers={"Accept": f"{VENDOR}api-descriptor+json"})
    assert answer.json()["services"]["login"] == "/fotoweb/login"
    assert app.http.get("/fotoweb/archives/").json()["data"] == []


def test_a_wrong_accept_of_a_guest_is_a_406(app: App) -> None:
    """The full descriptor is not for guests."""
    app.fake.switch(guest_access=True)
    assert app.http.get("/fotoweb/", headers={"Accept": f"{VENDOR}full-api-descriptor+json"}).status_code == 406


def test_the_user_management_api_is_closed_to_users(app: App, token: str) -> None:
    """Impersonated users have not even read access."""
    assert app.get("/fotoweb/api/users/15021/member-of", token).status_code == 403


def test_the_user_management_api_is_not_modelled_for_scripts() -> None:
    """A script's token gets further, but there is nothing."""
    app = App(FakeFotoWeb(clients=[Client(kind="script")]))
    token = app.post({"grant_type": "client_credentials", **app.credentials()}).json()["access_token"]
    assert app.get("/fotoweb/api/users/1/member-of", token).status_code == 404


def test_an_unknown_path_is_a_404(app: App) -> None:
    """With a page."""
    assert app.http.get("/fotoweb/nowhere").status_code == 404


def test_answers_carry_a_real_sites_headers(app: App, token: str) -> None:
    """Server, product version, request id and so on."""
    headers = app.get(ME, token).headers
    assert headers["server"] == "Microsoft-IIS/10.0"
    assert headers["fotoweb-server"] == "Product-Version=8.2.1412.0; Level=Invalid;"
    assert headers["x-powered-by"] == "FotoWare (https://www.fotoware.com/)"
    assert headers["vary"] == "Authorization,FWAPIToken,Cookie,Accept,Accept-Encoding,User-Agent"
    assert len(headers["x-requestid"]) == 22
    assert headers["cache-control"] == "private, max-age=5"
