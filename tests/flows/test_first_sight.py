"""A cookie that is new to this process, recognised at once: what the stages would say with effects, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware
from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.offloaded import OffloadedFace
from fotoweb_middleware.caches.opening import peek_of
from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.cookies.content import write_handle, write_record
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.drivers.blocking import BlockingDriver
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import Admit, Reason, RequestView
from fotoweb_middleware.site import Site, open_site
from fotoweb_middleware.site.near import NearCache, Seen
from fotoweb_middleware.stages.records import seal_record
from fotoweb_middleware.stages.shortcut import Shortcut
from tests.settings.samples import settings as app_settings
from tests.site.samples import NOW, a_record, counted_entropy

ID = "session-1"
LIFETIME_SECONDS = 43_200
NAME = "__Host-fotoweb"

worlds = st.fixed_dictionaries(
    {
        "cookie": st.sampled_from(
            ["record", "record", "record", "handle", "first format", "garbage", "empty", "altered"]
        ),
        "version": st.sampled_from([1, 2]),
        "in_cache": st.sampled_from([None, 1, 2, 3, "tombstone", "garbage"]),
        "in_memory": st.sampled_from([None, None, 1, 2, 3, "buried"]),
        "age_seconds": st.sampled_from([-90_000, -120, 0, 3500, 3601, LIFETIME_SECONDS - 1, LIFETIME_SECONDS]),
        "session_idle": st.sampled_from([0.0, 600.0]),
        "method": st.sampled_from(["GET", "POST"]),
        "beside": st.sampled_from(["", "a=1; "]),
    }
)


@dataclass
class Place:
    """A wrapped app in a process of its own.

    Attributes:
        world: What there is.
        can_peek: Whether it looks into its cache at once.
        owns_cache: Whether nobody else writes into that.
    """

    world: dict[str, Any]
    can_peek: bool
    owns_cache: bool = False

    def __post_init__(self) -> None:
        """Put everything where it belongs."""
        self.cache, self.peeks = MemoryCache(10, lambda: 0.0), 0
        self.site: Site = open_site(
            app_settings(session_idle=self.world["session_idle"]),
            clock=lambda: NOW + self.world["age_seconds"],
            monotonic=lambda: 0.0,
            entropy=counted_entropy(),
            shared_cache=False,
            peek=self.peek if self.can_peek else None,
            owns_cache=self.owns_cache,
        )
        self.gate = Gate(self.site)
        self.fill_cache()
        if self.world["in_memory"] == "buried":
            self.site.near.bury(ID, 100_000)
        elif self.world["in_memory"]:
            self.site.near.adopt(a_record(version=self.world["in_memory"]))

    def peek(self, key: str) -> Stored | None:
        """Look into the cache, and note that."""
        self.peeks += 1
        return self.cache.load(key)

    def fill_cache(self) -> None:
        """Put into the cache what it has of the session."""
        key, there = self.site.cache_key("session", ID), self.world["in_cache"]
        if there == "tombstone":
            self.cache.bury(key, ttl_seconds=100)
        elif there is not None:
            version = 4 if there == "garbage" else there
            value = b"x" if there == "garbage" else seal_record(self.site, key, a_record(version=version))
            self.cache.save(key, value, version=version, ttl_seconds=100, create=True)

    def cookie(self) -> str:
        """Return the Cookie header."""
        record = a_record(version=self.world["version"])
        payload = write_record(record)
        if self.world["cookie"] == "handle":
            payload = write_handle(ID, NOW + LIFETIME_SECONDS)
        if self.world["cookie"] == "first format":
            payload = f'["r1","{ID}",1,"access","refresh",{NOW},{NOW + 3600},{NOW},{NOW},null]'.encode()
        sealed = self.site.sealer.seal(payload, Purpose.SESSION, name=NAME)
        value = {"garbage": "x" * 60, "empty": "", "altered": f"Z{sealed[1:]}"}.get(self.world["cookie"], sealed)
        return f"{self.world['beside']}{NAME}={value}"

    def find(self, cookie: str) -> Any:
        """Ask the shortcut."""
        return Shortcut(self.site).find(self.world["method"], "", "/", "/", cookie, self.site.names[True])

    def decide(self, cookie: str) -> Any:
        """Ask the stages."""
        headers = {"host": "app.example", "cookie": cookie, "sec-fetch-site": "same-origin"}
        request = RequestView(self.world["method"], "/", "", "/", "", "https", headers)
        driver = BlockingDriver(self.site.settings, self.cache)
        try:
            return driver.run(self.gate.decide(request))
        except Exception as error:  # noqa: BLE001 (a refresh: FotoWeb is not there)
            return error


@given(worlds)
@settings(max_examples=600, deadline=None)
def test_never_disagrees(world: dict[str, Any]) -> None:
    """Whatever cookie, cache and memory hold: the app gets what the stages would give it, and memory is the same."""
    quick, slow = Place(world, can_peek=True), Place(world, can_peek=False)
    cookie = quick.cookie()

    passage = quick.find(cookie)

    if passage is None:
        return
    decision = slow.decide(cookie)
    assert isinstance(decision, Admit)
    assert (decision.session, decision.cookie_header) == (passage[0].session, passage[1])
    assert (decision.set_cookies, decision.renew_session_id) == ((), None)
    [quick_held], [slow_held] = quick.site.near._by_id.values(), slow.site.near._by_id.values()
    assert (quick_held.record, quick_held.by_handle) == (slow_held.record, slow_held.by_handle)
    assert quick.site.near.by_identity.keys() == slow.site.near.by_identity.keys()


USUAL = {
    "cookie": "record",
    "version": 1,
    "in_cache": None,
    "in_memory": None,
    "age_seconds": 0,
    "session_idle": 0.0,
    "method": "GET",
    "beside": "",
}


@pytest.mark.parametrize("changes", [{}, {"in_cache": 1}, {"version": 2, "in_cache": 1}, {"beside": "a=1; "}])
def test_recognised_at_once(changes: dict[str, Any]) -> None:
    """A cookie that carries the newest version there is needs no stage, at its first sight and later."""
    place = Place({**USUAL, **changes}, can_peek=True)

    cookie = place.cookie()

    found = [place.find(cookie) for _ in range(2)]

    assert [passage is not None for passage in found] == [True, True]


def test_who_has_forgotten_nobody_need_not_ask() -> None:
    """A cache that this process alone fills can't know more than its memory, until that forgets a session."""
    place = Place(USUAL, can_peek=True, owns_cache=True)
    cookie = place.cookie()

    assert (place.find(cookie) is not None, place.peeks) == (True, 0)

    place.site.near.start_anew(whole=False)

    assert (place.find(cookie) is not None, place.peeks) == (True, 1)


