"""``--url``: what the deployed app's own answers tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from fotoweb_middleware.cli.checks import deployed
from fotoweb_middleware.cli.checks.finding import Finding
from fotoweb_middleware.settings import Settings
from tests.cli.samples import settings

PUBLIC = "https://app.example/oauth2/callback"
REACHED = httpx.Response(400, html="<code>state_missing</code>")

Check = Callable[..., Finding]


def _to_fotoweb(
    redirect_uri: str | None = PUBLIC, *, site: str = "https://tenant.example", **query: str
) -> httpx.Response:
    given = {"client_id": "an-id"} | ({"redirect_uri": redirect_uri} if redirect_uri else {}) | query
    return httpx.Response(302, headers={"Location": f"{site}/fotoweb/oauth2/authorize?{urlencode(given)}"})


@pytest.fixture
def requests() -> list[httpx.Request]:
    """Return what was asked."""
    return []


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, requests: list[httpx.Request]) -> Check:
    """Return a function that checks an app which gives these answers."""

    def run(
        login: httpx.Response,
        callback: httpx.Response = REACHED,
        url: str = "https://app.example/",
        using: Settings | None = None,
    ) -> Finding:
        def answer(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return callback if request.url.path.endswith("/callback") else login

        client = httpx.Client
        monkeypatch.setattr(httpx, "Client", lambda **_: client(transport=httpx.MockTransport(answer), trust_env=False))
        (finding,) = deployed.check_deployed(using or settings(), url)
        assert bool(finding.hint) == (finding.level != "ok")
        return finding

    return run


def test_all_well(check: Check, requests: list[httpx.Request]) -> None:
    """A login that begins with the right redirect URI, and a callback that answers, are one finding."""
    finding = check(_to_fotoweb())

    assert finding.level == "ok"
    assert [str(request.url) for request in requests] == ["https://app.example/oauth2/login", PUBLIC]
    assert {request.headers["sec-fetch-mode"] for request in requests} == {"navigate"}


def test_all_well_below_a_path(check: Check) -> None:
    """A mounted app is asked below its mount."""
    finding = check(_to_fotoweb("https://app.example/sub/oauth2/callback"), url="https://app.example/sub/")

    assert finding.level == "ok"


def test_redirect_uri_that_is_not_sent(check: Check) -> None:
    """With ``FOTOWEB_SEND_REDIRECT_URI=false`` only the callback can be looked at."""
    assert check(_to_fotoweb(None)).level == "ok"


def test_plain_http_says_no_fetch_metadata(check: Check, requests: list[httpx.Request]) -> None:
    """Browsers send no fetch metadata to a public host over plain http."""
    check(_to_fotoweb("http://app.example/oauth2/callback"), url="http://app.example")

    assert "sec-fetch-mode" not in requests[0].headers


@pytest.mark.parametrize(
    ("login", "url", "words"),
    [
        (httpx.Response(404), "https://app.example", "No login begins at https://app.example/oauth2/login (HTTP 404)"),
        (httpx.Response(200), "https://app.example", "the app is not wrapped"),
        (httpx.Response(502), "https://app.example", "The app answers HTTP 502"),
        (
            httpx.Response(301, headers={"Location": "https://www.app.example/oauth2/login"}),
            "https://app.example",
            "leads to https://www.app.example, not to FotoWeb",
        ),
        (_to_fotoweb("http://app.example/oauth2/callback"), "https://app.example", "served over http"),
        (_to_fotoweb(PUBLIC), "https://app.example/sub", "FOTOWEB_REDIRECT_URI does not fit"),
        (
            _to_fotoweb("https://app.example:1/oauth2/callback"),
            "https://app.example:1/sub",
            "does not know its sub-path",
        ),
        (_to_fotoweb("https://localhost/oauth2/callback"), "https://app.example", "its address is another one"),
        (httpx.Response(200), "app.example", "--url is not the address"),
        (httpx.Response(200), "ftp://app.example", "--url is not the address"),
        (httpx.Response(200), "https://[::1", "--url is not the address"),
        (httpx.Response(200), "https://user:S3CR3T@app.example", "--url is not the address"),
        (httpx.Response(200), "https://app.example/?a=b", "--url is not the address"),
    ],
)
def test_what_is_wrong(check: Check, login: httpx.Response, url: str, words: str) -> None:
    """Each way in which no login can come back is told apart."""
    finding = check(login, url=url)

    assert finding.level == "bad"
    assert words in finding.what


@pytest.mark.parametrize("callback", [httpx.Response(404), httpx.Response(400, text="no"), httpx.Response(302)])
def test_callback_that_is_not_ours(check: Check, callback: httpx.Response) -> None:
    """A callback that something else answers is told, with the address that FotoWeb will send people to."""
    finding = check(_to_fotoweb(), callback)

    assert finding.level == "bad"
    assert f"does not answer at the callback {PUBLIC}" in finding.what


@pytest.mark.parametrize(
    ("login", "words"),
    [
        (
            _to_fotoweb(site="https://other.example"),
            "it sends people to https://other.example, with the same client ID",
        ),
        (_to_fotoweb(client_id="other"), "it sends people to https://tenant.example, with another client ID"),
    ],
)
def test_other_settings_than_these(check: Check, login: httpx.Response, words: str) -> None:
    """An app that was deployed with other settings than those at hand is something to think about."""
    finding = check(login)

    assert finding.level == "warn"
    assert words in finding.what


def test_words_of_the_app_are_escaped(check: Check) -> None:
    """A redirect URI can forge no line."""
    finding = check(_to_fotoweb("https://app.example/\n\x1b[2J"))

    assert finding.what.isascii()
    assert finding.what.isprintable()


def test_unreachable_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app that can't be reached is told with the option that names it."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("planted") from ConnectionRefusedError()

    client: Any = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **_: client(transport=httpx.MockTransport(fail), trust_env=False))
    (finding,) = deployed.check_deployed(settings(), "https://app.example/")

    assert finding.what == "app.example refuses connections on port 443."
    assert finding.hint == "Does the app run there, and is the port right?"


@pytest.mark.parametrize("location", ["https://[evil/", "//[x"])
def test_redirect_to_no_address(check: Check, location: str) -> None:
    """A redirect to what is no address is told as one."""
    finding = check(httpx.Response(300, headers={"Location": location}))

    assert "leads to an address that can't be read" in finding.what


def test_redirect_uri_that_is_no_address(check: Check) -> None:
    """A redirect URI that is no address is shown."""
    finding = check(_to_fotoweb("https://[evil"))

    assert (finding.level, "https://[evil" in finding.what) == ("bad", True)


def test_url_with_control_characters(check: Check) -> None:
    """An address with a control character is none."""
    finding = check(_to_fotoweb(), url="https://app\x1bc.example/")

    assert finding.what == "--url is not the address of an app."
