"""``local://``: where the file lies that all processes of this user on this machine share.

The temporary directory belongs to everybody, so nothing found there is believed: the folder and each file must be
ours, of the right kind, and out of reach of others. As OpenSSH does, the way to the folder is checked too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.caches.sqlite_files import LOCK_SUFFIX, SIDE_SUFFIXES

__all__ = ["FolderUnsafe", "find_local_path", "open_local_cache"]

FOLDER_NAME = "fotoweb-middleware"
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
ANYTHING_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
IDENTITY_DIGITS = 32


class FolderUnsafe(OSError):
    """Somebody else could read or plant the cache's files."""


def open_local_cache(identity: str, **options: Any) -> SqliteCache | None:
    """Open the cache that all processes of this user share, or return None where no safe file can be made.

    Args:
        identity: What makes one configuration: processes share a file only where it is the same. Only its hash is seen.
        options: As for ``SqliteCache``.
    """
    path = find_local_path(identity)
    if path is None:
        return None
    # The folder may be removed while we run; it is checked again whenever a file is opened.
    return SqliteCache(path, ready_folder=partial(ready_folder, path), **options)


def find_local_path(identity: str) -> Path | None:
    """Return the file for one configuration, in a folder that is ours alone, or None where there is no safe one.

    The folder is made where it is missing, and its mode mended where it is ours. The file need not be there.

    Args:
        identity: What makes one configuration; only its hash is seen.
    """
    if not hasattr(os, "geteuid"):  # Windows: owners and modes mean something else there.
        return None
    name = hashlib.sha256(identity.encode()).hexdigest()[:IDENTITY_DIGITS]
    for folder in candidate_folders():
        path = folder / f"{name}.sqlite"
        with contextlib.suppress(OSError):
            ready_folder(path)
            return path
    return None


def candidate_folders() -> Iterator[Path]:
    """Return where the folder may lie, best first. The runtime directory is the user's own and ends with the session.

    Source: XDG Base Directory Specification 0.8, XDG_RUNTIME_DIR: absolute, owned by the user, mode 0700.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):  # noqa: PTH117 (an empty string is no path)
        yield Path(os.path.realpath(runtime)) / FOLDER_NAME
    import tempfile  # noqa: PLC0415 (it is dear to import, and seldom needed where there is a runtime directory)

    yield Path(os.path.realpath(tempfile.gettempdir())) / f"{FOLDER_NAME}-{os.geteuid()}"


def ready_folder(path: Path) -> None:
    """Make or mend the folder of ``path``, and check it and the files of this cache.

    Every step but the first goes by the open folder, so that nobody can swap it in between.

    Raises:
        FolderUnsafe: Somebody else could read, replace or plant something.
        OSError: It can't be made or written to.
    """
    check_way(path.parent.parent)
    with opened_folder(path.parent) as folder:
        check_folder(folder)
        for suffix in ("", LOCK_SUFFIX, *SIDE_SUFFIXES):
            check_file(folder, path.name + suffix)
        # Whether we may write here is best asked by writing. Nobody holds SQLite's kind of lock on this file.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(path.name + LOCK_SUFFIX, flags, 0o600, dir_fd=folder))


def check_way(parent: Path) -> None:
    """Check that nobody but root and us can rename what lies in ``parent``, nor ``parent`` itself, and so on up."""
    for folder in (parent, *parent.parents):
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {0, os.geteuid()}:
            raise FolderUnsafe(f"{folder} belongs to somebody else")
        if status.st_mode & OTHERS_MAY_WRITE and not status.st_mode & stat.S_ISVTX:
            raise FolderUnsafe(f"others may rename what lies in {folder}")


@contextlib.contextmanager
def opened_folder(path: Path) -> Iterator[int]:
    """Open a folder, made where it is missing, and hand out its descriptor; a link is not followed."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)


def check_folder(folder: int) -> None:
    """Check that the folder is ours, and close it to others."""
    status = os.fstat(folder)
    if status.st_uid != os.geteuid():
        raise FolderUnsafe("the folder belongs to somebody else")
    if stat.S_IMODE(status.st_mode) != 0o700:
        os.fchmod(folder, 0o700)


def check_file(folder: int, name: str) -> None:
    """Check that what lies under the name, if anything, is a plain file of ours with no second name."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
        raise FolderUnsafe(f"{name} was put there by somebody else")
    if status.st_mode & ANYTHING_FOR_OTHERS:
        os.chmod(name, 0o600, dir_fd=folder)  # It can't become a link now: the folder is closed to others.
