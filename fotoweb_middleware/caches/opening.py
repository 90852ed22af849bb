"""From ``FOTOWEB_CACHE`` to a cache."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable

from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.protocol import AsyncCache, Cache
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import Settings

__all__ = ["open_async_cache", "open_cache"]

NAMESPACE = "fotoweb"
"""Stands before our keys in a Redis that others use too; the keys themselves tell one app's from another's."""

REDIS_SCHEMES = frozenset({"redis", "rediss"})
LOGGER = logging.getLogger("fotoweb_middleware.caches")


def open_cache(settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> Cache:
    """Return the blocking face of the server cache that the settings name.

    Raises:
        SettingsError: This release can't open it.
    """
    scheme = settings.cache.partition("://")[0]
    if scheme in REDIS_SCHEMES:
        from fotoweb_middleware.caches.redis import RedisCache  # noqa: PLC0415 (redis-py is an extra)

        return RedisCache(settings.cache, namespace=NAMESPACE)
    if scheme == "local":
        tell_that_local_is_memory()
    elif scheme != "memory":
        msg = (
            f"FOTOWEB_CACHE holds {scheme}://…, which this release can't open yet. "
            "It accepts memory://, local://, redis:// and rediss://. Leave the variable out to use local://."
        )
        raise SettingsError(msg)
    return MemoryCache(settings.cache_size, monotonic)


def open_async_cache(settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> AsyncCache:
    """Return the awaitable face of the server cache that the settings name.

    Raises:
        SettingsError: This release can't open it.
    """
    if settings.cache.partition("://")[0] in REDIS_SCHEMES:
        from fotoweb_middleware.caches.redis import AsyncRedisCache  # noqa: PLC0415 (redis-py is an extra)

        return AsyncRedisCache(settings.cache, namespace=NAMESPACE)
    return InlineFace(open_cache(settings, monotonic=monotonic))


@functools.cache
def tell_that_local_is_memory() -> None:
    """Say once in this process that ``local://`` is not shared between processes yet."""
    LOGGER.warning(
        "FOTOWEB_CACHE is local://, which this release keeps in the memory of each process. Run one worker process, "
        "or set it to a Redis: else another worker does not see a logout, and may refresh the same token at once. "
        "A restart forgets logouts too. FOTOWEB_CACHE=memory:// says that you know, and this line goes away."
    )
