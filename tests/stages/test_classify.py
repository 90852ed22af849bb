"""Which way a request goes (R-RP3 to R-RP6; T-RP-05 to T-RP-07)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.site import Site
from fotoweb_middleware.stages.classify import Route, classify, is_open, is_public
from tests.site.samples import a_request, a_site

SITE = a_site(public_paths="/public,/public/*,/health")
OPTIONAL = a_site(login="optional")

methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "foo"])


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/oauth2/login", Route.LOGIN),
        ("/oauth2/callback", Route.CALLBACK),
        ("/oauth2/logout", Route.LOGOUT),
        ("/oauth2/session", Route.SESSION),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
def test_own_pages(path: str, route: Route, method: str) -> None:
    """Our own pages match exactly, whatever the method."""
    assert classify(SITE, a_request(path, method=method)) is route


@pytest.mark.parametrize(
    "path",
    [
        "/oauth2",
        "/oauth2/",
        "/oauth2/callback/",
        "/oauth2//callback",
        "/oauth2/callback/../../private",
        "/oauth2/callback\x00",
        "/oauth2/callback\n",
        "/oauth2/loginx",
        "/oauth2/LOGIN",
        "/oauth2/login;x",
        "/oauth2/x",
    ],
)
def test_unknown_own_path(path: str) -> None:
    """Everything else under the prefix is ours too and never reaches the app (T-RP-07)."""
    assert classify(SITE, a_request(path)) is Route.UNKNOWN_OWN_PATH


@pytest.mark.parametrize(
    "path", ["/oauth2x", "/oauth2-login", "/OAuth2/callback", "/x/oauth2/login", "/oauth2\\login", "/"]
)
def test_not_own(path: str) -> None:
    """What only looks like one of our own pages is protected (T-RP-07)."""
    assert classify(SITE, a_request(path)) is Route.PROTECTED


@pytest.mark.parametrize("path", ["/oauth2/login", "/oauth2/session", "/oauth2/x"])
def test_own_path_websocket(path: str) -> None:
    """None of our pages speaks WebSocket."""
    assert classify(SITE, a_request(path, is_websocket=True)) is Route.UNKNOWN_OWN_PATH


def test_other_prefix() -> None:
    """The prefix is as set."""
    site = a_site(path_prefix="/auth/fotoweb")
    routes = [classify(site, a_request(path)) for path in ("/auth/fotoweb/login", "/auth/login", "/oauth2/login")]
    assert routes == [Route.LOGIN, Route.PROTECTED, Route.PROTECTED]


def test_mounted() -> None:
    """Paths are relative to the mount (T-RP-08)."""
    request = a_request("/oauth2/callback", mount="/sub", raw_path="/sub/oauth2/callback")
    assert classify(SITE, request) is Route.CALLBACK


@pytest.mark.parametrize(
    "request_parts",
    [
        {"path": "*"},
        {"path": "@evil.test"},
        {"path": ""},
        {"path": "evil.test:443"},
        {"path": "x", "mount": "/sub"},
        {"path": "/a", "raw_path": "http://evil.test/a"},
        {"path": "/a", "raw_path": "@evil.test/a"},
        {"path": "/a", "raw_path": "*"},
        {"path": "/oauth2/login", "raw_path": "http://evil.test/oauth2/login"},
        {"path": "/public", "raw_path": "\\/public"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "CONNECT"])
def test_bad_target(request_parts: dict[str, Any], method: str) -> None:
    """A request target that is no path is refused, on every path (R-RP3)."""
    assert classify(SITE, a_request(method=method, **request_parts)) is Route.BAD_TARGET


@pytest.mark.parametrize("mount", ["//evil.test", "/\\evil.test", "/a\\b"])
def test_bad_mount(mount: str) -> None:
    """A mount that browsers would read as a host is refused as well."""
    assert classify(SITE, a_request("/a", mount=mount)) is Route.BAD_TARGET


def test_mount_itself() -> None:
    """The mount without a slash behind it is the app's front page."""
    assert classify(SITE, a_request("", mount="/sub", raw_path="/sub")) is Route.PROTECTED


@pytest.mark.parametrize("path", ["/a", "/public"])
def test_preflight(path: str) -> None:
    """A preflight is told from everything else, also on a public path."""
    headers = {"origin": "https://a.example", "access_control_request_method": "PUT"}
    assert classify(SITE, a_request(path, method="OPTIONS", **headers)) is Route.PREFLIGHT


@given(methods)
def test_every_method_protected(method: str) -> None:
    """What matches nothing is protected, whatever its method (R-RP4)."""
    assert classify(SITE, a_request("/private", method=method)) is Route.PROTECTED


