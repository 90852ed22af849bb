"""The system's proxy: named by its variable, and told apart from FotoWeb."""

from __future__ import annotations

import socket
import traceback

import httpx
import pytest

from fotoweb_middleware.cli.checks.configuration import check_settings
from fotoweb_middleware.cli.checks.fotoweb import check_site
from fotoweb_middleware.cli.checks.network import explain, wants_password
from fotoweb_middleware.context import Context
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.fotoweb.unreachable import proxy_of
from tests.cli.samples import settings
from tests.providers.raw_server import raw_server

FOTOWEB = httpx.URL("https://tenant.example/")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("variables", "url", "words"),
    [
        ({"HTTPS_PROXY": "http://p.example:3128"}, "https://tenant.example/", "p.example:3128 (from HTTPS_PROXY)"),
        ({"https_proxy": "http://p.example:3128/"}, "https://tenant.example/", "p.example:3128 (from https_proxy)"),
        ({"ALL_PROXY": "p.example:3128"}, "https://tenant.example/", "p.example:3128 (from ALL_PROXY)"),
        ({"HTTPS_PROXY": "http://u:planted@p.example:1"}, "https://tenant.example/", "p.example:1 (from HTTPS_PROXY)"),
        ({"HTTP_PROXY": "http://p.example:1"}, "http://tenant.example/", "p.example:1 (from HTTP_PROXY)"),
    ],
)
def test_proxy_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, words: str) -> None:
    """The variable is named, and host and port; never the password in it."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    proxy = str(proxy_of(httpx.URL(url)))

    assert words in proxy
    assert "planted" not in proxy


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HTTP_PROXY": "http://p.example:1"},
        {"HTTPS_PROXY": "http://p.example:1", "NO_PROXY": "tenant.example"},
        {"HTTPS_PROXY": "http://p.example:1", "NO_PROXY": "*"},
        {"HTTPS_PROXY": ""},
    ],
)
def test_no_proxy_is_blamed(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    """One for another scheme, or one that ``NO_PROXY`` excepts, has no part in it."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert proxy_of(FOTOWEB) is None


def _caused(error: httpx.HTTPError, cause: BaseException) -> httpx.HTTPError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (_caused(httpx.ConnectError("planted"), ConnectionRefusedError()), ") refuses connections."),
        (_caused(httpx.ConnectError("planted"), socket.gaierror()), ") can't be found (DNS)."),
        (httpx.ConnectTimeout("planted"), ") can't be reached."),
        (httpx.ProxyError("407 planted"), ") requires a user name and a password (HTTP 407)."),
        (httpx.ProxyError("502 planted"), ") does not connect to tenant.example (HTTP 502)."),
        (httpx.ProxyError("planted"), ") does not connect to tenant.example."),
        (httpx.ReadTimeout("planted"), "through the proxy p.example:1 (HTTPS_PROXY), but did not answer"),
        (httpx.RemoteProtocolError("planted"), "through the proxy p.example:1 (HTTPS_PROXY) broke"),
    ],
)
def test_trouble_with_the_proxy(monkeypatch: pytest.MonkeyPatch, error: httpx.HTTPError, words: str) -> None:
    """What goes wrong at the proxy is told as such; what it said itself is not repeated."""
    monkeypatch.setenv("HTTPS_PROXY", "http://p.example:1")

    finding = explain(error, FOTOWEB)

    assert finding.level == "bad"
    assert words in finding.what
    assert "planted" not in str(finding)
    assert finding.hint


def test_password_of_a_proxy_for_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over plain http the proxy's 407 comes as an answer, and is told in the same way."""
    with raw_server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as server:
        monkeypatch.setenv("HTTP_PROXY", server.url)
        proxy = proxy_of(httpx.URL("http://localhost:1/"))
        (finding,) = check_site(settings(url="http://localhost:1"), lambda: 0.0)

    assert proxy is not None
    assert finding == wants_password(proxy)


@pytest.mark.parametrize("address", ["ftp://p.example", "socks9://p.example", "http://p.example:port"])
def test_address_that_is_none(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """A variable that holds no proxy's address is named."""
    monkeypatch.setenv("HTTPS_PROXY", address)

    finding = check_settings(settings())[-1]

    assert finding.what == "HTTPS_PROXY is not the address of an HTTP proxy."


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_right_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """The proxy of another scheme than FotoWeb's stops httpx as well: that variable is named, not FotoWeb's."""
    monkeypatch.setenv("HTTPS_PROXY", "http://p.example:3128")
    monkeypatch.setenv(variable, "ftp://u:planted@p.example")

    finding = check_settings(settings())[-1]

    assert finding.what == f"{variable} is not the address of an HTTP proxy."


def test_no_proxy_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """``NO_PROXY`` is named where it is what httpx can't read."""
    monkeypatch.setenv("NO_PROXY", "http://a.example:port")

    finding = check_settings(settings())[-1]

    assert finding.what == "NO_PROXY is not a list of hosts."


def test_middleware_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a client there is no middleware: one message names the variable, and shows no password in it."""
    monkeypatch.setenv("HTTPS_PROXY", "ftp://u:planted@p.example")

    with pytest.raises(SettingsError) as caught:
        Context(settings(cache="memory://"))

    assert str(caught.value).startswith("HTTPS_PROXY is not the address of an HTTP proxy.\nTo do: Write http://")
    assert "planted" not in "".join(traceback.format_exception(caught.value))
