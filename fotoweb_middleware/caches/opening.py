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

LOGGER = logging.getLogger("fotoweb_middleware.caches")


def open_cache(settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> Cache:
    """Return the blocking face of the server cache that the settings name.

    Raises:
        SettingsError: This release can't open it.
    """
    scheme = settings.cache.partition("://")[0]
    if scheme == "local":
        tell_that_local_is_memory()
    elif scheme != "memory":
        msg = (
            f"FOTOWEB_CACHE holds {scheme}://…, which this release can't open yet. "
            "It accepts memory:// and local://. Leave the variable out to use local://."
        )
        raise SettingsError(msg)
    return MemoryCache(settings.cache_size, monotonic)


def open_async_cache(settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> AsyncCache:
    """Return the awaitable face of the server cache that the settings name.

    Raises:
        SettingsError: This release can't open it.
    """
    return InlineFace(open_cache(settings, monotonic=monotonic))


@functools.cache
def tell_that_local_is_memory() -> None:
    """Say once in this process that ``local://`` is not shared between processes yet."""
    LOGGER.warning(
        "FOTOWEB_CACHE is local://, which this release keeps in the memory of each process. "
        "Run one worker process: another worker does not see a logout, and may refresh the same token at once. "
        "A restart forgets logouts too. Set FOTOWEB_CACHE=memory:// if you know that, and this line goes away."
    )
