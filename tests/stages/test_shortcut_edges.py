"""The shortcut, one condition at a time: when it answers, and when it leaves a request to the stages."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.stages.shortcut import Shortcut
from tests.site.samples import a_record, a_site
from tests.stages.known import Known


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"method": "HEAD"},
        {"mount": None},
        {"mount": "/sub"},
        {"raw_path": None},
        {"raw_path": ""},
        {"path": "/", "raw_path": "/sub/"},
        {"path": "/oauth", "raw_path": "/oauth"},
    ],
)
def test_answered(known: Known, parts: dict[str, Any]) -> None:
    """A plain GET or HEAD with a known cookie is answered, however it is mounted."""
    assert known.finds(**parts)


@pytest.mark.parametrize(
    "parts",
    [
        {"method": "POST"},
        {"method": "get"},
        {"method": "OPTIONS"},
        {"path": "x"},
        {"path": ""},
        {"path": "*"},
        {"path": "/oauth2/session"},
        {"path": "/oauth2x"},
        {"raw_path": "http://app.example/x"},
        {"raw_path": "x/x"},
        {"mount": "//evil.test"},
        {"mount": "/\\evil.test"},
    ],
)
def test_left_to_the_stages(known: Known, parts: dict[str, Any]) -> None:
    """Other methods, targets that are no path, and all that begins like our own pages go the long way."""
    assert not known.finds(**parts)


def test_cookies_beside_it(known: Known) -> None:
    """Other cookies go to the app as they came."""
    names = known.shortcut.names_for("https", "")

    found = known.shortcut.find("GET", "", "/x", None, f"a=1; {known.cookie}; b=2", names)
    alone = known.shortcut.find("GET", "", "/x", None, known.cookie, names)

    assert found == (known.held.current, "a=1; b=2")
    assert alone == (known.held.current, None)


@pytest.mark.parametrize("shape", ["{0}; {0}", "{0},{0}", "a=1,{0}", "{0}, a=1", "a{0}", "{0}x", "{1}", "", "a=1"])
def test_cookies_that_are_unclear(known: Known, shape: str) -> None:
    """Our cookie twice, glued to another, altered or missing goes the long way."""
    assert not known.finds(cookie=shape.format(known.cookie, known.cookie.partition("=")[2]))


@pytest.mark.parametrize(("passed_seconds", "answers"), [(-61, False), (-60, True), (3539, True), (3540, False)])
def test_age_of_the_token(known: Known, passed_seconds: float, answers: bool) -> None:
    """A token is answered for while it is fresh, and not where the clock went back over a minute."""
    known.clocks.wall += passed_seconds

    assert known.finds() is answers


@pytest.mark.parametrize("why", ["retry_at", "left_until"])
@pytest.mark.parametrize(("passed_seconds", "answers"), [(-61, False), (3540, True), (3599, True), (3600, False)])
def test_stale_token_that_is_left_alone(known: Known, passed_seconds: float, answers: bool, why: str) -> None:
    """While one renews a stale token, or has just tried in vain, it serves as a fresh one; an expired one does not."""
    setattr(known.held, why, known.clocks.monotonic + 1)
    known.clocks.wall += passed_seconds

    assert known.finds() is answers


def test_recheck(known: Known) -> None:
    """From the moment on at which the server cache is to be asked again, it is."""
    known.clocks.monotonic += 4.99
    known.clocks.wall += 4.99
    before = known.finds()
    known.clocks.monotonic += 0.01
    known.clocks.wall += 0.01

    assert (before, known.finds()) == (True, False)


@pytest.mark.parametrize(
    ("monotonic_seconds", "wall_seconds", "answers"),
    [(4.99, -1, True), (5, -1, False), (4.99, 3000, True), (5, 4.99, True), (5, 0, True), (9.99, 4.99, True)],
)
def test_recheck_where_the_clock_jumps(
    known: Known, monotonic_seconds: float, wall_seconds: float, answers: bool
) -> None:
    """A wall clock that goes back, but not to before the last look, puts the next one off by as much (ADR 0027)."""
    known.clocks.monotonic += monotonic_seconds
    known.clocks.wall += wall_seconds

    assert known.finds() is answers


@pytest.mark.parametrize(("back_seconds", "answers"), [(20, False), (1.1, False), (1, True)])
def test_time_that_comes_again(known: Known, back_seconds: float, answers: bool) -> None:
    """Once anybody's look at the server cache shows that the wall clock was set back, each session is due for one."""
    other = known.site.near.adopt(a_record(session_id="other"))
    before = known.finds()
    known.clocks.wall -= back_seconds
    known.site.near.note_checked(other)
    known.clocks.wall += back_seconds
    known.clocks.monotonic += back_seconds

    assert (before, known.finds()) == (True, answers)


