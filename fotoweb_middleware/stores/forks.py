"""One hook for forks (``gunicorn --preload``, uWSGI, multiprocessing).

A child has a copy of all memory, but of all threads only the one that forked. A lock that another thread held is then
locked for ever, and what that thread was changing stays half changed. So a registered object gets new locks in the
child; where it must be whole in the child, it also has ``before_fork`` and ``after_fork_in_parent`` and holds its
locks in between.

While it holds them, an object must not wait for another registered one: that could be held already.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol, runtime_checkable

__all__ = ["ForkAware", "HeldOverForks", "register"]


class ForkAware(Protocol):
    """Something that must know of forks. It is held weakly, by its identity, so it must be hashable."""

    def after_fork_in_child(self) -> None:
        """Replace every lock, and forget what belongs to the parent."""


@runtime_checkable
class HeldOverForks(ForkAware, Protocol):
    """Something that must not be in the middle of a change while the process forks."""

    def before_fork(self) -> None:
        """Wait until no other thread is at work, for a second or so at most, and let none begin."""

    def after_fork_in_parent(self) -> None:
        """Let work begin again; also called after a fork that failed."""


_registered: weakref.WeakSet[ForkAware] = weakref.WeakSet()
_lock = threading.RLock()  # Two threads that fork at once take turns.


def register(thing: ForkAware) -> None:
    """Tell ``thing`` of every fork, as long as it lives."""
    with _lock:
        _registered.add(thing)


def _before() -> None:
    _lock.acquire()
    for thing in list(_registered):
        if isinstance(thing, HeldOverForks):
            thing.before_fork()


def _after_in_parent() -> None:
    for thing in list(_registered):
        if isinstance(thing, HeldOverForks):
            thing.after_fork_in_parent()
    _lock.release()


def _after_in_child() -> None:
    global _lock  # noqa: PLW0603 (the parent's lock may be held by a thread that is not here)
    _lock = threading.RLock()
    for thing in list(_registered):
        thing.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # Windows knows no forks.
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
