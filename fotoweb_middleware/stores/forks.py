"""One hook for forks (``gunicorn --preload``, uWSGI, multiprocessing).

A child has a copy of all memory, but of all threads only the one that forked. A lock that another thread held stays
locked for ever there, and what that thread was changing stays half changed. So a registered object gets new locks in
the child (``after_fork_in_child``), and forgets what may be half changed or belongs to the parent.

What must not be in use while the process forks also has ``before_fork``, which waits a second or so at most until no
other thread is at work and lets none begin, and ``after_fork_in_parent``, which lets work begin again.

Servers written in C may fork past Python's hooks. They do so before any request, when nothing is open yet.
"""

from __future__ import annotations

import os
import weakref
from functools import partial

_registered: list[weakref.ref[object]] = []


def register(thing: object) -> None:
    """Tell ``thing`` of every fork, as long as it lives."""
    _registered.append(weakref.ref(thing, _registered.remove))


def _tell(method: str) -> None:
    for reference in _registered.copy():
        call = getattr(reference(), method, None)
        if call is not None:
            call()


if hasattr(os, "register_at_fork"):  # Windows knows no forks.
    os.register_at_fork(
        before=partial(_tell, "before_fork"),
        after_in_parent=partial(_tell, "after_fork_in_parent"),
        after_in_child=partial(_tell, "after_fork_in_child"),
    )
