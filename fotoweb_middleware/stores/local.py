"""``local://``: where the file lies that all processes of this user on this machine share.

The temporary directory belongs to everybody, so nothing found there is believed: the folder and each file must be
ours, of the right kind, and out of reach of others. As OpenSSH does, the way to the folder is checked too.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from fotoweb_middleware.stores.sqlite import LOCK_SUFFIX, SIDE_SUFFIXES, SqliteStore

__all__ = ["FolderUnsafe", "find_local_path", "open_local_store"]

LOGGER = logging.getLogger("fotoweb_middleware")

FOLDER_NAME = "fotoweb-middleware"
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
ANYTHING_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class FolderUnsafe(OSError):
    """Somebody else could read or plant the store's files."""


def open_local_store(
    identity: str, *, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
) -> SqliteStore | None:
    """Open the store that all processes of this user share, or return None where no safe file can be made.

    Args:
        identity: What makes one configuration: processes share a file only where it is the same. Only its hash is seen.
        clock: As for ``SqliteStore``.
        monotonic: As for ``SqliteStore``.
    """
    path = find_local_path(identity)
    if path is None:
        return None
    # The folder may be removed while we run; it is checked again whenever a file is opened.
    return SqliteStore(path, clock=clock, monotonic=monotonic, check_files=partial(prepare_folder, path))


def find_local_path(identity: str) -> Path | None:
    """Return the file for one configuration, in a folder that is ours alone, or None where there is no safe one.

    The folder is made where it is missing, and closed to others where it is ours. The file need not be there.
    The log is told where it is not the first choice: other processes must make the same choice.

    Args:
        identity: What makes one configuration; only its hash is seen.
    """
    if not hasattr(os, "geteuid"):  # Windows: owners and modes mean something else there.
        return None
    name = f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.sqlite"
    passed_over: OSError | None = None
    for folder in candidate_folders():
        path = folder / name
        try:
            prepare_folder(path)
        except OSError as error:
            passed_over = passed_over or error
            continue
        if passed_over is not None:
            level = logging.WARNING if isinstance(passed_over, FolderUnsafe) else logging.INFO
            LOGGER.log(
                level, "local:// keeps its file at %s, since its usual place can't be used: %s", path, passed_over
            )
        return path
    return None


def candidate_folders() -> Iterator[Path]:
    """Return where the folder may lie, best first.

    The runtime directory is the user's own and ends with the session. In the temporary directory somebody else may have
    taken our name first: then the user's own directories follow.

    Source: XDG Base Directory Specification 0.8: absolute paths; what is missing is made with mode 0700.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):  # noqa: PTH117 (an empty string is no path)
        yield Path(os.path.realpath(runtime)) / FOLDER_NAME
    with contextlib.suppress(FileNotFoundError):  # A container may have no temporary directory at all.
        yield Path(os.path.realpath(tempfile.gettempdir())) / f"{FOLDER_NAME}-{os.geteuid()}"
    homes = [os.environ.get("XDG_STATE_HOME", "")]
    home = os.path.expanduser("~")  # noqa: PTH111 (Path.expanduser raises where there is no home)
    if os.path.isdir(home):  # noqa: PTH112
        homes += [f"{home}/.local/state", f"{home}/.cache"]
    for parent in homes:
        if os.path.isabs(parent):  # noqa: PTH117
            with contextlib.suppress(OSError):
                Path(parent).mkdir(mode=0o700, parents=True, exist_ok=True)
            yield Path(os.path.realpath(parent)) / FOLDER_NAME


def prepare_folder(path: Path) -> None:
    """Make the folder of ``path`` where it is missing, and check it and the files of this store.

    Every step but the first goes by the open folder, so that nobody can swap it in between.

    Raises:
        FolderUnsafe: Somebody else could read, replace or plant something.
        OSError: It can't be made or written to.
    """
    check_way(path.parent.parent)
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(mode=0o700)
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError:
        raise FolderUnsafe(f"{path.parent} is no folder") from None
    try:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid():
            raise FolderUnsafe(f"{path.parent} belongs to somebody else")
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(folder, 0o700)
        for suffix in ("", LOCK_SUFFIX, *SIDE_SUFFIXES):
            check_file(folder, path.name + suffix)
        # Whether we may write here is best asked by writing. Nobody holds SQLite's kind of lock on this file.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(path.name + LOCK_SUFFIX, flags, 0o600, dir_fd=folder))
    finally:
        os.close(folder)


def check_way(parent: Path) -> None:
    """Check that nobody but root and us can rename what lies in ``parent``, nor ``parent`` itself, and so on up."""
    for folder in (parent, *parent.parents):
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {0, os.geteuid()}:
            raise FolderUnsafe(f"{folder} belongs to somebody else")
        if status.st_mode & OTHERS_MAY_WRITE and not status.st_mode & stat.S_ISVTX:
            raise FolderUnsafe(f"others may rename what lies in {folder}")


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
