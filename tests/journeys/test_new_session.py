"""The exchange of the code and the new session: what is asked, saved, and told to browser and log."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome
from fotoweb_middleware.cookies.content import LoginInProgress
from fotoweb_middleware.effects import BuryRecord, HttpReply, SaveRecord
from fotoweb_middleware.errors import (
    CacheUnavailable,
    FotoWebError,
    FotoWebNonsense,
    FotoWebRefused,
    FotoWebUnreachable,
)
from fotoweb_middleware.fotoweb.authorize import CallbackQuery
from fotoweb_middleware.journeys.callback import (
    ValidatedCallback,
    ask_who,
    exchange,
    failed_exchange,
    open_session,
    report,
)
from fotoweb_middleware.journeys.login import login_cookie_name
from fotoweb_middleware.model import Answer
from fotoweb_middleware.site import Site
from fotoweb_middleware.stages.lookup import present
from fotoweb_middleware.stages.supply import session_cookies
from tests.flows.stepping import header, told, walked
from tests.site.samples import NOW, a_record, a_request, a_site

LOGIN = LoginInProgress("S", "V", None, "/", NOW)
TOKENS = a_record().tokens
CALLBACK = ValidatedCallback(CallbackQuery("S", "C", "", ""), LOGIN, "name")


def opened(site: Site, reply: Any, cookie: str | None = None) -> tuple[SaveRecord, Answer]:
    """Open a session, the cache giving this reply; return what was to be saved, and the answer."""
    request = a_request("/oauth2/callback", **({"cookie": cookie} if cookie else {}))
    effects, answer = walked(open_session(site, request, present(site, request), LOGIN, TOKENS, None), reply)
    (effect,) = effects
    assert isinstance(effect, SaveRecord)
    return effect, answer


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Listen to the log."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")
    return caplog


def events(log: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return each line's event and its cause."""
    return [(line.__dict__["fotoweb_event"], told(line.getMessage()).get("cause", "")) for line in log.records]


def test_saved_as_version_one() -> None:
    """A new session is saved under the version that its record has, so that the next one is newer."""
    saved, _ = opened(a_site(), SaveOutcome.SAVED)

    assert (saved.version, saved.ttl_seconds, saved.create) == (1, 43_200, True)


@pytest.mark.parametrize(("reply", "is_saved"), [(SaveOutcome.SAVED, True), (CacheUnavailable("down"), False)])
def test_what_the_cache_missed_is_known(reply: Any, is_saved: bool) -> None:
    """Where the cache is down the session is remembered as one that it does not know."""
    site = a_site()
    opened(site, reply)

    (held,) = site.near._by_id.values()
    assert held.current.is_saved is is_saved


def test_cache_down_at_login(log: pytest.LogCaptureFixture) -> None:
    """A login while the cache is down tells the log so, and comes to its end."""
    opened(a_site(), CacheUnavailable("down"))

    assert [event for event, _ in events(log)] == ["cache_down", "logged_in"]


def test_login_in_progress_is_removed_once() -> None:
    """The login that comes to its end does not count as one of those for which there is no room."""
    site = a_site()
    names = present(site, a_request()).names
    own = login_cookie_name(present(site, a_request()), LOGIN.state)
    others = [f"{names.login_prefix}{number}" for number in range(4)]

    _, answer = opened(site, SaveOutcome.SAVED, "; ".join(f"{name}=x" for name in [own, *others]))

    removed = [
        value.partition("=")[0] for name, value in answer.headers if name == "Set-Cookie" and "Max-Age=0" in value
    ]
    assert removed == []


def test_session_that_the_browser_came_with_ends() -> None:
    """A login ends the session that the browser shows, before the new one is saved; the browser counts the login."""
    site, bare = a_site(), present(a_site(), a_request())
    held = site.near.adopt(a_record("old"))
    (written,) = session_cookies(site, bare, held)
    request = a_request("/oauth2/callback", cookie=written.partition(";")[0])

    effects, answer = walked(
        open_session(site, request, present(site, request), LOGIN, TOKENS, None), None, SaveOutcome.SAVED
    )

    assert [type(effect) for effect in effects] == [BuryRecord, SaveRecord]
    assert site.near.is_buried("old")
    assert any(f"{bare.names.trail}=" in value for name, value in answer.headers if name == "Set-Cookie")


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (FotoWebUnreachable("late"), ("login_failed", "late")),
        (FotoWebNonsense("odd"), ("login_failed", "odd")),
    ],
)
def test_failed_exchange_in_the_log(log: pytest.LogCaptureFixture, error: FotoWebError, event: tuple[str, str]) -> None:
    """An exchange that fails is one line with its cause."""
    site, request = a_site(), a_request("/oauth2/callback")

    walked(exchange(site, request, present(site, request), CALLBACK), error)

    assert events(log) == [event]


@pytest.mark.parametrize(("error", "event"), [("invalid_client", "operator_fault"), ("invalid_grant", "login_failed")])
def test_refused_exchange_in_the_log(log: pytest.LogCaptureFixture, error: str, event: str) -> None:
    """A code that is refused is told from an app that is."""
    site, request = a_site(), a_request("/oauth2/callback")

    walked(exchange(site, request, present(site, request), CALLBACK), FotoWebRefused(error, status=400))

    assert [name for name, _ in events(log)] == [event]


@pytest.mark.parametrize(
    ("reply", "cause"),
    [(FotoWebUnreachable("late"), "late"), (HttpReply(500, None, b""), "'HTTP")],
)
def test_nobody_told_who_it_is(log: pytest.LogCaptureFixture, reply: Any, cause: str) -> None:
    """Where FotoWeb does not say who logged in, one line tells why, and the login goes on."""
    _, user = walked(ask_who(a_site(fetch_user=True), TOKENS), reply)

    assert user is None
    assert events(log) == [("user_unknown", cause)]


def test_status_that_told_nobody(log: pytest.LogCaptureFixture) -> None:
    """The line has FotoWeb's status."""
    walked(ask_who(a_site(fetch_user=True), TOKENS), HttpReply(418, None, b""))

    assert log.messages[0].endswith(" cause='HTTP 418'")


def test_error_of_fotowebs_in_the_log(log: pytest.LogCaptureFixture) -> None:
    """An error instead of a code is one line with FotoWeb's code and words."""
    query = CallbackQuery("S", "", "access_denied", "no-way")
    report(a_site(), a_request("/oauth2/callback"), ValidatedCallback(query, LOGIN, "name"))

    assert events(log) == [("login_refused", "access_denied")]
    assert told(log.messages[0])["description"] == "no-way"


@pytest.mark.parametrize(("asked_seconds", "told_seconds"), [(17.0, "17"), (16.2, "17"), (0.5, "1"), (None, "5")])
def test_wait_that_fotoweb_asks_for(asked_seconds: float | None, told_seconds: str) -> None:
    """The page has the seconds that FotoWeb asked for, whole ones and at least one; else five."""
    error = FotoWebUnreachable("late", retry_after_seconds=asked_seconds)

    answer = failed_exchange(a_site(), a_request("/oauth2/callback"), CALLBACK, error)

    assert (answer.status, header(answer, "Retry-After")) == (503, told_seconds)


def test_way_on_after_a_refused_code() -> None:
    """After a code that FotoWeb refuses the page leads to a new login."""
    answer = failed_exchange(
        a_site(), a_request("/oauth2/callback"), CALLBACK, FotoWebRefused("invalid_grant", status=400)
    )

    assert answer.status == 502
    assert 'href="/oauth2/login?next=%2F"' in answer.body.decode()
