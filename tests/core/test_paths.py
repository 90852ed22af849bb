"""Which request targets are paths, and which of those are public (R-RP3 to R-RP5; T-RP-05, T-RP-06)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.request import is_origin_form, is_public
from tests.core.samples import a_request, a_settings

SETTINGS = a_settings(public_paths="/public,/public/*,/health")


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
    assert not is_origin_form(a_request(method=method, **request_parts))


@pytest.mark.parametrize("mount", ["//evil.test", "/\\evil.test", "/a\\b"])
def test_bad_mount(mount: str) -> None:
    """A mount that browsers would read as a host is refused as well."""
    assert not is_origin_form(a_request("/a", mount=mount))


def test_mount_itself() -> None:
    """The mount without a slash behind it is the app's front page."""
    assert is_origin_form(a_request("", mount="/sub", raw_path="/sub"))


@pytest.mark.parametrize(
    "path", ["/public", "/public/x", "/public/", "/public/x/y.css", "/health", "/public/\u00e4", "/public/..."]
)
def test_public(path: str) -> None:
    """A public path, and whole segments under a public prefix, are open."""
    assert is_public(a_request(path), SETTINGS)


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
    assert not is_public(a_request(path), SETTINGS)
    assert not is_public(a_request(path, raw_path=path), SETTINGS)


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
    assert not is_public(a_request(path, raw_path=raw_path), SETTINGS)


def test_public_raw() -> None:
    """Other encoded characters don't."""
    assert is_public(a_request("/public/\u00e4", raw_path="/public/%C3%A4"), SETTINGS)


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
    assert not is_public(a_request("/private", **headers), SETTINGS)


def test_query_opens_nothing() -> None:
    """No query does either."""
    assert not is_public(a_request("/private", query="p=/public"), SETTINGS)


@given(st.text("/.ab\\%", max_size=10))
def test_nothing_public_by_default(path: str) -> None:
    """Without FOTOWEB_PUBLIC_PATHS nothing is public."""
    assert not is_public(a_request(f"/{path}", raw_path=f"/{path}"), a_settings())


@given(st.text("/.;%\\#?\x00 2efpub\u00e4", max_size=20))
def test_public_means_one_reading(rest: str) -> None:
    """What is public stays under its prefix however often it is decoded and normalised (R-RP4)."""
    path = f"/public/{rest}"
    if is_public(a_request(path), SETTINGS):
        assert not set(path) & set("\\;%#?\x00")
        assert all(segment not in {".", ".."} for segment in path.split("/"))


def test_mount_in_the_middle() -> None:
    """A path in which a framework may cut out the mount elsewhere is never public."""
    assert not is_public(a_request("/public", mount="/pub", has_stray_mount=True), SETTINGS)
