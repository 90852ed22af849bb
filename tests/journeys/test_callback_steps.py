"""The callback's last steps, one at a time: a new session's id, and a way back that is checked again (R-RP2)."""

from __future__ import annotations

import base64
import dataclasses
import inspect
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware
from fotoweb_middleware.caches.protocol import SaveOutcome
from fotoweb_middleware.cookies.content import LoginInProgress, read_record
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.effects import SaveRecord
from fotoweb_middleware.journeys.callback import open_session, refuse
from fotoweb_middleware.journeys.login import begin_login
from fotoweb_middleware.model import Answer
from fotoweb_middleware.pages.state_problems import StateProblem
from fotoweb_middleware.site import Site
from fotoweb_middleware.stages.lookup import present
from tests.site.samples import NOW, a_record, a_request, a_site

TOKENS = a_record().tokens
LEAST_BYTES = 16
HOSTILE = ["//evil.test", "/\\evil.test", "https://evil.test/", "javascript:alert(1)", "/oauth2/logout", ""]


class Noted:
    """A source of random bytes that remembers what it gave."""

    def __init__(self) -> None:
        self.given: list[bytes] = []

    def __call__(self, count: int) -> bytes:
        """Give bytes."""
        self.given.append(secrets.token_bytes(count))
        return self.given[-1]

    def made(self, text: str) -> bool:
        """Return whether a text is nothing but bytes that were given at once, enough of them, in base64url."""
        made_of = base64.urlsafe_b64decode(text)
        return len(made_of) >= LEAST_BYTES and made_of in self.given


def header(answer: Answer, name: str) -> str:
    """Return a header of an answer."""
    return dict(answer.headers)[name]


def arrive(site: Site, next_path: str) -> tuple[SaveRecord, Answer]:
    """Open a session for a login that wants to go somewhere; return what is saved, and the answer."""
    request = a_request("/oauth2/callback")
    login = LoginInProgress("S", "V", None, next_path, NOW)
    flow = open_session(site, request, present(site, request), login, TOKENS, None)
    effect: Any = next(flow)
    with pytest.raises(StopIteration) as stopped:
        flow.send(SaveOutcome.SAVED)
    return effect, stopped.value.value


def test_state_is_random_and_nothing_else() -> None:
    """A state is at least 128 random bits, and carries nothing that could be read (R-AC2)."""
    noted, request = Noted(), a_request("/a", query="secret=1")
    site = dataclasses.replace(a_site(), entropy=noted)

    answer = begin_login(site, request, present(site, request), "/a?secret=1")

    assert noted.made(parse_qs(urlsplit(header(answer, "Location")).query)["state"][0])


def test_session_id_is_random() -> None:
    """A session's id is at least 128 random bits (R-CS10)."""
    noted = Noted()
    site = dataclasses.replace(a_site(), entropy=noted)
    saved, _ = arrive(site, "/")

    opened = site.sealer.open(saved.value.decode(), Purpose.CACHE, name=saved.key)

    record = read_record(opened.payload) if opened else None
    assert record is not None
    assert noted.made(record.session_id)


@pytest.mark.parametrize("door", [FotoWebASGIMiddleware, FotoWebWSGIMiddleware])
def test_random_bytes_are_the_systems(door: Callable[..., Any]) -> None:
    """Unless a test says otherwise, random bytes come from the system's own source (R-AC2, R-CS10)."""
    assert inspect.signature(door).parameters["entropy"].default is secrets.token_bytes


@pytest.mark.parametrize("target", HOSTILE)
def test_way_back_is_checked_when_it_is_used(target: str) -> None:
    """What a sealed login cookie says of the way back is judged again at the callback (R-RP2)."""
    assert header(arrive(a_site(), target)[1], "Location") == "/"


@pytest.mark.parametrize("target", HOSTILE)
def test_way_back_of_a_strict_site_is_checked_too(target: str) -> None:
    """So it is where a page leads on instead of a redirect (R-RP2)."""
    assert header(arrive(a_site(cookie_samesite="strict"), target)[1], "Refresh") == "0; url=/"


@pytest.mark.parametrize("target", HOSTILE[:4])
def test_refused_callback_leads_nowhere_else(target: str) -> None:
    """The page that refuses a callback has no link to another site (R-RP2)."""
    login = LoginInProgress("S", "V", None, target, NOW)

    page = refuse(a_site(), a_request("/oauth2/callback"), StateProblem.REUSED, login).body.decode()

    assert f'href="{target}"' not in page
    assert 'href="/"' in page


def test_harmless_way_back_is_kept() -> None:
    """The check leaves alone what is harmless."""
    assert header(arrive(a_site(), "/a?b=//c")[1], "Location") == "/a?b=//c"
