"""Stage 4, one step at a time: what the app gets, which cookies are written, and answers without a session."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from fotoweb_middleware.cookies.parts import total_characters
from fotoweb_middleware.model import Answer, PassThrough, Reason
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.stages import supply as supply_stage
from fotoweb_middleware.stages.lookup import Found, Presented, present
from fotoweb_middleware.stages.supply import seal_cookies, session_cookies, supply
from fotoweb_middleware.stages.unadmitted import (
    cross_origin,
    no_cache,
    no_fotoweb,
    not_signed_in_problem,
    operator_fault,
    preflight,
)
from tests.flows.stepping import header, told
from tests.site.samples import a_record, a_request
from tests.stages.turned import Clocks, a_turned_site


@pytest.fixture
def site(clocks: Clocks) -> Site:
    """Return a site."""
    return a_turned_site(clocks, trusted_origins="https://b.example")


def bare(site: Site, cookie: str = "a=1") -> Presented:
    """Return a browser with this Cookie header."""
    return present(site, a_request(cookie=cookie))


@pytest.mark.parametrize("why", ["retry_at", "left_until"])
@pytest.mark.parametrize(
    ("passed_seconds", "left_for_seconds", "was_renewed", "reason"),
    [
        (0, 0.0, False, Reason.FRESH),
        (0, 0.0, True, Reason.REFRESHED),
        (3550, 0.0, False, Reason.STALE),
        (3550, 0.0, True, Reason.REFRESHED),
        (3550, 0.1, False, Reason.FRESH),
        (3600, 0.0, True, Reason.REFRESHED),
    ],
)
def test_renewed_after_the_answer(
    site: Site,
    clocks: Clocks,
    passed_seconds: float,
    left_for_seconds: float,
    was_renewed: bool,
    reason: Reason,
    why: str,
) -> None:
    """A stale token is renewed after the answer, unless it was just now, a try is not yet due, or one is under way."""
    held = site.near.adopt(a_record())
    setattr(held, why, left_for_seconds)
    clocks.wall += passed_seconds

    admitted = supply(site, bare(site), Found(held, None), was_renewed=was_renewed)

    assert admitted.reason is reason
    assert admitted.renew_session_id == ("session-1" if reason is Reason.STALE else None)
    assert (admitted.session, admitted.cookie_header, admitted.set_cookies) == (held.current.session, "a=1", ())


@pytest.mark.parametrize(("cookie_version", "writes"), [(None, False), (0, True), (1, True), (2, False), (3, False)])
def test_cookie_is_written_anew(site: Site, cookie_version: int | None, writes: bool) -> None:
    """A browser with an older version than ours gets a new cookie, one with a handle none."""
    held = site.near.adopt(a_record(version=2))

    assert bool(supply(site, bare(site), Found(held, cookie_version)).set_cookies) is writes


def test_cookie_lives_as_long_as_its_session(site: Site, clocks: Clocks) -> None:
    """A cookie ends with its session, and what it leaves over of a larger one is removed."""
    held = site.near.adopt(a_record())
    name = bare(site).names.session
    clocks.wall += 200

    written, removed = session_cookies(site, bare(site, f"{name}=2~x; {name}.1=y"), held)

    assert written.startswith(f"{name}=")
    assert "; Max-Age=43000; " in written
    assert removed.startswith(f"{name}.1=; Max-Age=0; ")


def test_sealed_once_for_each_name(site: Site) -> None:
    """A session is sealed once, and anew only for another name of the cookie."""
    held = site.near.adopt(a_record())
    first = session_cookies(site, bare(site), held)

    assert session_cookies(site, bare(site), held) == first
    held.current.cookies = {"other": "x"}
    (anew,) = session_cookies(site, bare(site), held)
    assert anew.startswith(f"{bare(site).names.session}=")


def a_large_session(site: Site, token_characters: int) -> Held:
    """Return a session with a token of so many characters."""
    return site.near.adopt(a_record(access_token="x" * token_characters))


@pytest.mark.parametrize(("spare", "by_handle"), [(0, False), (-1, True)])
def test_largest_session_in_cookies(site: Site, monkeypatch: pytest.MonkeyPatch, spare: int, by_handle: bool) -> None:
    """A session stays in its cookies to the last character of their room."""
    held = a_large_session(site, 4200)
    characters = total_characters(seal_cookies(site, bare(site).names, held))
    monkeypatch.setattr(supply_stage, "MAX_TOTAL_CHARACTERS", characters + spare)

    values = seal_cookies(site, bare(site).names, held)

    assert (held.by_handle, total_characters(values) < 300) == (by_handle, by_handle)


def test_large_session_that_the_cache_missed(site: Site) -> None:
    """A session too large for cookies that the cache does not have leaves the browser what it has."""
    held = a_large_session(site, 8000)
    held.current.is_saved = False

    assert session_cookies(site, bare(site), held) == ()


def test_large_session_is_told_once(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """The log is told when a session moves into the cache, not again at each refresh."""
    held = a_large_session(site, 8000)
    seal_cookies(site, bare(site).names, held)
    first = [record.__dict__["fotoweb_event"] for record in caplog.records]
    seal_cookies(site, bare(site).names, held)

    assert (first, len(caplog.records)) == (["too_large"], 1)


@pytest.mark.parametrize(("seconds", "told_seconds"), [(0.2, "1"), (1.0, "1"), (1.1, "2"), (60, "60")])
def test_wait(seconds: float, told_seconds: str) -> None:
    """Waits are told in whole seconds, one at least."""
    assert header(no_fotoweb(a_request(), seconds, None), "Retry-After") == told_seconds


def test_wait_for_the_cache() -> None:
    """A cache may be asked again after five seconds."""
    answer = no_cache(a_request())

    assert (answer.status, header(answer, "Retry-After")) == (503, "5")


@pytest.mark.parametrize(
    ("parts", "is_page"),
    [
        ({"method": "POST", "accept": "text/html"}, True),
        ({"method": "POST", "accept": "application/json"}, False),
        ({"method": "GET", "accept": "text/html", "sec_fetch_mode": "cors"}, False),
    ],
)
def test_not_signed_in(site: Site, parts: dict[str, Any], is_page: bool) -> None:
    """The 401 is a page for forms and problem details for programs, and always a challenge."""
    answer = not_signed_in_problem(site, a_request("/a", **parts))

    assert answer.status == 401
    assert header(answer, "WWW-Authenticate") == 'FotoWeb-Login realm="fotoweb"'
    assert header(answer, "Content-Type").startswith("text/html" if is_page else "application/problem+json")
    assert "/oauth2/login" in answer.body.decode()


def test_not_signed_in_for_programs(site: Site) -> None:
    """Programs are told by stable words what is wrong and where a login begins."""
    problem = json.loads(not_signed_in_problem(site, a_request("/a", mount="/sub", sec_fetch_mode="cors")).body)

    assert problem["type"].endswith(":not-signed-in")
    assert (problem["title"], problem["status"]) == ("Not signed in", 401)
    assert problem["detail"] == "Send the user to login_url in the browser's own window, then ask again."
    assert problem["login_url"] == "/sub/oauth2/login"


@pytest.mark.parametrize(
    ("origin", "admitted"), [("https://b.example", True), ("HTTPS://B.example", True), ("https://c.example", False)]
)
def test_preflight(site: Site, origin: str, admitted: bool) -> None:
    """A preflight passes from a trusted origin alone, and the reason says which it was."""
    decision = preflight(site, a_request("/a", method="OPTIONS", origin=origin), bare(site))

    if admitted:
        assert decision == PassThrough(Reason.PREFLIGHT_ADMITTED, "a=1")
    else:
        assert isinstance(decision, Answer)
        assert decision.reason is Reason.PREFLIGHT_REFUSED


def test_preflight_on_an_open_path(clocks: Clocks) -> None:
    """On an open path a preflight passes from anywhere."""
    site = a_turned_site(clocks, public_paths="/health")
    request = a_request("/health", method="OPTIONS", origin="https://c.example")

    assert preflight(site, request, bare(site)) == PassThrough(Reason.PREFLIGHT_ADMITTED, "a=1")


def test_request_from_elsewhere_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The line tells method, path and origin."""
    with caplog.at_level(logging.WARNING, "fotoweb_middleware"):
        cross_origin(a_request("/a", method="PUT", origin="https://evil.test"), "session-1")

    fields = told(caplog.messages[0])
    assert (fields["method"], fields["path"], fields["origin"]) == ("PUT", "/a", "https://evil.test")


def test_operator_fault_names_the_error() -> None:
    """The page of a FotoWeb that refuses the app names its error."""
    assert b"invalid_client" in operator_fault(a_request(accept="text/html"), "invalid_client").body