@pytest.mark.parametrize(
    ("parts", "answers"),
    [
        ({}, True),
        ({"cookie": "{own};"}, True),
        ({"cookie": "{own}; a=1"}, True),
        ({"cookie": "{own}; {own}"}, False),
        ({"cookie": "a=1; {own}"}, True),
        ({"cookie": "x{own}"}, False),
        ({"cookie": "x=1; {own},{own}"}, False),
        ({"names": "http"}, False),
    ],
)
def test_a_header_that_differs_from_the_one_before(known: Known, parts: dict[str, str], answers: bool) -> None:
    """What a header held before says nothing of the next one, however alike the two are."""
    parts = {name: text.replace("{own}", known.cookie) for name, text in parts.items()}
    named = {"names": known.shortcut.names_for("http", "localhost")} if parts.pop("names", None) else {}

    before, between = known.finds(), known.finds(**parts, **named)

    assert (before, between, known.finds()) == (True, answers, True)


def test_session_goes_with_its_header(known: Known) -> None:
    """The rest of a Cookie header reaches the app, also where the cookie was the only one before."""
    https = known.shortcut.names_for("https", "app.example")
    asked = ("GET", "", "/x", "/x")

    alone, beside = (known.shortcut.find(*asked, cookie, https) for cookie in (known.cookie, f"{known.cookie}; a=1"))

    assert alone is not None
    assert beside is not None
    assert (alone[1], beside[1]) == (None, "a=1")


def test_session_that_ended(known: Known) -> None:
    """A session that is live no more decides nothing."""
    known.held.live = False

    assert not known.finds()


def test_newer_version(known: Known) -> None:
    """A sealed cookie of an older version goes the long way, to be written anew; a handle has none."""
    known.held.advance(type(known.held.current)(a_record(version=2), known.site.near._limits))

    assert known.finds() is known.held.by_handle


@pytest.mark.parametrize(
    ("changes", "opens"),
    [
        ({}, False),
        ({"login": "optional"}, True),
        ({"public_paths": "/health"}, True),
        ({"public_paths": "/public/*"}, True),
    ],
)
def test_whether_any_path_is_open(changes: dict[str, Any], opens: bool) -> None:
    """A site has open paths where a setting says so."""
    assert Shortcut(a_site(**changes)).has_open_paths is opens


@pytest.mark.parametrize(
    ("changes", "always", "on_https", "on_loopback"),
    [
        ({"redirect_uri": None}, None, True, False),
        ({"redirect_uri": None, "cookie_secure": "false"}, False, False, False),
        ({"redirect_uri": None, "cookie_secure": "true"}, True, True, True),
    ],
)
def test_names(changes: dict[str, Any], always: bool | None, on_https: bool, on_loopback: bool) -> None:
    """The cookies' names are known beforehand where every origin has the same, and for https."""
    shortcut = Shortcut(a_site(**changes))

    assert (shortcut.names.secure if shortcut.names else None) is always
    assert shortcut.https_names.secure is on_https
    assert shortcut.names_for("http", "localhost:8000").secure is on_loopback


def test_a_known_cookie_alone_is_looked_up_at_once(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header that holds a known cookie and nothing else is cut nowhere."""
    monkeypatch.setattr(Shortcut, "_look_closer", lambda *_: pytest.fail("it was looked through again"))

    assert known.finds()
