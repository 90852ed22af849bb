"""What a callback without its login is told of the cause, and how far clocks may differ."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.cookies.content import LoginInProgress, write_login
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.effects import Claim
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.fotoweb.authorize import CallbackQuery
from fotoweb_middleware.journeys.callback import (
    ValidatedCallback,
    claim,
    complete_login,
    refuse,
    report,
    validate,
    why_unknown,
)
from fotoweb_middleware.journeys.login import login_cookie_name
from fotoweb_middleware.model import Reason, RequestView
from fotoweb_middleware.pages.layout import render
from fotoweb_middleware.pages.refusals import method_not_allowed
from fotoweb_middleware.pages.state_problems import StateProblem
from fotoweb_middleware.site import Site
from fotoweb_middleware.stages.lookup import present
from tests.flows.stepping import header, walked
from tests.site.samples import NOW, a_request, a_site

REFUSED = "error=access_denied"


def a_callback(site: Site, login: LoginInProgress, state: str = "S", query: str = REFUSED) -> RequestView:
    """Return a callback whose browser holds the login cookie of a state, with this login in it."""
    bare = a_request("/oauth2/callback")
    name = login_cookie_name(present(site, bare), state)
    value = site.sealer.seal(write_login(login), Purpose.LOGIN, name=name)
    return a_request("/oauth2/callback", query=f"state={state}&{query}", cookie=f"{name}={value}")


def a_login(state: str = "S", started_at: float = NOW) -> LoginInProgress:
    """Return a login that began now."""
    return LoginInProgress(state, "V", None, "/albums?a=1", started_at)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"scheme": "http"}, StateProblem.PLAIN_HTTP),
        ({"scheme": "http", "cookie": "a=b"}, StateProblem.PLAIN_HTTP),
        ({"scheme": "http", "sec_fetch_site": "cross-site"}, StateProblem.NO_COOKIES),
        ({"scheme": "https"}, StateProblem.NO_COOKIES),
        ({"scheme": "https", "cookie": "a=b"}, StateProblem.UNKNOWN_STATE),
        ({"scheme": "http", "host": "localhost"}, StateProblem.NO_COOKIES),
        ({"scheme": "http", "host": "localhost", "cookie": "a=b"}, StateProblem.UNKNOWN_STATE),
    ],
)
def test_cause_without_the_cookie(parts: dict[str, Any], problem: StateProblem) -> None:
    """Without the login cookie the cause is told from scheme, Fetch Metadata and whether any cookie came."""
    site, request = a_site(redirect_uri=None), a_request("/oauth2/callback", **parts)

    assert why_unknown(site, request, present(site, request), None) is problem


@pytest.mark.parametrize("parts", [{"scheme": "http"}, {"scheme": "https", "cookie": "a=b"}])
def test_cookie_that_does_not_open(parts: dict[str, Any]) -> None:
    """Where a cookie came under the name of the login it was sealed with another key."""
    site, request = a_site(), a_request("/oauth2/callback", **parts)

    assert why_unknown(site, request, present(site, request), "x") is StateProblem.OTHER_KEY


def test_login_of_another_state() -> None:
    """A login cookie counts only for the state that is sealed in it, whatever its name says."""
    site = a_site()
    request = a_callback(site, a_login("OTHER"))

    assert validate(site, request, present(site, request)) is StateProblem.OTHER_KEY


@pytest.mark.parametrize(
    ("age_seconds", "reason"),
    [
        (-60, Reason.LOGIN_FAILED),
        (-61, Reason.STATE_REFUSED),
        (599, Reason.LOGIN_FAILED),
        (600, Reason.STATE_REFUSED),
    ],
)
def test_age_of_the_login(age_seconds: float, reason: Reason) -> None:
    """A login may be ten minutes old, and begin a minute from now where clocks differ."""
    site = a_site()
    request = a_callback(site, a_login(started_at=NOW - age_seconds))

    _, answer = walked(
        complete_login(site, request, present(site, request)), *([True] if reason is Reason.LOGIN_FAILED else [])
    )

    assert answer.reason is reason


def test_claim_outlives_the_login() -> None:
    """A used state is remembered for as long as any clock might still take its login cookie: eleven minutes."""
    (effect,), _ = walked(claim(a_site(), "S"), True)

    assert isinstance(effect, Claim)
    assert effect.ttl_seconds == 660
    assert not effect.local_only


def test_claim_without_the_cache() -> None:
    """With the cache down the state is claimed in this process, for as long."""
    (_, effect), is_first = walked(claim(a_site(), "S"), CacheUnavailable("down"), True)

    assert isinstance(effect, Claim)
    assert (effect.ttl_seconds, effect.local_only, is_first) == (660, True, True)


def test_method_that_is_not_allowed() -> None:
    """Whatever is no GET is told that GET alone is taken."""
    site, request = a_site(), a_request("/oauth2/callback", method="POST")

    _, answer = walked(complete_login(site, request, present(site, request)))

    assert header(answer, "Allow") == "GET"
    assert answer.body == render(method_not_allowed(("GET",), "/"))


def test_cache_down_in_reference_mode(caplog: pytest.LogCaptureFixture) -> None:
    """Where the cache alone carries sessions, a callback waits for it, and the log is told."""
    site = a_site(cookie_mode="reference")
    request = a_callback(site, a_login())

    _, answer = walked(complete_login(site, request, present(site, request)), CacheUnavailable("down"))

    assert (answer.status, answer.reason) == (503, Reason.CACHE_UNAVAILABLE)
    assert [record.__dict__["fotoweb_event"] for record in caplog.records] == ["cache_down"]


def test_refused_callback_leads_to_the_login() -> None:
    """The page of a refused callback starts again where the login knew the way, and without one at the front."""
    site, request = a_site(), a_request("/oauth2/callback")

    known = refuse(site, request, StateProblem.REUSED, a_login()).body.decode()
    unknown = refuse(site, request, StateProblem.UNKNOWN_STATE, None).body.decode()

    assert "/oauth2/login?next=%2Falbums%3Fa%3D1" in known
    assert 'href="/oauth2/login"' in unknown


def test_wait_that_fotoweb_asks_for_at_login() -> None:
    """A login that FotoWeb puts off may be tried again after five seconds."""
    site, request = a_site(), a_request("/oauth2/callback")
    query = CallbackQuery("S", "", "temporarily_unavailable", "")

    answer = report(site, request, ValidatedCallback(query, a_login(), "name"))

    assert (answer.status, header(answer, "Retry-After")) == (503, "5")


def test_repr_of_a_callback() -> None:
    """Neither code, state nor the login cookie's name is shown (R-LG1)."""
    login = LoginInProgress("S3CR3T", "S3CR3T", None, "/S3CR3T", NOW)

    assert "S3CR3T" not in repr(ValidatedCallback(CallbackQuery("S3CR3T", "S3CR3T", "", ""), login, "S3CR3T"))
