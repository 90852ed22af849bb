"""A look at the cache that a site has opened: which calls it gets, what lies in it, and work to do before a call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import anyio.to_thread

from fotoweb_middleware.caches.protocol import Stored
from tests.behaviour.kit import AsgiDoor, Visited

__all__ = ["SAVE_UNDER_LEASE", "Watched", "cache_of", "stored_session", "watch"]

CALLS = ("load", "save", "bury", "take_lease", "free_lease")
SAVE_UNDER_LEASE = "save under a lease"
"""What a refresh writes down is called so; every other save is called "save"."""


class Watched:
    """Stands before a cache, by whichever face.

    Args:
        cache: The cache.
        awaits: Whether its face is the awaitable one.
    """

    def __init__(self, cache: Any, *, awaits: bool) -> None:
        self._cache = cache
        self._awaits = awaits
        self._work: dict[str, Callable[[], object]] = {}
        self._changed = threading.Condition()
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        """Return what the cache has under this name; calls are counted."""
        real = getattr(self._cache, name)
        if name not in CALLS:
            return real

        def call(*args: Any, **more: Any) -> Any:
            self._begin(name, more)()
            return real(*args, **more)

        async def call_and_wait(*args: Any, **more: Any) -> Any:
            await anyio.to_thread.run_sync(self._begin(name, more))
            return await real(*args, **more)

        return call_and_wait if self._awaits else call

    def before(self, name: str, work: Callable[[], object]) -> None:
        """Do some work before the next call of this name."""
        self._work[name] = work

    def wait_for(self, name: str) -> bool:
        """Wait until there was a call of this name."""
        with self._changed:
            return self._changed.wait_for(lambda: name in self.calls, timeout=20)

    def _begin(self, name: str, arguments: dict[str, Any]) -> Callable[[], object]:
        if arguments.get("lease") is not None:
            name = SAVE_UNDER_LEASE
        with self._changed:
            self.calls.append(name)
            self._changed.notify_all()
        return self._work.pop(name, lambda: None)


def watch(site: Visited) -> Watched:
    """Watch the cache of a site from now on."""
    watched = Watched(cache_of(site), awaits=isinstance(site.door, AsgiDoor))
    site.middleware._driver._cache = watched
    return watched


def cache_of(site: Visited) -> Any:
    """Return the cache that a site has opened."""
    return site.middleware._driver._cache


def stored_session(site: Visited) -> Stored | None:
    """Return what the cache holds of the one session that this process ever knew."""
    inside = site.middleware._gate.site
    (session_id,) = {*inside.near._by_id, *inside.near._tombstones}
    key = inside.cache_key("session", session_id)
    load = cache_of(site).load
    stored: Stored | None = site.door.portal.call(load, key) if isinstance(site.door, AsgiDoor) else load(key)
    return stored
