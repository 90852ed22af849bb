"""Trials that fork: each in a fresh process of its own, so that no thread and no lock of pytest's is in it."""

from __future__ import annotations

import faulthandler
import os
import posix
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from tests.providers.uncovered import run_uncovered

__all__ = ["exit_code", "fork_off", "forked", "insist", "repeated_elsewhere", "run_trial"]

TRIAL_SECONDS = 50
CHILD_SECONDS = 30
"""A child that hangs does so for ever; one that works takes milliseconds."""
MARGIN_SECONDS = 2


def run_trial(trial: Callable[..., None], *arguments: str, timeout_seconds: float = TRIAL_SECONDS) -> None:
    """Run a function in a process of its own; what it prints is shown where it fails.

    Coverage does not look on: it has locks of its own that know no forks, and a child that ends while another thread
    of its parent held one of them would hang.
    """
    code = f"import {trial.__module__} as trials; trials.{trial.__name__}(*{arguments!r})"
    run_uncovered("-c", code, timeout_seconds=timeout_seconds)


def insist(*facts: bool) -> None:
    """Fail where one is not so, also in a child, where pytest does not explain."""
    if not all(facts):
        raise AssertionError(facts)


def forked(work: Callable[[], object]) -> None:
    """Fork and do ``work`` in the child; fail where it raises or hangs."""
    code = exit_code(fork_off(work))
    assert code == 0, "the child hung" if code == -signal.SIGALRM else f"the child ended with {code}"


def fork_off(work: Callable[[], object]) -> int:
    """Fork a child that does ``work``, and return its number; it ends with 0 where nothing was raised."""
    child = os.fork()
    if child == 0:
        live_as_child(work)
    return child


def live_as_child(work: Callable[[], object]) -> NoReturn:
    """Do ``work`` and end: a child that went on into pytest, or hung, would hold up the whole run at its end."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # pytest-timeout's raises, and might do so on the way out, below.
    faulthandler.register(signal.SIGALRM, file=2, chain=True)  # Tells where we waited, before it kills us.
    signal.alarm(CHILD_SECONDS)
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 (see above)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        posix._exit(code)  # ``os._exit`` is coverage's own, which writes first, with locks that know no forks.


def exit_code(child: int) -> int:
    """Wait for the end of a child and return its code, or minus the signal that killed it.

    One that hangs before it could set its own alarm, in a hook that runs after forks, is killed too.
    """
    watched = os.pidfd_open(child)
    if not select.select([watched], [], [], CHILD_SECONDS + MARGIN_SECONDS)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(watched)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def repeated_elsewhere(*works: Callable[[], object]) -> Iterator[None]:
    """Do each work again and again, in a thread of its own."""
    stop = threading.Event()

    def repeat(work: Callable[[], object]) -> None:
        while not stop.is_set():
            work()

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
