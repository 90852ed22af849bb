"""Work in a forked process: it sees everything that was imported, and nothing that it breaks comes back."""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST_MEMORY_BYTES = 6 * 1024**3
"""A mutant may ask for memory without end."""


@dataclass(frozen=True)
class Came:
    """What came of a fork: a result, or none since it ran too long or died."""

    result: Any = None
    is_late: bool = False
    is_dead: bool = False


def in_child(work: Callable[[], Any], limit_seconds: float | None = None) -> Came:
    """Run ``work`` in a forked process and return what it returned.

    Args:
        work: Its result must be picklable.
        limit_seconds: How long it may take; then it is killed, with every process that it started in its group.

    Raises:
        RuntimeError: ``work`` raised something.
    """
    with tempfile.TemporaryFile() as told:
        child = os.fork()
        if child == 0:
            _live_as_child(work, told.fileno())
        is_late = not _has_ended_within(child, limit_seconds)
        _kill_group(child)
        os.waitpid(child, 0)
        told.seek(0)
        answer = told.read()
    if is_late:
        return Came(is_late=True)
    if not answer:
        return Came(is_dead=True)
    result, trouble = pickle.loads(answer)  # noqa: S301 (written by our own child)
    if trouble:
        raise RuntimeError(trouble)
    return Came(result)


def _live_as_child(work: Callable[[], Any], told: int) -> None:
    """Do the work, tell the result, and end without any of the parent's ends."""
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
        try:
            answer = (work(), "")
        except Exception:  # noqa: BLE001 (it is raised again in the parent)
            answer = (None, traceback.format_exc())
        with os.fdopen(told, "wb") as file:
            file.write(pickle.dumps(answer))
    finally:
        os._exit(0)


def _has_ended_within(child: int, limit_seconds: float | None) -> bool:
    watched = os.pidfd_open(child)
    try:
        return bool(select.select([watched], [], [], limit_seconds)[0])
    finally:
        os.close(watched)


def _kill_group(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # It ended, and nobody of its group is left.
        return
