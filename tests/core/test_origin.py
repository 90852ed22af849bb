"""Where the app lives, and whether a request comes from there (R-RC3, R-RP8; T-AC-14)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware import Settings
from fotoweb_middleware.request import (
    callback_url,
    cookie_names,
    is_cross_origin,
    is_same_origin_navigation,
    public_origin,
)
from tests.core.samples import a_request, a_settings

SETTINGS = a_settings()
BEHIND_PROXY = a_settings(redirect_uri="https://app.example/oauth2/callback")
TRUSTING = a_settings(trusted_origins="https://partner.example")
CROSS, SAME = "https://evil.example", "https://app.example"


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("https", "app.example", "https://app.example"),
        ("https", "App.EXAMPLE", "https://app.example"),
        ("https", "app.example:443", "https://app.example"),
        ("https", "app.example:80", "https://app.example:80"),
        ("https", "app.example:8443", "https://app.example:8443"),
        ("http", "localhost:80", "http://localhost"),
        ("http", "localhost:443", "http://localhost:443"),
        ("http", "127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http", "[::1]:8000", "http://[::1]:8000"),
        ("https", "[2001:DB8::1]", "https://[2001:db8::1]"),
        ("https", "a_b.example", "https://a_b.example"),
    ],
)
def test_origin_from_host(scheme: str, host: str, origin: str) -> None:
    """Without a redirect URI the Host header tells the origin, as browsers write it."""
    assert public_origin(a_request(scheme=scheme, host=host), SETTINGS) == origin


@pytest.mark.parametrize(
    "host",
    [
        "",
        "app.test/public?x=",
        "app.test\\@evil",
        "user@app.test",
        "app.test:",
        "app.test:x",
        "app.test:123456",
        "app.test\r\nX: y",
        "app.test\n",
        "app test",
        "\u00e4pp.test",
        "\uff11.example",
        "app.test, evil.test",
        "[::1",
        "::1",
        "[zz]",
        "[::1]x",
        "a" * 254,
        "%61pp",
        "app.test#",
    ],
)
def test_no_origin_from_garbage(host: str) -> None:
    """A Host header that is no host names no origin, and so no URL is made of it."""
    assert public_origin(a_request(host=host), SETTINGS) is None


def test_configured_origin() -> None:
    """With a redirect URI configured no header changes the origin (T-AC-14)."""
    assert public_origin(a_request(host="evil.test", scheme="http"), BEHIND_PROXY) == "https://app.example"


@pytest.mark.parametrize(
    ("redirect_uri", "origin"),
    [
        ("https://app.example:443/oauth2/callback", "https://app.example"),
        ("https://APP.example/oauth2/callback", "https://app.example"),
        ("https://app.example:8443/oauth2/callback", "https://app.example:8443"),
        ("http://localhost:80/oauth2/callback", "http://localhost"),
        ("http://[::1]:8000/oauth2/callback", "http://[::1]:8000"),
    ],
)
def test_configured_origin_as_browsers_write_it(redirect_uri: str, origin: str) -> None:
    """The configured origin is written as browsers write it, without a default port (RFC 6454, 6.2)."""
    assert public_origin(a_request(), a_settings(redirect_uri=redirect_uri)) == origin


def test_callback_configured() -> None:
    """A configured redirect URI is used to the letter (R-AC13)."""
    settings = a_settings(redirect_uri="https://APP.example:443/oauth2/callback")
    assert callback_url(a_request(host="evil.test"), settings) == "https://APP.example:443/oauth2/callback"


def test_callback_derived() -> None:
    """Else it is made of origin, mount and prefix."""
    assert callback_url(a_request(mount="/sub"), SETTINGS) == "https://app.example/sub/oauth2/callback"


def test_callback_unknown() -> None:
    """Without an origin there is none."""
    assert callback_url(a_request(host=""), SETTINGS) is None


def secure(settings: Settings, **request: Any) -> bool:
    """Return whether cookies are Secure for this request."""
    return cookie_names(a_request(**request), settings).secure


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("https", "app.example", True),
        ("https", "localhost", True),
        ("http", "app.example", True),
        ("http", "localhost:8000", False),
        ("http", "app.localhost", False),
        ("http", "LOCALHOST", False),
        ("http", "127.0.0.1:8000", False),
        ("http", "127.8.9.10", False),
        ("http", "[::1]:8000", False),
        ("http", "localhost.evil.example", True),
        ("http", "127.0.0.1.evil.example", True),
        ("http", "notlocalhost", True),
        ("http", "[2001:db8::1]", True),
        ("http", "", True),
        ("http", "user@localhost", True),
        ("http", "[::::]", True),
        ("http", "[1.2.3.4]", True),
        ("http", "[:.:]:80", True),
    ],
)
def test_cookies_secure_auto(scheme: str, host: str, expected: bool) -> None:
    """Cookies are Secure but for plain http on a host that surely is this machine; garbage surely is not."""
    assert secure(SETTINGS, scheme=scheme, host=host) is expected


@pytest.mark.parametrize(("setting", "expected"), [("true", True), ("false", False)])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cookies_secure_set(setting: str, expected: bool, scheme: str) -> None:
    """FOTOWEB_COOKIE_SECURE decides where it is set."""
    assert secure(a_settings(cookie_secure=setting), scheme=scheme, host="localhost") is expected


@pytest.mark.parametrize(
    ("redirect_uri", "expected"),
    [
        ("https://app.example/oauth2/callback", True),
        ("https://localhost/oauth2/callback", True),
        ("http://localhost:8000/oauth2/callback", False),
        ("http://[::1]:8000/oauth2/callback", False),
    ],
)
def test_cookies_secure_configured_origin(redirect_uri: str, expected: bool) -> None:
    """The configured origin decides, whatever scheme and Host a request shows (T-AC-14)."""
    settings = a_settings(redirect_uri=redirect_uri)
    assert [
        secure(settings, scheme=scheme, host=host) for scheme in ("http", "https") for host in ("localhost", "x")
    ] == ([expected] * 4)


def test_cookies_secure_plain_http_allowed() -> None:
    """A configured plain http origin on a network still gets Secure cookies unless told otherwise."""
    settings = a_settings(redirect_uri="http://app.example/oauth2/callback", allow_http=True)
    assert secure(settings, scheme="http")


@given(host=st.text("[]:.0123456789abcdefxlocalhst%@", max_size=20), scheme=st.sampled_from(["http", "https"]))
def test_any_host(host: str, scheme: str) -> None:
    """Whatever the Host header holds, nothing raises."""
    request = a_request(host=host, scheme=scheme)
    cookie_names(request, SETTINGS)
    assert public_origin(request, SETTINGS) is None or scheme in (public_origin(request, SETTINGS) or "")


def elsewhere(settings: Settings = SETTINGS, **request: Any) -> bool:
    """Return whether this POST comes from elsewhere."""
    return is_cross_origin(a_request(method="POST", **request), settings)


@pytest.mark.parametrize("fetch_site", ["same-origin", "none"])
def test_fetch_site_here(fetch_site: str) -> None:
    """``Sec-Fetch-Site`` same-origin or none is from here, whatever Origin says."""
    assert not elsewhere(sec_fetch_site=fetch_site, origin=CROSS)


@pytest.mark.parametrize("fetch_site", ["cross-site", "same-site", "", "Same-Origin", "same-origin, none", "x"])
def test_fetch_site_elsewhere(fetch_site: str) -> None:
    """Any other ``Sec-Fetch-Site`` is from elsewhere, whatever Origin says."""
    assert elsewhere(sec_fetch_site=fetch_site, origin=SAME)


def test_no_browser() -> None:
    """Without either header it is no browser."""
    assert not elsewhere()


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (SAME, False),
        ("https://APP.example", False),
        ("http:https://app.example", True),
        ("https://app.example:443", False),
        ("http://app.example", False),
        ("http://app.example:80", False),
        ("https://app.example:8443", True),
        ("http://app.example:443", True),
        (CROSS, True),
        ("https://app.example.evil.example", True),
        ("https://evil.example/https://app.example", True),
        ("https://sub.app.example", True),
        ("https://user@app.example", True),
        ("null", True),
        ("", True),
        ("app.example", True),
        ("https://", True),
        ("https://app.example https://evil.example", True),
    ],
)
def test_origin_header(origin: str, expected: bool) -> None:
    """Without fetch metadata the Origin's host must be ours; its scheme may have been changed by a proxy."""
    assert elsewhere(origin=origin) is expected


