"""Checks the session store with one entry of its own: write, read and revoke it, and lock its key."""

from __future__ import annotations

import errno
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import Final

from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.errors import SettingsError, StoreUnavailable, chain_of
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.cache_address import mask_cache_address
from fotoweb_middleware.stores import SaveOutcome, SqliteStore, Store, StoredEntry, open_store
from fotoweb_middleware.stores.local import candidates

TTL_SECONDS = 10
"""How long the entry may stay where it can't be removed."""
PROBE_BYTES = 64 * 1024
"""What a SQLite file needs at least, with those beside it."""
SHARE_HINT: Final = (
    "Set FOTOWEB_CACHE=sqlite:////a/folder/of/yours/sessions.db or redis://, or run one process and set memory://."
)
# Why a file can't be written, by the system's own word, as a part of a sentence; and what to do.
FOLDER_CAUSES: Final = {
    errno.ENOENT: ("its folder {folder} is not there", "Make the folder, as the user that runs the app."),
    errno.ENOTDIR: ("{folder} is not a folder", "Correct FOTOWEB_CACHE."),
    errno.EACCES: (
        "this user (uid {uid}) is not allowed to write to {folder}",
        "Run `chown {uid} {folder}`, or name another one.",
    ),
    errno.EPERM: (
        "this user (uid {uid}) is not allowed to write to {folder}",
        "Run `chown {uid} {folder}`, or name another one.",
    ),
    errno.EROFS: ("{folder} is on a read-only file system", "Name a file on a volume that can be written to."),
    errno.ENOSPC: ("the disk of {folder} is full", "Make room there, or name a file on another disk."),
    errno.EDQUOT: ("this user's quota on the disk of {folder} is used up", "Raise it, or make room."),
    errno.EFBIG: ("this process may not write files of that size (ulimit -f)", "Raise the limit."),
}


def check_store(settings: Settings) -> list[Finding]:
    """Open the store of the settings and try it."""
    place, is_redis = mask_cache_address(settings.cache), settings.cache.startswith("redis")
    if would_be_roots_file(settings.cache):
        return [warn(f"The session store {place} was not tried, because you are root.", "Run this as the app's user.")]
    try:
        store = open_store(settings, clock=time.time, monotonic=time.monotonic)
    except SettingsError as error:
        return [bad(f"The session store {place} can't be opened: {error}", "Correct FOTOWEB_CACHE.")]
    except StoreUnavailable as error:
        return [unavailable(error, is_redis=is_redis)]
    path = store.path if isinstance(store, SqliteStore) else None
    if path is not None and place == "local://":
        place = f"local:// (the file {path})"
    try:
        finding = try_store(store, place)
    except StoreUnavailable as error:
        return [unavailable(error, is_redis=is_redis, path=path)]
    finally:
        store.close()
    if finding.level == "ok" and settings.cache.startswith("local:"):
        return [judge_local(finding, is_shared=store.shared)]
    return [finding]


def would_be_roots_file(address: str) -> bool:
    """Return whether a SQLite file would be made here as root's own, which the app, as another user, then refuses."""
    path = Path(address.removeprefix("sqlite:///")).absolute()
    if not address.startswith("sqlite:") or path.exists() or not hasattr(os, "geteuid"):
        return False
    return os.geteuid() == 0 and path.parent.exists() and path.parent.stat().st_uid != 0


def try_store(store: Store, place: str) -> Finding:
    """Lock a random key and release it; write, read and revoke one entry under it.

    Raises:
        StoreUnavailable: It did not answer, or not in time.
    """
    key, value = f"check-{secrets.token_urlsafe(16)}", secrets.token_bytes(16)
    locks = locks_once(store, key)
    outcome = store.save(key, value, version=1, ttl_seconds=TTL_SECONDS, create=True)
    saved = store.load(key)
    store.revoke(key, ttl_seconds=TTL_SECONDS)
    revoked = store.load(key)
    if not locks:
        return bad(
            f"The session store {place} does not stop two processes from refreshing one token at once.",
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
    reach = "several processes share it" if store.shared else "only this process sees it"
    return ok(f"The session store {place} writes, reads and remembers logouts; {reach}.")


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


def judge_local(finding: Finding, *, is_shared: bool) -> Finding:
    """Say where ``local://``, though it works, shares less than an operator may believe."""
    if not is_shared:
        return warn(
            f"The session store local:// has no place for its file ({why_no_place()}): each process keeps its sessions "
            "and logouts to itself.",
            SHARE_HINT,
        )
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return warn(
            "The session store is local:// in a Kubernetes pod: pods don't see each other's logouts and refreshes.\n"
            f"{finding.what}",
            "Several replicas: set FOTOWEB_CACHE to the address of a Redis. One replica alone: name a file, "
            "sqlite:////a/folder/of/yours/sessions.db.",
        )
    return finding


def why_no_place() -> str:
    """Say what became of the folders that ``local://`` looks at, as a part of a sentence."""
    if not hasattr(os, "geteuid"):
        return "there is none on Windows"
    try:
        temporary = f"{tempfile.gettempdir()} is not safe"
    except FileNotFoundError:
        temporary = "no temporary folder can be written to"
    others = [parent for parent, name in candidates() if name == "fotoweb-middleware"]
    if not others:
        return f"{temporary}, and there is no home"
    return f"{temporary}; {' and '.join(others)} can't be used either"


def unavailable(error: StoreUnavailable, *, is_redis: bool, path: Path | None = None) -> Finding:
    """Say what to do where the store did not answer. A Redis says it itself, as ``place: cause; what to do``."""
    if path is not None and (cause := why_not_writable(path, error)) is not None:
        return cause
    said = str(error).removesuffix(".")
    if is_redis:
        said, _, fix = said.partition("; ")
        hint = f"{fix[:1].upper()}{fix[1:]}." if fix else "Look into its log."
        if "(ACL)" in said:
            hint = "Give this user all the permissions that docs/how-to/share-sessions-with-redis.md names."
    else:
        hint = "Has another process locked it, such as a backup or a sqlite3 shell? Is the disk a local one?"
    return bad(f"The session store can't be used: {said}.", hint)


def why_not_writable(path: Path, error: StoreUnavailable) -> Finding | None:
    """Say what the system has against the SQLite file; None where it has nothing."""
    cause = refusal_of_system(path) or next((link for link in chain_of(error) if isinstance(link, OSError)), None)
    if cause is None or cause.errno not in FOLDER_CAUSES:
        return None
    words, hint = FOLDER_CAUSES[cause.errno]
    uid = str(os.geteuid()) if hasattr(os, "geteuid") else "its account"
    folder = path if cause.filename == str(path) else path.parent
    what = f"The session store's file {path} can't be used: {words.format(folder=folder, uid=uid)}."
    return bad(what, hint.format(folder=folder, uid=uid))


def refusal_of_system(path: Path) -> OSError | None:
    """Write something beside the file, open the file, and return what the system refuses; None where it does not."""
    try:
        with tempfile.TemporaryFile(dir=path.parent) as probe:
            probe.write(bytes(PROBE_BYTES))
        if path.exists():
            os.close(os.open(path, os.O_RDWR))
    except OSError as error:
        return error
    return None
