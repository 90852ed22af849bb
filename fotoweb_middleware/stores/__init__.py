"""Session stores: where all processes of an app find a session's newest version, who refreshes it, and logouts."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.log import LOGGER
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry, StoreLock
from fotoweb_middleware.stores.local import open_local_store
from fotoweb_middleware.stores.memory import MemoryStore
from fotoweb_middleware.stores.sqlite import SIDE_SUFFIXES, SqliteStore

__all__ = ["MemoryStore", "SaveOutcome", "SqliteStore", "Store", "StoreLock", "StoredEntry", "open_store"]


def open_store(settings: Settings, *, clock: Callable[[], float], monotonic: Callable[[], float]) -> Store:
    """Return the store that ``FOTOWEB_CACHE`` names. Nothing is connected to before the first call.

    Raises:
        SettingsError: The SQLite file can't be used safely, or Redis not with these options.
    """
    scheme = settings.cache.partition(":")[0]
    if scheme.startswith("redis"):
        from fotoweb_middleware.stores.redis import RedisStore  # noqa: PLC0415 (redis-py is an extra)

        return RedisStore(settings.cache, monotonic=monotonic)
    if scheme == "sqlite":
        path = Path(settings.cache.removeprefix("sqlite:///")).absolute()
        try:
            refuse_files_of_others(path)
        except OSError as error:
            raise SettingsError(f"FOTOWEB_CACHE holds {settings.cache}, and {error}") from None
        return SqliteStore(path, clock=clock, monotonic=monotonic, check_files=partial(refuse_files_of_others, path))
    if scheme == "local":
        # Keys are not part of what makes a configuration: while one is changed, old and new processes have to agree.
        local = open_local_store(f"{settings.url}\n{settings.client_id}", clock=clock, monotonic=monotonic)
        if local is not None:
            return local
        LOGGER.warning(
            "FOTOWEB_CACHE is local://, but there is no safe place for its file: neither in the runtime directory, the "
            "temporary directory, nor the home directory of this user. So this process keeps what it knows to itself. "
            "With several worker processes, logouts are not seen by the others and refreshes may collide: set "
            "FOTOWEB_CACHE=sqlite:////a/folder/of/yours/sessions.db, or use one process and set memory://."
        )
    return MemoryStore(settings.cache_size, monotonic)


def refuse_files_of_others(path: Path) -> None:
    """Check that nobody else can write the files of ``sqlite:///path``. A group of this process's own may.

    Raises:
        PermissionError: Somebody else can; the message is a part of a sentence, and says what to do.
    """
    if not hasattr(os, "geteuid"):  # Windows: owners and modes mean something else there.
        return
    for name in (str(path), *(f"{os.path.realpath(path)}{suffix}" for suffix in SIDE_SUFFIXES)):
        try:
            status = os.stat(name)  # noqa: PTH116 (a string)
        except FileNotFoundError:
            continue
        if status.st_uid != os.geteuid():
            raise PermissionError(
                f"{name} belongs to another user (uid {status.st_uid}), who could change what is stored there. Run the "
                f"app as that user, give the file to this one (chown {os.geteuid()}), or name another file."
            )
        is_foreign_group = status.st_gid not in {os.getegid(), *os.getgroups()}
        if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and is_foreign_group):
            raise PermissionError(f"other users may write to {name}. Close it to them: chmod 600 {name}")
