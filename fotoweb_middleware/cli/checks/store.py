"""Checks the session store with one entry of its own: write, read and revoke it, and lock its key."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.errors import SettingsError, StoreUnavailable
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.rules import mask_cache_address
from fotoweb_middleware.stores import SaveOutcome, Store, StoredEntry, open_store

TTL_SECONDS = 10
"""How long the entry may stay where it can't be removed."""


def check_store(settings: Settings) -> list[Finding]:
    """Open the store of the settings and try it."""
    place = mask_cache_address(settings.cache)
    if would_be_roots_file(settings.cache):
        return [warn(f"The session store {place} was not tried, since this is root.", "Run this as the app's user.")]
    try:
        store = open_store(settings, clock=time.time, monotonic=time.monotonic)
    except SettingsError as error:
        return [bad(f"The session store {place} can't be opened.", str(error))]
    except StoreUnavailable as error:
        return [unavailable(place, error)]
    try:
        return [try_store(store, place)]
    finally:
        store.close()


def would_be_roots_file(address: str) -> bool:
    """Return whether a SQLite file would be made here as root's own, which the app, as another user, then refuses."""
    path = Path(address.removeprefix("sqlite:///")).absolute()
    if not address.startswith("sqlite:") or path.exists() or not hasattr(os, "geteuid"):
        return False
    return os.geteuid() == 0 and path.parent.stat().st_uid != 0


def try_store(store: Store, place: str) -> Finding:
    """Lock a random key and release it; write, read and revoke one entry under it."""
    key, value = f"check-{secrets.token_urlsafe(16)}", secrets.token_bytes(16)
    try:
        locks = locks_once(store, key)
        outcome = store.save(key, value, version=1, ttl_seconds=TTL_SECONDS, create=True)
        saved = store.load(key)
        store.revoke(key, ttl_seconds=TTL_SECONDS)
        revoked = store.load(key)
    except StoreUnavailable as error:
        return unavailable(place, error)
    if not locks:
        return bad(
            f"The session store {place} does not keep two processes from the same refresh.",
            "Does it drop entries (eviction), or is it a store of your own? Then run StoreContract on it.",
        )
    if outcome is not SaveOutcome.SAVED or saved != StoredEntry(value, 1):
        return bad(
            f"The session store {place} lost an entry right after it was written.",
            "Is it full, or a read-only replica?",
        )
    if revoked is None or not revoked.is_revoked:
        return bad(
            f"The session store {place} did not keep a logout.", "Does it drop entries (eviction) or is it a replica?"
        )
    what = f"The session store {place} writes, reads and remembers logouts"
    if store.shared:
        return ok(f"{what}; several processes share it.")
    if place == "local://":
        return warn(
            f"{what}, but in this process's memory: there is no safe folder for its file.",
            "Set FOTOWEB_CACHE=sqlite:////a/folder/of/yours/sessions.db, or run one process and set memory://.",
        )
    return ok(f"{what}; only this process sees it.")


def locks_once(store: Store, key: str) -> bool:
    """Return whether one at a time gets the lock, and the next one once it is released."""
    first = store.acquire_lock(key, ttl_seconds=TTL_SECONDS)
    while_held = store.acquire_lock(key, ttl_seconds=TTL_SECONDS)
    if first is None or while_held is not None:
        return False
    store.release_lock(first)
    after = store.acquire_lock(key, ttl_seconds=TTL_SECONDS)
    if after is not None:
        store.release_lock(after)
    return after is not None


def unavailable(place: str, error: StoreUnavailable) -> Finding:
    """Say what to do where the store did not answer."""
    hint = "Does it run, is the address right, and may this machine reach it? Is its password right?"
    if not place.startswith("redis"):
        hint = (
            "May this user write the file and its folder? Is the disk full? Does another process hold the file, such "
            "as a backup or a sqlite3 shell?"
        )
    elif "(ACL)" in str(error):
        hint = "Give this user all the permissions that docs/how-to/share-sessions-with-redis.md names."
    return bad(f"The session store {place} does not answer: {str(error).removesuffix('.')}.", hint)
