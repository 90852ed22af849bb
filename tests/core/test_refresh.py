"""A refresh, step by step: what the store answers when its result is saved, and what may fail around it."""

from __future__ import annotations

import json
from concurrent.futures import Executor, Future
from typing import Any

import httpx
import pytest

from fotoweb_middleware.context import Context
from fotoweb_middleware.records import load_newest, save_record, session_key
from fotoweb_middleware.refresh import Ended, NotNow, Refresher, RefreshResult, Usable, refresh
from fotoweb_middleware.session import SessionRecord, TokenSet
from fotoweb_middleware.session_cache import CachedSession
from fotoweb_middleware.stores.memory import MemoryStore
from fotoweb_middleware.testing import FakeClock
from tests.behaviour.kit import InlineExecutor
from tests.behaviour.watched import SAVE_UNDER_LOCK, WatchedStore
from tests.core.samples import NOW, a_record, a_settings

NEW_TOKENS = {"access_token": "access-2", "token_type": "bearer", "expires_in": 3600, "refresh_token": "refresh-2"}
EXPIRED = TokenSet("access-1", "refresh-1", NOW - 3600, NOW - 1)


class Site:
    """One process with a store, and a FotoWeb that always has new tokens.

    Attributes:
        context: The process's.
        asked: The bodies of the calls to FotoWeb.
    """

    def __init__(self, *, cookie_mode: str = "sealed", executor: Executor | None = None) -> None:
        clock = FakeClock(NOW)
        self.asked: list[str] = []
        self.store = WatchedStore(MemoryStore(100, clock), shared=True)
        self.context = Context(
            a_settings(cookie_mode=cookie_mode),
            store=self.store,
            transport=httpx.MockTransport(self._answer),
            executor=executor or InlineExecutor(),
            max_slow_waiters=4,
            clock=clock,
            monotonic=clock,
            entropy=lambda count: b"\1" * count,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.read().decode())
        return httpx.Response(200, content=json.dumps(NEW_TOKENS))

    def session(self, **changes: Any) -> CachedSession:
        """Return a session with an expired token, which the store knows."""
        record: SessionRecord = a_record(**{"tokens": EXPIRED, **changes})
        save_record(self.context, record, create=True)
        cached = self.context.session_cache.adopt(record)
        assert cached is not None
        return cached


@pytest.fixture
def site() -> Site:
    """Return one."""
    return Site()


def access_token(result: RefreshResult) -> str:
    """Return the token that may be used now."""
    assert isinstance(result, Usable)
    return result.cached.record.tokens.access_token


def test_result_is_saved_before_the_lock_is_released(site: Site) -> None:
    """The lock, the newest version, FotoWeb, the result, and only then the lock again."""
    result = refresh(site.context, site.session())

    assert access_token(result) == "access-2"
    calls = [call for call in site.store.calls if call != "save"]
    assert calls == ["acquire_lock", "load", SAVE_UNDER_LOCK, "release_lock"]


def test_newer_result_of_somebody_else(site: Site) -> None:
    """Where a newer version was saved meanwhile, that one is used."""
    cached = site.session()
    theirs = a_record(version=3_000_000, tokens=TokenSet("access-3", "refresh-3", NOW, NOW + 3600))
    site.store.before(SAVE_UNDER_LOCK, lambda: save_record(site.context, theirs, create=True))

    assert access_token(refresh(site.context, cached)) == "access-3"


def test_logout_meanwhile(site: Site) -> None:
    """A logout that came during the call wins."""
    cached = site.session()
    key = session_key(site.context, cached.record.session_id)
    site.store.before(SAVE_UNDER_LOCK, lambda: site.store.revoke(key, ttl_seconds=60))

    assert refresh(site.context, cached) == Ended()
    assert site.context.session_cache.is_revoked(cached.record.session_id)


def test_newer_version_with_the_same_tokens(site: Site) -> None:
    """Ours are the only tokens that FotoWeb still takes: they are used, and saved as soon as that works."""
    cached = site.session()
    theirs = a_record(version=3_000_000, tokens=EXPIRED)
    site.store.before(SAVE_UNDER_LOCK, lambda: save_record(site.context, theirs, create=True))

    assert access_token(refresh(site.context, cached)) == "access-2"


def test_entry_that_is_gone_in_reference_mode() -> None:
    """Where the store alone carries a session, and has lost it, a refresh creates nothing."""
    site = Site(cookie_mode="reference")
    cached = site.session()
    key = session_key(site.context, cached.record.session_id)
    site.store.before(SAVE_UNDER_LOCK, site.store._store._entries.clear)  # type: ignore[attr-defined]

    assert refresh(site.context, cached) == Ended()
    assert site.store.load(key) is None


def test_lock_that_somebody_else_holds(site: Site) -> None:
    """A token that is still valid is left to whoever holds the lock, at once; FotoWeb is not asked."""
    cached = site.session(tokens=TokenSet("access-1", "refresh-1", NOW - 3590, NOW + 10))
    site.store.acquire_lock(session_key(site.context, cached.record.session_id), ttl_seconds=60)

    assert refresh(site.context, cached) == NotNow(1.0)
    assert site.asked == []


def test_lock_whose_release_failed(site: Site) -> None:
    """Where the store went away during the call, the lock is released as soon as the result could be saved."""
    cached = site.session()
    session_id = cached.record.session_id

    def go_down() -> None:
        site.store.is_down = True

    site.store.before(SAVE_UNDER_LOCK, go_down)
    assert access_token(refresh(site.context, cached)) == "access-2"
    site.store.is_down = False
    key = session_key(site.context, session_id)
    was_held = site.store.acquire_lock(key, ttl_seconds=60) is None
    load_newest(site.context, session_id, cached.record)

    assert (was_held, site.store.acquire_lock(key, ttl_seconds=60) is not None) == (True, True)


class Closed(Executor):
    """What an executor is when its process ends."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Take no work."""
        raise RuntimeError("cannot schedule new futures after shutdown")


def test_process_that_ends() -> None:
    """Where no new work is taken any more, whoever waits is told to try again."""
    site = Site(executor=Closed())
    cached = site.session()

    assert Refresher(site.context).start(cached).result(0) == NotNow(1.0)


def test_fault_of_ours(site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A fault in the refresh itself leaves nobody waiting, and is in the log; the next request tries again."""
    refresher, cached = Refresher(site.context), site.session()
    with monkeypatch.context() as broken:
        broken.setattr("fotoweb_middleware.refresh.exchange", lambda *_: 1 / 0)
        assert refresher.start(cached).result(0) == NotNow(1.0)

    assert "the next request tries again" in caplog.text
    assert access_token(refresher.start(cached).result(0)) == "access-2"
