"""The simulator's pages: log in, consent, log out, and the browser session between them."""

from __future__ import annotations

import pytest

from fotoweb_middleware.testing import Client
from tests.testing.fake_fotoweb_app import CALLBACK, STATE, App, browser, log_in, press, read_query, web

NOTICE = "not affiliated with or"


def test_an_unknown_browser_sees_the_login_page_first() -> None:
    """The page has labelled fields, the notice, no script and no outside resource."""
    app = web()
    page = app.http.get(app.authorize_url(), follow_redirects=True)
    assert page.url.path == "/fotoweb/views/login"
    for text in ('<label for="username">User name</label>', '<label for="password">Password</label>', NOTICE):
        assert text in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_wrong_password_shows_an_alert() -> None:
    """Nothing is remembered, and the password isn't echoed."""
    app = web()
    with browser(app) as client:
        page = log_in(client, client.get(app.authorize_url()), password="wr0ng-secret")
        assert 'role="alert"' in page.text
        assert "wr0ng-secret" not in page.text
        assert not client.cookies


def test_login_and_consent_lead_to_a_code() -> None:
    """Log in, allow, arrive."""
    app = web()
    with browser(app) as client:
        login = log_in(client, client.get(app.authorize_url()))
        page = client.get(login.headers["location"])
        assert app.client.name in page.text
        assert "Alice Berg" in page.text
        assert NOTICE in page.text
        back = app.back_from(press(client, page, "allow"))
    assert (set(back), back["state"]) == ({"code", "state"}, STATE)


def test_deny_gives_access_denied() -> None:
    """A refusal goes back with the state."""
    app = web()
    back = read_query(app.fake.approve(app.authorize_url(), deny=True))
    assert (back["error"], back["state"]) == ("access_denied", STATE)


def test_a_denied_consent_is_asked_again() -> None:
    """Only a yes is remembered."""
    app = web()
    app.fake.approve(app.authorize_url(), deny=True)
    with browser(app) as client:
        login = log_in(client, client.get(app.authorize_url()))
        assert client.get(login.headers["location"]).status_code == 200


def test_a_remembered_browser_and_consent_need_no_page() -> None:
    """The second login of a web client in the same browser is silent."""
    app = web()
    with browser(app) as client:
        login = log_in(client, client.get(app.authorize_url()))
        press(client, client.get(login.headers["location"]), "allow")
        assert "code" in app.back_from(client.get(app.authorize_url()))


def test_consent_is_remembered_per_user() -> None:
    """Alice's yes is not Bob's."""
    app = web()
    app.fake.approve(app.authorize_url(), "alice")
    app.fake.approve(app.authorize_url(), "bob")
    consents = [record for record in app.fake.requests if record.path == "/fotoweb/oauth2/consent"]
    assert len(consents) == 2


def test_consent_is_remembered_per_client() -> None:
    """A yes to one application is none to another."""
    app = web()
    second = App(app.fake, app.fake.register(Client(redirect_uris=(CALLBACK,))))
    app.fake.approve(app.authorize_url())
    second.fake.approve(second.authorize_url())
    consents = [record for record in app.fake.requests if record.path == "/fotoweb/oauth2/consent"]
    assert len(consents) == 2


def test_native_clients_ask_every_time() -> None:
    """A native client's consent is never remembered."""
    app = web(kind="native")
    app.fake.approve(app.authorize_url())
    app.fake.approve(app.authorize_url())
    consents = [record for record in app.fake.requests if record.path == "/fotoweb/oauth2/consent"]
    assert len(consents) == 2


def test_consent_can_be_turned_off() -> None:
    """An administrator may turn it off where there is a secret."""
    app = web(asks_consent=False)
    with browser(app) as client:
        login = log_in(client, client.get(app.authorize_url()))
        assert "code" in app.back_from(client.get(login.headers["location"]))


def test_a_consent_page_works_once_and_for_its_user() -> None:
    """Another browser can't press the button, and nobody can press it twice."""
    app = web()
    with browser(app) as client, browser(app) as other:
        login = log_in(client, client.get(app.authorize_url()))
        page = client.get(login.headers["location"])
        assert press(other, page, "allow").status_code == 400
        assert press(client, page, "allow").status_code == 302
        assert press(client, page, "allow").status_code == 400


def test_the_browser_cookie_stays_out_of_scripts() -> None:
    """HttpOnly, SameSite, and a path of its own."""
    app = web()
    with browser(app) as client:
        cookie = log_in(client, client.get(app.authorize_url())).headers["set-cookie"]
    assert cookie.startswith("fake_fotoweb_browser=")
    assert cookie.endswith("; Path=/fotoweb/; HttpOnly; SameSite=Lax")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/elsewhere", "javascript:alert(1)"])
def test_login_leads_nowhere_else(elsewhere: str) -> None:
    """A foreign ReturnUrl is dropped."""
    app = web()
    with browser(app) as client:
        fields = {"ReturnUrl": elsewhere, "username": "alice", "password": "secret"}
        assert client.post("/fotoweb/views/login", data=fields).headers["location"] == "/fotoweb/views/login"


def test_fotowebs_own_logout_ends_the_browser_session_alone() -> None:
    """The next login shows the log-in page; tokens live on, since FotoWeb's manual doesn't say they end."""
    app = web()
    tokens = app.log_in()
    with browser(app) as client:
        log_in(client, client.get(app.authorize_url()))
        cookie = client.cookies["fake_fotoweb_browser"]
        assert client.get("/fotoweb/services/logout").status_code == 302
        client.cookies.set("fake_fotoweb_browser", cookie)
        assert client.get(app.authorize_url()).headers["location"].startswith("/fotoweb/views/login?")
    assert app.get("/fotoweb/me", tokens["access_token"]).status_code == 200


def test_all_browsers_can_be_forgotten() -> None:
    """A button logs every browser out."""
    app = web()
    with browser(app) as client:
        log_in(client, client.get(app.authorize_url()))
        app.fake.forget_browsers()
        assert client.get(app.authorize_url()).headers["location"].startswith("/fotoweb/views/login?")


def test_names_are_escaped_on_pages() -> None:
    """A registration's name can't bring markup in."""
    app = web(name="<img src=x>")
    with browser(app) as client:
        login = log_in(client, client.get(app.authorize_url()))
        assert "<img" not in client.get(login.headers["location"]).text


def test_the_descriptors_login_path_leads_to_the_login_page() -> None:
    """The path that the guests' descriptor names."""
    assert web().http.get("/fotoweb/login").headers["location"] == "/fotoweb/views/login"


def test_the_pages_have_an_icon() -> None:
    """So that no browser complains of a missing one."""
    assert web().http.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_other_cookies_of_the_same_host_do_no_harm() -> None:
    """Browsers ignore the port: an application's odd cookies arrive too."""
    app = web()
    with browser(app) as client:
        cookie = log_in(client, client.get(app.authorize_url())).headers["set-cookie"].split(";")[0]
    answer = app.http.get(app.authorize_url(), headers={"Cookie": f'odd="{{,}}"; =x; {cookie}; last'})
    assert answer.status_code == 200