def test_forgotten_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that is forgotten in the very moment in which its older cookie is looked at is left to the stages."""
    place = Place({**USUAL, "in_memory": 2}, can_peek=True, owns_cache=True)
    near = place.site.near

    def meet_late(*given: Any, **named: Any) -> Seen | None:
        near.start_anew(whole=False)
        return NearCache.meet(near, *given, **named)

    monkeypatch.setattr(near, "meet", meet_late)

    assert place.find(place.cookie()) is None
    assert near._by_id == {}


@pytest.mark.parametrize(
    ("kind", "cache", "is_own", "is_complete"),
    [
        (FotoWebASGIMiddleware, "memory://", True, True),
        (FotoWebWSGIMiddleware, "memory://", True, True),
        (FotoWebASGIMiddleware, "memory://", False, False),
        (FotoWebWSGIMiddleware, "memory://", False, False),
        (FotoWebASGIMiddleware, "sqlite", True, False),
        (FotoWebWSGIMiddleware, "sqlite", True, False),
    ],
)
def test_whose_cache_it_is(kind: Any, cache: str, is_own: bool, is_complete: bool, tmp_path: Path) -> None:
    """Only a memory of the door's own is known to be filled by it alone; several doors may share what is handed in."""
    given = app_settings(cache=f"sqlite:///{tmp_path}/sessions.db" if cache == "sqlite" else cache)
    memory = MemoryCache(10)
    handed_in = InlineFace(memory) if kind is FotoWebASGIMiddleware else memory

    door = kind(None, given) if is_own else kind(None, given, cache=handed_in)

    assert door._gate.site.near.is_complete == is_complete


@pytest.mark.parametrize("beside", ["", "a=1; "])
def test_a_new_cookie_where_there_is_no_room_for_it(beside: str) -> None:
    """A crowd's cookies that are new are left to the stages, and known ones are not."""
    place = Place({**USUAL, "beside": beside}, can_peek=True)
    shortcut = Shortcut(place.site, lambda: False)
    asked = ("GET", "", "/x", "/x", place.cookie(), shortcut.https_names)

    assert (shortcut.find(*asked), place.find(asked[4]) is not None, shortcut.find(*asked) is not None) == (
        None,
        True,
        True,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"in_cache": 2},
        {"in_cache": "tombstone"},
        {"in_memory": 2},
        {"in_memory": "buried"},
        {"cookie": "handle"},
        {"cookie": "first format"},
        {"cookie": "garbage"},
        {"cookie": "altered"},
        {"age_seconds": LIFETIME_SECONDS},
        {"age_seconds": 600, "session_idle": 600.0},
        {"age_seconds": -90_000},
        {"method": "POST"},
    ],
)
def test_left_to_the_stages(changes: dict[str, Any]) -> None:
    """Where there is anything to weigh, the stages weigh it; nothing is held meanwhile."""
    place = Place({**USUAL, **changes}, can_peek=True)
    before = dict(place.site.near._by_id)

    assert place.find(place.cookie()) is None
    assert (dict(place.site.near._by_id), dict(place.site.near.by_identity)) == (before, {})


def test_the_first_format_is_no_session() -> None:
    """A cookie that holds JSON, as the first ones did, is no session: its browser is sent to the login."""
    place = Place({**USUAL, "cookie": "first format"}, can_peek=True)

    decision = place.decide(place.cookie())

    assert (decision.reason, decision.status) == (Reason.LOGIN_STARTED, 302)


class Derived(MemoryCache):
    """A cache of somebody's own, which may do anything."""


def test_only_memory_is_looked_into() -> None:
    """A cache that may keep anybody waiting is never looked into at once."""
    memory = MemoryCache(10)
    assert (peek_of(memory) == memory.load, peek_of(InlineFace(memory)) == memory.load) == (True, True)
    assert peek_of(OffloadedFace(memory)) is None
    assert peek_of(Derived(10)) is None
