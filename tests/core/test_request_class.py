"""What kind of client asks (R-RC1, R-RC2; T-RC-01, T-RC-02)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.request import SAFE_METHODS, is_navigation, is_preflight, wants_page
from tests.core.samples import a_request

CHROME_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
NAV = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document", "sec_fetch_site": "none", "accept": CHROME_ACCEPT}


def test_navigation() -> None:
    """A top-level navigation may start a login."""
    assert is_navigation(a_request(**NAV))


@pytest.mark.parametrize("accept", ["application/json", "image/*", "text/html;q=0"])
def test_navigation_whatever_accept(accept: str) -> None:
    """Fetch metadata alone decide where they are there."""
    assert is_navigation(a_request(**{**NAV, "accept": accept}))


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "foo"])
def test_other_methods_no_navigation(method: str) -> None:
    """Only a GET starts a login."""
    assert not is_navigation(a_request(method=method, **NAV))


def test_websocket_no_navigation() -> None:
    """A WebSocket handshake starts no login."""
    assert not is_navigation(a_request(is_websocket=True, **NAV))


@pytest.mark.parametrize("dest", ["image", "script", "iframe", "frame", "object", "embed", "empty", "fencedframe", ""])
def test_destinations_no_navigation(dest: str) -> None:
    """Frames and subresources start no login, though a frame's mode is navigate (T-RC-02)."""
    assert not is_navigation(a_request(**{**NAV, "sec_fetch_dest": dest}))


@pytest.mark.parametrize("mode", ["cors", "no-cors", "same-origin", "websocket", "nested-navigate", ""])
def test_modes_no_navigation(mode: str) -> None:
    """Another mode than navigate starts no login (T-RC-01)."""
    assert not is_navigation(a_request(**{**NAV, "sec_fetch_mode": mode}))


@pytest.mark.parametrize("missing", ["sec_fetch_mode", "sec_fetch_dest"])
def test_half_the_metadata(missing: str) -> None:
    """One fetch header without the other is nothing a browser sends on a navigation."""
    assert not is_navigation(a_request(**{name: value for name, value in NAV.items() if name != missing}))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_purpose": "prefetch"},
        {"sec_purpose": "prefetch;prerender"},
        {"sec_purpose": "Prefetch"},
        {"purpose": "prefetch"},
    ],
)
def test_prefetch_no_navigation(headers: dict[str, str]) -> None:
    """A prefetch is nobody going anywhere (T-RC-02)."""
    assert not is_navigation(a_request(**NAV, **headers))


@pytest.mark.parametrize(
    "accept",
    [
        CHROME_ACCEPT,
        "text/html",
        "TEXT/HTML",
        "application/xhtml+xml",
        "*/*",
        "text/*",
        "image/png, */*;q=0.1",
        "text/html;level=1",
        "text/html;q=0.001",
        "text/html ; Q=1.000",
        "application/json;q=0, text/html;q=0.5",
        " text/html",
    ],
)
def test_old_browser_navigation(accept: str) -> None:
    """Without fetch metadata Accept decides: HTML, or a wildcard."""
    assert is_navigation(a_request(accept=accept))


def test_no_accept_navigation() -> None:
    """Without fetch metadata and without Accept everything is welcome, HTML too."""
    assert is_navigation(a_request())


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "text/event-stream",
        "image/avif,image/webp",
        "text/html;q=0",
        "text/html;q=0.000",
        "text/html;level=1;q=0",
        "*/*;q=0",
        "",
        "text/htmlx",
        "xtext/html",
        "text / html",
        'application/json;profile="text/html"',
        "*",
        "application/*",
    ],
)
def test_programs_no_navigation(accept: str) -> None:
    """A client that does not take HTML starts no login (T-RC-01)."""
    assert not is_navigation(a_request(accept=accept))


def test_xhr_no_navigation() -> None:
    """``X-Requested-With`` without fetch metadata is a script's, whatever it accepts (T-RC-01)."""
    request = a_request(accept="text/html", x_requested_with="XMLHttpRequest")

    assert not is_navigation(request)
    assert not wants_page(request)


def test_web_view_navigation() -> None:
    """Android's WebView sends ``X-Requested-With`` too: the person gets login and pages all the same."""
    request = a_request(**NAV, x_requested_with="com.example.app")

    assert is_navigation(request)
    assert wants_page(request)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_page_for_people(method: str) -> None:
    """Whoever navigates and takes HTML gets a page, with any method."""
    assert wants_page(a_request(method=method, **NAV))


@pytest.mark.parametrize(
    ("method", "accept", "expected"),
    [
        ("GET", "*/*", True),
        ("GET", None, True),
        ("POST", "*/*", False),
        ("POST", "text/*", False),
        ("POST", None, False),
        ("HEAD", "*/*", False),
        ("POST", "text/html", True),
        ("GET", "application/json", False),
    ],
)
def test_page_without_metadata(method: str, accept: str | None, expected: bool) -> None:
    """Without fetch metadata a wildcard gets a page for a GET alone: command-line clients send it with every method."""
    told = {} if accept is None else {"accept": accept}
    assert wants_page(a_request(method=method, **told)) is expected


@pytest.mark.parametrize(
    "changes",
    [
        {"sec_fetch_mode": "cors"},
        {"is_websocket": True},
        {"accept": "application/json"},
    ],
)
def test_problem_for_programs(changes: dict[str, Any]) -> None:
    """Scripts, WebSockets and whoever takes no HTML get problem details."""
    assert not wants_page(a_request(**{**NAV, **changes}))


def test_page_in_frame() -> None:
    """A frame that is refused shows a page: a person looks at it."""
    assert wants_page(a_request(**{**NAV, "sec_fetch_dest": "iframe"}))


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("OPTIONS", {"origin": "https://a.example", "access_control_request_method": "PUT"}, True),
        ("OPTIONS", {"origin": "https://a.example"}, False),
        ("OPTIONS", {"access_control_request_method": "PUT"}, False),
        ("GET", {"origin": "https://a.example", "access_control_request_method": "PUT"}, False),
    ],
)
def test_preflight(method: str, headers: dict[str, str], expected: bool) -> None:
    """A preflight is an OPTIONS with both of its headers (Fetch standard, 4.8)."""
    assert is_preflight(a_request(method=method, **headers)) is expected


def test_safe_methods() -> None:
    """The safe methods are those of RFC 9110, 9.2.1."""
    assert {"GET", "HEAD", "OPTIONS", "TRACE"} == SAFE_METHODS


@given(st.text("texhml/*;q=01., \u00e9", max_size=60))
def test_any_accept(accept: str) -> None:
    """Whatever Accept holds, nothing raises."""
    assert is_navigation(a_request(accept=accept)) is wants_page(a_request(accept=accept))


@pytest.mark.parametrize("accept", ["," * 1_000_000, "a;" * 500_000, "text/html;" + "q=0;" * 300_000, "q" * 1_000_000])
def test_accept_linear(accept: str) -> None:
    """A megabyte of Accept is judged in a moment (T-RL-03)."""
    started = time.process_time()
    is_navigation(a_request(accept=accept))
    assert time.process_time() - started < 1
