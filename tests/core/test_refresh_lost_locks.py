"""Locks that a process gave up on, since the store did not answer: they keep nobody waiting once it answers again."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from fotoweb_middleware.context import Context
from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.records import save_record, session_key
from fotoweb_middleware.refresh import RefreshResult, Usable, refresh
from fotoweb_middleware.session import SessionRecord, TokenSet
from fotoweb_middleware.session_cache import CachedSession
from fotoweb_middleware.stores.base import StoreLock
from fotoweb_middleware.stores.memory import MemoryStore
from fotoweb_middleware.testing import FakeClock
from tests.behaviour.kit import InlineExecutor
from tests.core.samples import NOW, a_record, a_settings

TOKEN_SECONDS = 30
OUTAGE_SECONDS = 10


class Hanging(MemoryStore):
    """A store that, while it hangs, grants locks without an answer, and gets no releases.

    Attributes:
        hangs: Whether it does.
    """

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(100, clock)
        self.hangs = False

    def acquire_lock(self, key: str, **options: Any) -> StoreLock | None:
        """Grant it, and say so or not."""
        lock = super().acquire_lock(key, **options)
        self._answer()
        return lock

    def release_lock(self, lock: StoreLock) -> None:
        """Release it, or fail."""
        self._answer()
        super().release_lock(lock)

    def _answer(self) -> None:
        if self.hangs:
            raise StoreUnavailable("no answer in time")


class Process:
    """A process of an app, and a FotoWeb that always has new tokens for it.

    Args:
        store: What it shares with others.
        clock: Everybody's.

    Attributes:
        hangs_when_asked: Whether the store begins to hang while FotoWeb is asked.
    """

    def __init__(self, store: Hanging, clock: FakeClock) -> None:
        self.store = store
        self.hangs_when_asked = False
        self.context = Context(
            a_settings(cookie_mode="reference", http_timeout=0.2),
            store=store,
            transport=httpx.MockTransport(self._answer),
            executor=InlineExecutor(),
            max_slow_waiters=4,
            clock=clock,
            monotonic=clock,
            entropy=lambda count: b"\1" * count,
        )

    def _answer(self, _request: httpx.Request) -> httpx.Response:
        self.store.hangs = self.hangs_when_asked
        tokens = {"access_token": "access-2", "refresh_token": "refresh-2"}
        return httpx.Response(200, content=json.dumps({**tokens, "token_type": "bearer", "expires_in": TOKEN_SECONDS}))

    def adopt(self, record: SessionRecord) -> CachedSession:
        """Let it know a session."""
        cached = self.context.session_cache.adopt(record)
        assert cached is not None
        return cached

    def works_again(self) -> None:
        """Let the store answer again, and the process see it at the next session that it refreshes."""
        self.store.hangs = False
        lock = self.context.store.acquire_lock("another session", ttl_seconds=5)
        assert lock is not None
        self.context.store.release_lock(lock)


@pytest.fixture
def clock() -> FakeClock:
    """Return everybody's clock."""
    return FakeClock(NOW)


@pytest.fixture
def processes(clock: FakeClock) -> tuple[Process, Process]:
    """Return two processes that share a store."""
    store = Hanging(clock)
    store.shared = True
    return Process(store, clock), Process(store, clock)


@pytest.fixture
def expired(processes: tuple[Process, Process]) -> SessionRecord:
    """Return a session with an expired token, which the store knows."""
    record = a_record(tokens=TokenSet("access-1", "refresh-1", NOW - TOKEN_SECONDS, NOW - 1))
    save_record(processes[0].context, record, create=True)
    return record


def is_usable(result: RefreshResult) -> bool:
    """Return whether a request can be served with it."""
    return isinstance(result, Usable)


def test_lock_without_an_answer(processes: tuple[Process, Process], expired: SessionRecord, clock: FakeClock) -> None:
    """A process whose lock was granted while it no longer waited ends that lock when it tries again."""
    here, _ = processes
    cached = here.adopt(expired)
    here.store.hangs = True
    during = refresh(here.context, cached)
    clock.advance(OUTAGE_SECONDS)
    during_again = refresh(here.context, cached)
    here.store.hangs = False
    clock.advance(0.1)

    assert [is_usable(result) for result in (during, during_again)] == [False, False]
    assert is_usable(refresh(here.context, cached))


def test_lock_without_an_answer_and_another_process(processes: tuple[Process, Process], expired: SessionRecord) -> None:
    """Another process gets the lock as soon as the one that gave up finds that the store works again."""
    here, elsewhere = processes
    here.store.hangs = True
    refresh(here.context, here.adopt(expired))
    here.works_again()

    assert is_usable(refresh(elsewhere.context, elsewhere.adopt(expired)))


def test_release_without_an_answer(processes: tuple[Process, Process], expired: SessionRecord) -> None:
    """A lock that could not be released is released as soon as its holder finds that the store works again."""
    here, elsewhere = processes
    here.hangs_when_asked = True
    first = refresh(here.context, here.adopt(expired))
    here.works_again()

    assert is_usable(first)
    assert elsewhere.context.store.acquire_lock(session_key(elsewhere.context, "session-1"), ttl_seconds=5) is not None
