"""What is done right before and after a fork; that it helps is shown in ``tests/drivers/test_forks.py``."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import pytest

from fotoweb_middleware.caches import forks
from fotoweb_middleware.caches.forks import Forks


class Thing:
    """Something that notes what it is told."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.told: list[bool] = []

    def start_anew(self, *, whole: bool) -> None:
        """Note it."""
        self.told.append(whole)


def test_locked_during_a_fork_and_free_after_it() -> None:
    """All locks are held while the process forks, and free in the parent afterwards, as after a fork that failed."""
    own, things = Forks(), [Thing(), Thing()]
    for thing in things:
        own.keep(thing)
    own.before()
    during = [thing.lock.locked() for thing in things]
    own.in_parent()
    assert (during, [thing.lock.locked() for thing in things]) == ([True, True], [False, False])


def test_child_is_told_what_is_whole() -> None:
    """What was held is whole."""
    own, thing = Forks(), Thing()
    own.keep(thing)
    own.before()
    own.in_child()
    assert thing.told == [True]


def test_server_that_told_nothing_before_the_fork() -> None:
    """Where only the child's hook runs, as under some servers in C, nothing counts as whole."""
    own, thing = Forks(), Thing()
    own.keep(thing)
    own.in_child()
    assert thing.told == [False]


def test_second_fork_waits_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork in another thread begins when the first is over, and with all locks."""
    monkeypatch.setattr(forks, "PATIENCE_SECONDS", 60)
    own, thing = Forks(), Thing()
    own.keep(thing)
    own.before()
    second = threading.Thread(target=own.before, daemon=True)
    second.start()
    second.join(0.1)
    was_waiting = second.is_alive()
    own.in_parent()
    second.join(10)
    assert (was_waiting, second.is_alive(), own._held) == (True, False, [[thing]])


def test_hooks_of_connections_come_first() -> None:
    """SQLite's hook may wait for calls; what was imported later does so before our locks are taken, and not under them.

    Python calls hooks before a fork from the last to the first (documentation of ``os.register_at_fork``).
    """
    imported = list(sys.modules)
    assert imported.index("fotoweb_middleware.caches.forks") < imported.index(
        "fotoweb_middleware.caches.sqlite_connections"
    )


def test_nothing_kept_alive() -> None:
    """What nobody uses any more goes away."""
    own, thing = Forks(), Thing()
    own.keep(thing)
    gone = weakref.ref(thing)
    del thing
    gc.collect()
    own.before()
    own.in_parent()
    assert gone() is None
