"""Answers of endpoints that the simulator does not give: other servers, proxies, other releases."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from fotoweb_middleware.cli.checks.finding import Finding
from fotoweb_middleware.cli.checks.fotoweb import check_fotoweb
from tests.cli.samples import CLIENT_SECRET, settings


def _bad(findings: list[Finding]) -> list[str]:
    assert all(finding.hint for finding in findings if finding.level == "bad")
    return [str(finding) for finding in findings if finding.level == "bad"]


def _check_answers(authorize: httpx.Response, token: httpx.Response | None = None, **changes: Any) -> list[Finding]:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            assert token is not None, "the token endpoint was asked"
            return token
        return authorize

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        return check_fotoweb(settings(**changes), client, clock=time.time)


def _invalid_grant() -> httpx.Response:
    return httpx.Response(400, json={"error": "invalid_grant"})


def test_no_fotoweb_at_all() -> None:
    """A 404 from something that does not call itself Fotoware asks for the address; no secret is sent there."""
    found = _bad(_check_answers(httpx.Response(404)))

    assert len(found) == 1
    assert "Is FOTOWEB_URL the address of a FotoWeb?" in found[0]


@pytest.mark.parametrize("header", [{"FotoWeb-Server": "Product-Version=8.0.1"}, {"X-Powered-By": "FotoWare (x)"}])
def test_old_fotoweb(header: dict[str, str]) -> None:
    """A 404 from a FotoWeb asks for its version."""
    assert "8.0.850" in _bad(_check_answers(httpx.Response(404, headers=header), _invalid_grant()))[0]


def test_login_page_without_redirect() -> None:
    """A page for logging in is fine as well."""
    assert _bad(_check_answers(httpx.Response(200, html="<h1>Log in</h1>"), _invalid_grant())) == []


def test_login_elsewhere() -> None:
    """A redirect to another host's login (single sign-on) is fine, and the host is named."""
    away = httpx.Response(302, headers={"Location": "https://idp.example/saml?x=1"})

    findings = _check_answers(away, _invalid_grant())

    assert _bad(findings) == []
    assert "a login at idp.example" in findings[0].what


def test_redirect_to_itself() -> None:
    """A redirect to the same place, as after setting a cookie, is fine."""
    again = httpx.Response(302, headers={"Location": "/fotoweb/oauth2/authorize?again=1"})

    assert _bad(_check_answers(again, _invalid_grant())) == []


def test_site_that_moved() -> None:
    """A redirect to the same path elsewhere names the address to set."""
    away = httpx.Response(301, headers={"Location": "https://www.tenant.example/fotoweb/oauth2/authorize?x=1"})

    assert "Set FOTOWEB_URL=https://www.tenant.example." in _bad(_check_answers(away, _invalid_grant()))[0]


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (302, "https://[evil/login"),
        (302, "//[x"),
        (300, "https://[evil]/login"),
        (300, "https://a\u2100b.example/login"),
    ],
)
def test_redirect_to_no_address(status: int, location: str) -> None:
    """A redirect to what is no address is FotoWeb's fault, not a bug of the check."""
    away = httpx.Response(status, headers=[(b"Location", location.encode())])

    assert "an address that can't be read" in _bad(_check_answers(away, _invalid_grant()))[0]


def _token_finding(token: httpx.Response) -> Finding:
    return _check_answers(httpx.Response(200), token)[-1]


@pytest.mark.parametrize(
    ("token", "level", "words"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), "bad", "invalid_client"),
        (httpx.Response(400, json={"error": "invalid_client"}), "bad", "invalid_client"),
        (_invalid_grant(), "ok", "accepts the credentials"),
        (httpx.Response(400, json={"error": "invalid_request"}), "ok", "does not refuse the credentials"),
        (httpx.Response(400, json={"error": "unsupported_grant_type"}), "bad", "unsupported_grant_type"),
        (httpx.Response(307, headers={"Location": "/x"}), "bad", "redirects"),
        (httpx.Response(401, html="<p>no</p>"), "warn", "HTTP 401 with a web page"),
        (httpx.Response(401, text="no"), "warn", "without an error code"),
        (httpx.Response(200, html="<p>hello</p>"), "bad", "answers with a web page (HTTP 200)"),
        (httpx.Response(404), "bad", "HTTP 404"),
        (httpx.Response(200, json=[1]), "bad", "application/json, not with an OAuth error"),
        (httpx.Response(400, content=b'{"error": ' + b"[" * 60_000), "warn", "without an error code"),
    ],
)
def test_token_answers(token: httpx.Response, level: str, words: str) -> None:
    """Every kind of answer of the token endpoint is told apart."""
    finding = _token_finding(token)

    assert finding.level == level
    assert words in finding.what


def test_words_of_fotoweb_are_escaped_cut_and_masked() -> None:
    """FotoWeb's description can forge no line, and shows no secret even where it repeats it."""
    words = f"bad\n\x1b[2J {CLIENT_SECRET} \u202e" + "x" * 5_000
    document = json.dumps({"error": "invalid_request", "error_description": words})

    finding = _token_finding(httpx.Response(400, content=document.encode()))

    assert finding.what.isascii()
    assert finding.what.isprintable()
    assert len(finding.what) < 400
    assert CLIENT_SECRET not in finding.what


def test_date_that_is_none() -> None:
    """Without a Date header that can be read, nothing is said about clocks."""
    answers = httpx.Response(200, headers={"Date": "yesterday"})

    assert len(_check_answers(answers, _invalid_grant())) == 2


def test_requests_are_those_of_a_login() -> None:
    """The settings decide what is sent, as in a login."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    value = settings()
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        check_fotoweb(value, client, clock=time.time)

    assert sorted(seen[0].url.params) == [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "redirect_uri",
        "response_type",
        "state",
    ]
    form = dict(httpx.QueryParams(seen[1].content.decode()))
    assert sorted(form) == ["client_id", "client_secret", "code", "code_verifier", "grant_type", "redirect_uri"]