@pytest.mark.parametrize(
    ("origin", "expected"), [(SAME, False), ("https://APP.example", False), ("http://app.example", True), (CROSS, True)]
)
def test_origin_header_configured(origin: str, expected: bool) -> None:
    """Where the origin is configured the scheme must be ours too."""
    assert elsewhere(BEHIND_PROXY, origin=origin, host="evil.test") is expected


def test_origin_header_without_host() -> None:
    """Where we don't know who we are, an Origin is not ours."""
    assert elsewhere(origin="https://", host="")


@pytest.mark.parametrize("fetch_site", ["cross-site", "same-site"])
def test_trusted_origin(fetch_site: str) -> None:
    """A trusted origin is admitted whatever ``Sec-Fetch-Site`` says, in any case."""
    assert not elsewhere(TRUSTING, origin="https://Partner.example", sec_fetch_site=fetch_site)


@pytest.mark.parametrize("origin", [CROSS, "http://partner.example", "https://partner.example:8443", "null", ""])
def test_not_the_trusted_origin(origin: str) -> None:
    """Another scheme, host or port is another origin."""
    assert elsewhere(TRUSTING, origin=origin, sec_fetch_site="cross-site")


@pytest.mark.parametrize(
    ("site", "mode", "expected"),
    [
        ("same-origin", "navigate", True),
        ("same-origin", "cors", False),
        ("same-origin", "no-cors", False),
        ("none", "navigate", False),
        ("same-site", "navigate", False),
        ("cross-site", "navigate", False),
        (None, "navigate", False),
        ("same-origin", None, False),
        (None, None, False),
    ],
)
def test_same_origin_click(site: str | None, mode: str | None, expected: bool) -> None:
    """Only a navigation that our own origin started is a click of our own."""
    headers = {"sec_fetch_site": site, "sec_fetch_mode": mode, "sec_fetch_dest": "document"}
    told = {name: value for name, value in headers.items() if value is not None}
    assert is_same_origin_navigation(a_request(**told)) is expected
