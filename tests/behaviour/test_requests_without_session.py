"""What a client without a session sees, row by row of the contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fotoweb_middleware.errors import SettingsError
from tests.behaviour.kit import FETCH, NAVIGATION, Visited, Visitor

HTML = "text/html; charset=utf-8"
PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        NAVIGATION,
        {**NAVIGATION, "Sec-Fetch-Site": "cross-site"},
        {"Accept": "text/html"},
        {"Accept": "*/*"},
        {},
        {"Accept": "text/*;q=0.1"},
    ],
)
def test_navigations_are_redirected(visitor: Visitor, headers: dict[str, str]) -> None:
    """What counts as a navigation is sent to the login."""
    reply = visitor.send("GET", "/", headers)

    assert reply.status == 302
    assert reply.header("Cache-Control") == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        FETCH,
        {"Accept": "application/json"},
        {"Accept": "text/event-stream"},
        {"Accept": "text/html;q=0"},
        {"Accept": "text/html;q=0, */*"},
        {"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"},
        {"Accept": "*/*", "HX-Request": "true", "HX-Boosted": "true"},
        {"Accept": "text/html", "Sec-Fetch-Mode": "cors"},
        {**NAVIGATION, "Sec-Fetch-Dest": "iframe"},
        {**NAVIGATION, "Sec-Fetch-Dest": "object"},
        {**NAVIGATION, "Sec-Purpose": "prefetch"},
        {**NAVIGATION, "Sec-Purpose": "prefetch;prerender"},
        {**NAVIGATION, "Purpose": "prefetch"},
        {"Accept": "image/avif,*/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    ],
)
def test_other_gets_are_told(site: Visited, visitor: Visitor, headers: dict[str, str]) -> None:
    """Any other GET gets 401 with problem details that name ``login_url``; no login is begun."""
    reply = visitor.send("GET", "/", headers)

    assert reply.status == 401
    assert reply.header("Content-Type") == PROBLEM
    assert json.loads(reply.body)["login_url"] == "/oauth2/login"
    assert reply.header("Location") is None
    assert reply.all("Set-Cookie") == []
    assert not (reply.header("WWW-Authenticate") or "").startswith("Basic")
    assert site.app.calls == 0


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("headers", [FETCH, {"Accept": "text/html"}], ids=["fetch metadata", "plain http"])
@pytest.mark.parametrize(
    ("page", "next_path"),
    [
        ("https://app.test/list?page=2#row-7", "%2Flist%3Fpage%3D2"),
        ("https://APP.test/a%20b", "%2Fa%2520b"),
        ("https://app.test", "%2F"),
        (None, "%2F"),
    ],
)
def test_htmx_is_sent_to_the_login(
    visitor: Visitor, method: str, headers: dict[str, str], page: str | None, next_path: str
) -> None:
    """A script of htmx ignores a 401: with it goes HX-Redirect, which leads back to the page where the user is."""
    current = {} if page is None else {"HX-Current-URL": page}

    reply = visitor.send(method, "/part", {**headers, "HX-Request": "true", **current})

    assert (reply.status, reply.header("Content-Type")) == (401, PROBLEM)
    assert reply.header("HX-Redirect") == f"/oauth2/login?next={next_path}"
    assert reply.all("Set-Cookie") == []


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.test/list", "//evil.test/list", "https://app.test.evil.test/", "https://app.test@evil.test/list",
        "https://evil.test\\@app.test/list", "https://app.test//evil.test/", "https://app.test/\\evil.test",
        "https://app.test/..//evil.test", "javascript:alert(1)", "javascript://app.test/%0aalert(1)", "/list",
        "https://app.test/oauth2/logout", f"https://app.test/{'x' * 600}", "https://app.test/a\tb", "https://[/list",
        "ftp://app.test/list", "https://app.test:8443/list", "https://app.test/list, https://app.test/list",
    ],
)  # fmt: skip
def test_htmx_on_another_page(visitor: Visitor, page: str) -> None:
    """What is no harmless page of this origin, in HX-Current-URL, leads to the front page (T-RP-01)."""
    reply = visitor.get("/part", **{"HX-Request": "true", "HX-Current-URL": page})

    assert reply.header("HX-Redirect") == "/oauth2/login?next=%2F"


def test_others_get_no_htmx_header(visitor: Visitor) -> None:
    """Without HX-Request nothing of it is in the answer."""
    assert visitor.get("/part", **{"HX-Current-URL": "https://app.test/list"}).header("HX-Redirect") is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "HEAD", "OPTIONS", "TRACE", "foo"])
@pytest.mark.parametrize(
    ("headers", "content_type"), [(NAVIGATION, HTML), (FETCH, PROBLEM), ({"Accept": "*/*"}, PROBLEM)]
)
def test_other_methods(
    site: Visited, visitor: Visitor, method: str, headers: dict[str, str], content_type: str
) -> None:
    """Any other method gets 401: as a page where the client accepts HTML, else as problem details."""
    reply = visitor.send(method, "/", headers)

    assert reply.status == 401
    assert reply.header("Content-Type") == content_type
    assert reply.all("Set-Cookie") == []
    assert reply.body == b"" if method == "HEAD" else reply.body
    assert site.app.calls == 0


@pytest.mark.parametrize("target", ["http://evil.test/", "@evil.test", "*", "evil.test:443"])
def test_targets_that_are_no_path(visitor: Visitor, target: str) -> None:
    """A request target that is no path gets 400, and never enters a URL of ours."""
    reply = visitor.visit(target)

    assert reply.status == 400
    assert "evil.test" not in str(reply.headers)
    assert reply.all("Set-Cookie") == []


@pytest.mark.parametrize(
    "cookie",
    [
        "__Host-fotoweb=garbage",
        "__Host-fotoweb=",
        "__Host-fotoweb=2~abc",
        "__Host-fotoweb=999~x; __Host-fotoweb.1=y",
        "__Host-fotoweb=aaaa.bbbb",
        "__Host-fotoweb=\xe9\xff",
    ],
)
def test_garbage_cookies_look_like_none(visitor: Visitor, cookie: str) -> None:
    """A cookie that does not open gets the very answer that no cookie gets."""
    with_cookie = visitor.send("GET", "/", {**FETCH, "Cookie": cookie})

    assert with_cookie == visitor.get("/")
    assert visitor.send("GET", "/", {**NAVIGATION, "Cookie": cookie}).status == 302


@pytest.mark.parametrize(
    "path", ["/oauth2/x", "/oauth2", "/oauth2/", "/oauth2/callback/", "/oauth2//callback", "/oauth2/loginx"]
)
def test_unknown_paths_below_the_prefix(site: Visited, member: Visitor, path: str) -> None:
    """What lies below the prefix and is none of our pages is 404, also with a session; the app is not asked."""
    reply = member.visit(path)

    assert reply.status == 404
    assert site.app.calls == 0


@pytest.mark.parametrize("path", ["/OAuth2/callback", "/oauth2x", "/x/oauth2/login"])
def test_paths_that_only_look_like_ours(visitor: Visitor, path: str) -> None:
    """Our pages match exactly; what only looks like them is the app's, and protected (R-RP6)."""
    assert visitor.get(path).status == 401


