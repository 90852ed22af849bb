"""Logout, status and the page that ends a loop: where they lead, what they allow, and when they speak up."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fotoweb_middleware.cookies.content import Trail, write_trail
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.journeys.logout import confirm_headers, end_session, farewell
from fotoweb_middleware.journeys.loops import count_login, find_cause, recent_trail, stop_loop
from fotoweb_middleware.journeys.status import is_over, show_status, status
from fotoweb_middleware.model import Reason, RequestView
from fotoweb_middleware.pages.headers import PROBLEM_HEADERS
from fotoweb_middleware.pages.login_loops import LoopCause
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.stages.lookup import Presented, present
from fotoweb_middleware.stages.supply import session_cookies
from tests.flows.stepping import header, told, walked
from tests.site.samples import NOW, a_record, a_request, a_site


def a_member(site: Site, **record: Any) -> tuple[Held, Presented]:
    """Return a session of a site, and a browser that shows its cookie."""
    held = site.near.adopt(a_record(**record))
    bare = present(site, a_request())
    (written,) = session_cookies(site, bare, held)
    return held, present(site, a_request(cookie=written.partition(";")[0]))


def with_trail(site: Site, trail: Trail) -> RequestView:
    """Return a request that shows how many logins came to their end."""
    name = present(site, a_request()).names.trail
    value = site.sealer.seal(write_trail(trail), Purpose.LOGIN, name=name)
    return a_request(cookie=f"{name}={value}")


@pytest.mark.parametrize(
    ("url", "ends"), [(None, "'self'"), ("/bye", "'self'"), ("https://bye.example/x", "'self' https://bye.example")]
)
def test_where_the_logout_form_may_end(url: str | None, ends: str) -> None:
    """The confirmation's form may end at the other origin that a logout leads to, and else nowhere but here."""
    told_headers = dict(confirm_headers(a_site(post_logout_url=url)))

    assert told_headers["Content-Security-Policy"].partition("form-action ")[2] == ends
    assert told_headers["Referrer-Policy"] == "same-origin"


def test_signed_out_page_leads_to_the_login() -> None:
    """Who has signed out may sign in again from there."""
    assert 'href="/oauth2/login"' in farewell(a_site(), a_request("/oauth2/logout")).body.decode()


def test_logout_from_elsewhere_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The line tells which origin sent it."""
    site = a_site()
    request = a_request("/oauth2/logout", method="POST", origin="https://evil.test", sec_fetch_site="cross-site")
    with caplog.at_level(logging.WARNING, "fotoweb_middleware"):
        walked(end_session(site, request, present(site, request)))

    assert told(caplog.messages[0])["origin"] == "https://evil.test"


@pytest.mark.parametrize("path", ["/oauth2/logout", "/oauth2/session"])
def test_allowed_methods(path: str) -> None:
    """Other methods are told which ones are taken."""
    site, request = a_site(), a_request(path, method="DELETE")
    journey = end_session if path.endswith("logout") else show_status

    _, answer = walked(journey(site, request, present(site, request)))

    assert header(answer, "Allow") == ("GET, POST" if path.endswith("logout") else "GET, HEAD")


@pytest.mark.parametrize(
    ("tokens", "over"),
    [
        ({"refresh_token": None}, False),
        ({"refresh_token": None, "expires_at": NOW}, True),
        ({"expires_at": NOW}, False),
        ({"refresh_token": None, "expires_at": None}, False),
    ],
)
def test_when_a_session_is_over(tokens: dict[str, float | None], over: bool) -> None:
    """A session is over once its token has expired and nothing can renew it."""
    site = a_site()

    assert is_over(site, a_member(site, **tokens)[0]) is over


def test_headers_of_the_status() -> None:
    """The status carries every header of a problem document but its type."""
    site = a_site()

    answer = status(site, a_request("/oauth2/session"), a_member(site)[0])

    assert answer.headers == (("Content-Type", "application/json"), *PROBLEM_HEADERS[1:])
    assert set(dict(answer.headers)) == set(dict(PROBLEM_HEADERS))
    assert json.loads(answer.body)["authenticated"] is True


@pytest.mark.parametrize(
    ("ended_seconds_ago", "counts"), [(0, True), (119, True), (120, False), (500, False), (-119, True), (-120, False)]
)
def test_how_long_a_login_counts(ended_seconds_ago: float, counts: bool) -> None:
    """A login counts for two minutes, also where it seems to lie ahead."""
    site = a_site()
    request = with_trail(site, Trail(2, NOW - ended_seconds_ago, 100))

    assert (recent_trail(site, present(site, request)) is not None) is counts


@pytest.mark.parametrize(("before", "after"), [(None, 1), (1, 2), (2, 3)])
def test_login_is_counted(before: int | None, after: int) -> None:
    """Each login is one more than those before it, now, with the size of the session's cookies."""
    site = a_site()
    request = with_trail(site, Trail(before, NOW - 9, 100)) if before else a_request()

    written = count_login(site, present(site, request), ("a=12", "b=3"))

    counted = present(site, a_request(cookie=written.partition(";")[0]))
    assert recent_trail(site, counted) == Trail(after, NOW, 7)
    assert written.partition("; ")[2] == "Max-Age=120; Path=/; HttpOnly; Secure; SameSite=Lax"


def test_end_of_a_loop_leads_to_the_next_try() -> None:
    """The page that ends a loop leads to a login, and from there to where the person was going."""
    site = a_site()
    request = with_trail(site, Trail(3, NOW, 100))

    answer = stop_loop(site, request, present(site, request), "/albums?a=1")

    assert answer is not None
    assert answer.reason is Reason.LOGIN_LOOP
    links = [urlsplit(part.partition('"')[0]) for part in answer.body.decode().split('href="')[1:]]
    again = [link for link in links if link.path == "/oauth2/login"]
    assert [parse_qs(link.query) for link in again] == [{"next": ["/albums?a=1"]}]


@pytest.mark.parametrize(("rounds", "stops"), [(2, False), (3, True), (4, True)])
def test_three_rounds(rounds: int, stops: bool) -> None:
    """The third login without a session is the last."""
    site = a_site()
    request = with_trail(site, Trail(rounds, NOW, 100))

    assert (stop_loop(site, request, present(site, request), "/") is not None) is stops


@pytest.mark.parametrize(
    ("mode", "was_ended", "cause"),
    [
        ("sealed", False, LoopCause.TOKEN),
        ("sealed", True, LoopCause.TOKEN),
        ("reference", False, LoopCause.CACHE),
        ("reference", True, LoopCause.TOKEN),
    ],
)
def test_cause_of_a_cookie_that_opens(mode: str, was_ended: bool, cause: LoopCause) -> None:
    """A handle whose session nobody ended points at the cache, everything else at the token."""
    site = a_site(cookie_mode=mode)
    held, presented = a_member(site)
    if was_ended:
        site.near.bury(held.record.session_id, 1000)

    assert find_cause(site, presented) is cause
