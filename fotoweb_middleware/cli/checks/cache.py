"""Checks the server cache with one entry of its own: write, read, bury; and with a lease on it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from fotoweb_middleware.caches.protocol import Cache, SaveOutcome, Stored
from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.errors import CacheUnavailable, SettingsError
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.cache_address import mask_cache_address

__all__ = ["check_cache", "try_cache"]

_SECONDS = 10
"""How long the entry may stay behind where it can't be removed."""


def check_cache(settings: Settings) -> list[Finding]:
    """Open the cache of the settings and try it."""
    from fotoweb_middleware.caches.opening import open_cache  # noqa: PLC0415 (opens nothing until it is needed)

    place = mask_cache_address(settings.cache)
    if is_root() and is_file_to_make(settings.cache):
        return [_not_made(place)]
    try:
        cache = open_cache(settings)
    except SettingsError as error:
        return [bad(f"The cache {place} can't be opened.", str(error))]
    except CacheUnavailable as error:
        return [_unavailable(place, error)]
    try:
        found = [try_cache(cache, place)]
    finally:
        cache.close()
    return [*found, _OF_ROOT] if is_root() and place == "local://" else found


def is_root() -> bool:
    """Return whether the check runs as root, who sees other files than the app does and may do more."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def is_file_to_make(cache: str) -> bool:
    """Return whether the cache is a SQLite file that is not there yet, in a folder that is."""
    path = Path(cache.removeprefix("sqlite:///"))
    return cache.startswith("sqlite:///") and path.parent.is_dir() and not path.exists()


def try_cache(cache: Cache, place: str) -> Finding:
    """Take and give up a lease on a random key; write, read and bury one entry under it."""
    key, value = f"check-{secrets.token_urlsafe(16)}", secrets.token_bytes(16)
    try:
        agrees = grants_one_lease(cache, key)
        outcome = cache.save(key, value, version=1, ttl_seconds=_SECONDS, create=True)
        saved = cache.load(key)
        cache.bury(key, ttl_seconds=_SECONDS)
        buried = cache.load(key)
    except CacheUnavailable as error:
        return _unavailable(place, error)
    if not agrees:
        return bad(
            f"The cache {place} does not keep two processes from the same refresh.",
            "Does it drop entries (eviction), or is it a cache of your own? Then run CacheContract on it.",
        )
    if outcome is not SaveOutcome.SAVED or saved != Stored(value, 1):
        return bad(
            f"The cache {place} lost an entry right after it was written.", "Is it full, or a read-only replica?"
        )
    if buried != Stored(None, 0):
        return bad(f"The cache {place} did not keep a logout.", "Does it drop entries (eviction) or is it a replica?")
    what = f"The cache {place} writes, reads and remembers logouts"
    if cache.shared:
        return ok(f"{what}; several processes share it.")
    if place == "local://":
        return warn(
            f"{what}, but in this process's memory: there is no safe folder for its file.",
            "Set FOTOWEB_CACHE=sqlite:////a/folder/of/yours/sessions.db, or run one process and set memory://.",
        )
    return ok(f"{what}; this process alone sees it.")


def grants_one_lease(cache: Cache, key: str) -> bool:
    """Return whether a lease is given to one at a time, and to the next once it is given up."""
    first = cache.take_lease(key, ttl_seconds=_SECONDS)
    while_held = cache.take_lease(key, ttl_seconds=_SECONDS)
    if first is None or while_held is not None:
        return False
    cache.free_lease(first)
    after = cache.take_lease(key, ttl_seconds=_SECONDS)
    if after is not None:
        cache.free_lease(after)
    return after is not None


_OF_ROOT = warn(
    "The check runs as root, whose file of local:// is another one than that of other users.",
    "Where the app runs as somebody else, run the check as that user, with the app's environment.",
)


def _not_made(place: str) -> Finding:
    return warn(
        f"The cache {place} was not tried: there is no file yet, and one that root makes is closed to other users.",
        "Run the check as the user that runs the app, or once the app has made the file.",
    )


def _unavailable(place: str, error: CacheUnavailable) -> Finding:
    mend = "Does it run, is the address right, and may this machine reach it? Is its password right?"
    if not place.startswith("redis"):
        mend = (
            "May this user write the file and its folder? Is the disk full? Does another process hold the file, such "
            "as a backup or a sqlite3 shell?"
        )
    elif "(ACL)" in str(error):
        mend = "Give this user all the permissions that docs/how-to/share-sessions-with-redis.md names."
    return bad(f"The cache {place} does not answer: {str(error).removesuffix('.')}.", mend)
