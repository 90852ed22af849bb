"""Forks a child that does some work; one that hangs is killed, so that it holds up no run of the tests."""

from __future__ import annotations

import os
import posix
import select
import signal
import sys
import traceback
from collections.abc import Callable

__all__ = ["exit_code", "fork_off", "run_forked"]

CHILD_SECONDS = 30


def fork_off(work: Callable[[], object]) -> int:
    """Fork a child that does ``work``, and return its number; it ends with 0 where nothing was raised."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(CHILD_SECONDS)
        work()
        code = 0
    except BaseException:  # noqa: BLE001 (a child that went on into pytest would run the other tests again)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        posix._exit(code)  # ``os._exit`` is coverage's own, which writes first, with locks that know no forks.


def exit_code(child: int) -> int:
    """Wait for the end of a child and return its code, or minus the signal that killed it."""
    watched = os.pidfd_open(child)
    if not select.select([watched], [], [], CHILD_SECONDS + 2)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(watched)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_forked(work: Callable[[], object]) -> int:
    """Do ``work`` in a child and return how it ended."""
    return exit_code(fork_off(work))
