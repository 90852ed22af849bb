"""``local://``: where the file lies that all processes of this user on this machine share.

The temporary directory belongs to everybody, so nothing found there is believed: the folder and each file must be
ours, of the right kind, and out of reach of others. As OpenSSH does, the way to the folder is checked too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from fotoweb_middleware.log import LOGGER
from fotoweb_middleware.stores.sqlite import SIDE_SUFFIXES, SqliteStore


def open_local_store(
    identity: str, *, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
) -> SqliteStore | None:
    """Open the store that all processes of this user share, or return None where there is no safe place for its file.

    The log is told where the place is not the usual one: other processes must find the same. Processes share a file
    where ``identity`` is the same; only its hash is seen.
    """
    if not hasattr(os, "geteuid"):  # Windows: owners and modes mean something else there.
        return None
    passed_over: OSError | None = None
    for parent, name in candidates():
        path = Path(os.path.realpath(parent)) / name / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.sqlite"
        try:
            prepare_folder(path)
        except OSError as error:
            passed_over = passed_over or error
            continue
        if passed_over is not None:
            LOGGER.warning("local:// keeps its file at %s, since its usual place can't be used: %s", path, passed_over)
        # The folder may be removed while we run; it is checked again whenever a file is opened.
        return SqliteStore(path, clock=clock, monotonic=monotonic, check_files=partial(prepare_folder, path))
    return None


def candidates() -> Iterator[tuple[str, str]]:
    """Return where the folder may lie, best first, and its name there.

    The runtime directory is the user's own and ends with the session. In the temporary directory somebody else may have
    taken our name first: then the user's own directories follow.

    Source: XDG Base Directory Specification 0.8: only absolute paths count.
    """
    runtime, state = os.environ.get("XDG_RUNTIME_DIR", ""), os.environ.get("XDG_STATE_HOME", "")
    if runtime.startswith("/"):
        yield runtime, "fotoweb-middleware"
    with contextlib.suppress(FileNotFoundError):  # A container may have no temporary directory at all.
        yield tempfile.gettempdir(), f"fotoweb-middleware-{os.geteuid()}"
    home = os.path.expanduser("~")  # noqa: PTH111 (Path.expanduser raises where there is no home)
    own = [f"{home}/.local/state", f"{home}/.cache"] if os.path.isdir(home) else []  # noqa: PTH112
    for parent in [state, *own]:
        if parent.startswith("/"):
            with contextlib.suppress(OSError):
                Path(parent).mkdir(mode=0o700, parents=True, exist_ok=True)
            yield parent, "fotoweb-middleware"


def prepare_folder(path: Path) -> None:
    """Make the folder of ``path`` where it is missing, close it to others, and check it and the files of this store.

    Every step but the first goes by the open folder, so that nobody can swap it in between.

    Raises:
        PermissionError: Somebody else could read, replace or plant something.
        OSError: It can't be made or written to.
    """
    check_way(path.parent.parent)
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(mode=0o700)
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError:
        raise PermissionError(f"{path.parent} is no folder") from None
    try:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid():
            raise PermissionError(f"{path.parent} belongs to somebody else")
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(folder, 0o700)
        for suffix in ("", *SIDE_SUFFIXES):
            check_file(folder, path.name + suffix)
        if not os.access(".", os.W_OK, dir_fd=folder):
            raise PermissionError(f"{path.parent} can't be written to")
    finally:
        os.close(folder)


def check_way(parent: Path) -> None:
    """Check that nobody but root and us can rename what lies in ``parent``, nor ``parent`` itself, and so on up."""
    for folder in (parent, *parent.parents):
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {0, os.geteuid()}:
            raise PermissionError(f"{folder} belongs to somebody else")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX:
            raise PermissionError(f"others may rename what lies in {folder}")


def check_file(folder: int, name: str) -> None:
    """Check that what lies under the name, if anything, is a plain file of ours with no second name."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
        raise PermissionError(f"{name} was put there by somebody else")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        os.chmod(name, 0o600, dir_fd=folder)  # It can't become a link now: the folder is closed to others.