@pytest.mark.parametrize(
    "path", ["/public", "/public/x", "/public/", "/public/x/y.css", "/health", "/public/\u00e4", "/public/..."]
)
def test_public(path: str) -> None:
    """A public path, and whole segments under a public prefix, are open."""
    assert classify(SITE, a_request(path)) is Route.OPEN


@pytest.mark.parametrize(
    "path",
    [
        "/public-secret",
        "/publicity",
        "/x/public",
        "/PUBLIC",
        "/health/",
        "/health/x",
        "/private",
        "/public/../private",
        "/public/..",
        "/public/.",
        "/public/./x",
        "/public/x/../../private",
        "/public;/../private",
        "/public/;/../private",
        "/public\\..\\private",
        "/public/..\\private",
        "//public/../private",
        "/public//x",
        "/public\x00",
        "/public/\x00",
        "/public/\n",
        "/public/%2e%2e/private",
        "/public/%252e%252e/private",
        "/public/x#y",
        "/public/x?y",
        "/public/\x7f",
        "public",
    ],
)
def test_not_public(path: str) -> None:
    """What is not exactly public, or could be read in two ways, is not public (T-RP-05)."""
    assert not is_public(SITE, path, None)
    assert not is_public(SITE, path, path)


@pytest.mark.parametrize(
    ("path", "raw_path"),
    [
        ("/public/../private", "/public/%2e%2e/private"),
        ("/public/../private", "/public%2f..%2fprivate"),
        ("/public/x", "/public%2Fx"),
        ("/public/x", "/%2e/public/x"),
        ("/public/x", "/public/%2E/x"),
        ("/public/x", "/public/%5cx"),
        ("/public/x", "/public/x%00"),
        ("/public", "/%2e%2e/public"),
    ],
)
def test_not_public_raw(path: str, raw_path: str) -> None:
    """Encoded slashes, backslashes, dots and NULs make a path ambiguous, whatever the server made of them (R-RP4)."""
    assert not is_public(SITE, path, raw_path)


def test_public_raw() -> None:
    """Other encoded characters don't."""
    assert is_public(SITE, "/public/\u00e4", "/public/%C3%A4")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "app.test/public?x="},
        {"purpose": "/public"},
        {"origin": "/public"},
        {"accept": "/public"},
        {"cookie": "/public"},
    ],
)
def test_headers_open_nothing(headers: dict[str, str]) -> None:
    """No header makes a path public (R-RP5, T-RP-06)."""
    assert classify(SITE, a_request("/private", **headers)) is Route.PROTECTED


def test_query_opens_nothing() -> None:
    """No query does either."""
    assert classify(SITE, a_request("/private", query="p=/public")) is Route.PROTECTED


@given(st.text("/.ab\\%", max_size=10))
def test_nothing_public_by_default(path: str) -> None:
    """Without FOTOWEB_PUBLIC_PATHS nothing is public."""
    assert not is_public(a_site(), f"/{path}", f"/{path}")


@given(st.text("/.;%\\#?\x00 2efpub\u00e4", max_size=20))
def test_public_means_one_reading(rest: str) -> None:
    """What is public stays under its prefix however often it is decoded and normalised (R-RP4)."""
    path = f"/public/{rest}"
    if is_public(SITE, path, None):
        assert not set(path) & set("\\;%#?\x00")
        assert all(segment not in {".", ".."} for segment in path.split("/"))


def test_optional_login() -> None:
    """With FOTOWEB_LOGIN=optional every path is open, our own excepted."""
    routes = [classify(OPTIONAL, a_request(path)) for path in ("/private", "/oauth2/login", "/oauth2/x", "*")]
    assert routes == [Route.OPEN, Route.LOGIN, Route.UNKNOWN_OWN_PATH, Route.BAD_TARGET]


@pytest.mark.parametrize(
    ("site", "path", "expected"), [(SITE, "/a", False), (SITE, "/health", True), (OPTIONAL, "/a", True)]
)
def test_is_open(site: Any, path: str, expected: bool) -> None:
    """A path is open where it is public, or where login is optional."""
    assert is_open(site, a_request(path)) is expected


@pytest.mark.parametrize(("site", "route"), [(SITE, Route.PROTECTED), (OPTIONAL, Route.OPEN)])
def test_mount_in_the_middle(site: Site, route: Route) -> None:
    """A path in which a framework may cut out the mount elsewhere is never public."""
    assert classify(site, a_request("/public", mount="/pub")._replace(has_stray_mount=True)) is route