def test_login_page_is_for_navigations(visitor: Visitor) -> None:
    """``PREFIX/login`` begins no login for a fetch or a prefetch, and none for a POST."""
    assert visitor.get("/oauth2/login").status == 401
    assert visitor.visit("/oauth2/login", **{"Sec-Purpose": "prefetch"}).status == 401
    assert visitor.send("POST", "/oauth2/login", NAVIGATION).status == 405


def test_optional_login(open_site: Callable[..., Visited]) -> None:
    """``FOTOWEB_LOGIN=optional`` lets anonymous requests reach the app without a session."""
    site = open_site(login="optional")
    visitor = site.visitor()

    seen = visitor.send("GET", "/", {**NAVIGATION, "Authorization": "Bearer forged"}).seen

    assert not seen["has_key"]
    assert seen["authorization"] is None
    visitor.visit(visitor.approve(visitor.visit("/oauth2/login").location))
    assert visitor.get("/").seen["user"] == "alice"


def test_answers_are_told_at_debug(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG the log tells of each answer of ours why it was given, on one line and without the query."""
    with caplog.at_level("DEBUG", "fotoweb_middleware"):
        visitor.get("/a%0d%0aFORGED?code=secret")

    assert [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"] == [
        "GET '/a\\r\\nFORGED' -> 401 not_signed_in"
    ]


@pytest.mark.parametrize(
    ("accept_language", "language", "detail"),
    [
        (None, "en", "You are signed out. Reload the page to sign in."),
        ("de-CH, de;q=0.9, en;q=0.8", "de", "Sie sind abgemeldet. Laden Sie die Seite neu, um sich anzumelden."),
        ("fi", "en", "You are signed out. Reload the page to sign in."),
    ],
)
def test_problem_is_told_in_the_readers_language(
    visitor: Visitor, accept_language: str | None, language: str, detail: str
) -> None:
    """Apps show the detail of a 401 as it is: it follows Accept-Language, and says so; the rest does not change."""
    reply = visitor.send(
        "GET", "/", FETCH if accept_language is None else {**FETCH, "Accept-Language": accept_language}
    )
    problem = json.loads(reply.body)

    assert problem["detail"] == detail
    assert (problem["type"], problem["status"]) == ("urn:fotoweb-middleware:not-signed-in", 401)
    assert (reply.header("Content-Language"), reply.header("Vary")) == (language, "Accept-Language")


def test_page_is_shown_in_the_readers_language(visitor: Visitor) -> None:
    """Our pages follow Accept-Language too."""
    reply = visitor.send("GET", "/oauth2/nothing", {**NAVIGATION, "Accept-Language": "nn, en;q=0.5"})

    assert '<html lang="nb">' in reply.text
    assert "Her er det ingenting" in reply.text
    assert (reply.header("Content-Language"), reply.header("Vary")) == ("nb", "Accept-Language")


def test_redirect_has_no_language(visitor: Visitor) -> None:
    """The redirect to the login has no words, and is the same for everybody."""
    reply = visitor.send("GET", "/", {**NAVIGATION, "Accept-Language": "de"})

    assert (reply.status, reply.header("Content-Language"), reply.header("Vary")) == (302, None, None)


def test_own_look_of_a_page(open_site: Callable[..., Visited], tmp_path: Path) -> None:
    """Name, colour, logo and templates of the settings reach the page, and the policy admits them."""
    (tmp_path / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8")
    template = '{% extends "builtin/no_such_page.html" %}{% block body %}<p>Ours</p>{% endblock %}'
    (tmp_path / "no_such_page.html").write_text(template, encoding="utf-8")
    look = {"app_name": "Picture Desk", "accent_color": "#b3261e", "logo": tmp_path / "logo.svg", "pages": tmp_path}

    reply = open_site(**look).visitor().send("GET", "/oauth2/nothing", NAVIGATION)

    for words in (
        "\u2013 Picture Desk</title>",
        "--accent: #b3261e",
        '<img src="data:image/svg+xml;base64,',
        "<p>Ours</p>",
    ):
        assert words in reply.text
    assert "; img-src data:; " in (reply.header("Content-Security-Policy") or "")


def test_broken_template_is_an_error_at_start(open_site: Callable[..., Visited], tmp_path: Path) -> None:
    """A template that can't be read is found when the middleware is made, not when somebody needs the page."""
    (tmp_path / "signed_out.html").write_text("{% if %}", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"FOTOWEB_PAGES: the template signed_out\.html, line 1 can't be used"):
        open_site(pages=tmp_path)
