"""From ``FOTOWEB_CACHE`` to a cache.

Each kind is imported where it is chosen: redis-py is an extra, and an app waits for no kind that it does not use.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from pathlib import Path

from fotoweb_middleware.caches.protocol import AsyncCache, Cache, Stored
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import Settings

__all__ = ["open_async_cache", "open_cache", "peek_of"]

NAMESPACE = "fotoweb"
"""Stands before our keys in a Redis that others use too; the keys themselves tell one app's from another's."""

Clock = Callable[[], float]
REDIS_SCHEMES = frozenset({"redis", "rediss"})

STANDBY_WAIT_SECONDS = 0.25
STANDBY_PATIENCE_SECONDS = 0.5
"""How long the file beside a Redis may keep anybody waiting: the Redis alone is enough."""

LOGGER = logging.getLogger("fotoweb_middleware.caches")


def open_cache(settings: Settings, *, clock: Clock = time.time, monotonic: Clock = time.monotonic) -> Cache:
    """Return the blocking face of the server cache that the settings name.

    Args:
        settings: Of the wrapped app.
        clock: Epoch seconds.
        monotonic: Seconds of a clock that never jumps; the same for all processes of the machine.

    Raises:
        SettingsError: redis-py is missing, or the folder of the file is.
    """
    scheme = settings.cache.partition("://")[0]
    if scheme in REDIS_SCHEMES:
        from fotoweb_middleware.caches.redis import RedisCache
        from fotoweb_middleware.caches.standby import StandbyCache

        redis = RedisCache(settings.cache, namespace=NAMESPACE)
        standby = open_standby(settings, clock=clock, monotonic=monotonic)
        return StandbyCache(redis, standby) if standby is not None else redis
    if scheme == "sqlite":
        from fotoweb_middleware.caches.sqlite import SqliteCache

        return SqliteCache(file_of(settings.cache), clock=clock, monotonic=monotonic)
    if scheme == "local":
        from fotoweb_middleware.caches.local import open_local_cache

        local = open_local_cache(identity_of(settings), clock=clock, monotonic=monotonic)
        if local is not None:
            return local
        tell_that_local_is_memory()
    from fotoweb_middleware.caches.memory import MemoryCache

    return MemoryCache(settings.cache_size, monotonic)


def open_async_cache(settings: Settings, *, clock: Clock = time.time, monotonic: Clock = time.monotonic) -> AsyncCache:
    """Return the awaitable face of the server cache that the settings name.

    Args and errors are those of ``open_cache``.
    """
    if settings.cache.partition("://")[0] in REDIS_SCHEMES:
        from fotoweb_middleware.caches.offloaded import OffloadedFace
        from fotoweb_middleware.caches.redis import AsyncRedisCache
        from fotoweb_middleware.caches.standby import AsyncStandbyCache

        redis = AsyncRedisCache(settings.cache, namespace=NAMESPACE)
        standby = open_standby(settings, clock=clock, monotonic=monotonic)
        if standby is None:
            return redis
        return AsyncStandbyCache(redis, OffloadedFace(standby, patience_seconds=STANDBY_PATIENCE_SECONDS))
    cache = open_cache(settings, clock=clock, monotonic=monotonic)
    if cache.shared:
        from fotoweb_middleware.caches.offloaded import OffloadedFace

        return OffloadedFace(cache)
    from fotoweb_middleware.caches.faces import InlineFace

    return InlineFace(cache)


def peek_of(cache: Cache | AsyncCache) -> Callable[[str], Stored | None] | None:
    """Return what looks into a cache and never waits; None where that may take time, for a file or a network."""
    if cache.shared:
        return None
    from fotoweb_middleware.caches.memory import MemoryCache

    if type(cache) is MemoryCache:  # What derives from it may do anything.
        return cache.load
    from fotoweb_middleware.caches.faces import InlineFace

    return peek_of(cache.inner) if isinstance(cache, InlineFace) else None


def open_standby(settings: Settings, *, clock: Clock, monotonic: Clock) -> Cache | None:
    """Return the file of this machine that stands beside a Redis, or None where there is no safe place for it.

    In reference mode there is none: the Redis alone decides who is logged in, and emptying it logs everybody out.
    """
    if settings.cookie_mode == "reference":
        return None
    from fotoweb_middleware.caches.local import open_local_cache

    return open_local_cache(
        identity_of(settings), busy_timeout_seconds=STANDBY_WAIT_SECONDS, clock=clock, monotonic=monotonic
    )


def file_of(address: str) -> Path:
    """Return the file that ``sqlite:///relative.db`` or ``sqlite:////absolute.db`` names.

    Raises:
        SettingsError: Its folder is not there.
    """
    path = Path(address.removeprefix("sqlite:///")).absolute()
    if not path.parent.is_dir():
        raise SettingsError(
            f"FOTOWEB_CACHE holds {address}, and there is no folder {path.parent}. Make it, writable for the user that "
            "runs the app, or leave the variable out: local:// finds a place by itself."
        )
    return path


def identity_of(settings: Settings) -> str:
    """Return what tells one configuration from another on this machine: site and client.

    The keys are not in it: while one is changed, old and new processes have to agree (ADR 0031).
    """
    return f"{settings.url}\n{settings.client_id}"


@functools.cache
def tell_that_local_is_memory() -> None:
    """Say once in this process that ``local://`` found no safe place for its file."""
    LOGGER.warning(
        "FOTOWEB_CACHE is local://, but neither the runtime directory nor the temporary directory has a safe place for "
        "its file, so this process keeps what it knows to itself. With several worker processes, logouts are not seen "
        "by the others and refreshes may collide: set FOTOWEB_CACHE=sqlite:////a/folder/of/yours/sessions.db, or use "
        "one process. FOTOWEB_CACHE=memory:// says that you know, and this line goes away."
    )
