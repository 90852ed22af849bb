"""What tests fork can't hold up the run: a child that stayed would keep pytest waiting for ever at its end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

import pytest

from tests.drivers import forking


def hang_on_a_lock() -> None:
    """Wait for a lock that nobody will free, as a child does whose parent's other thread held it."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def raise_as_pytest_timeout(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Raise from the handler of SIGALRM."""
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def other_handler() -> Iterator[None]:
    """Have pytest-timeout's handler stand in the way."""
    before = signal.signal(signal.SIGALRM, raise_as_pytest_timeout)
    yield
    signal.signal(signal.SIGALRM, before)


def give_children(monkeypatch: pytest.MonkeyPatch, alarm_seconds: float, margin_seconds: float) -> None:
    """Set when a child's own alarm rings, and how much later its parent kills it."""
    monkeypatch.setattr(forking, "CHILD_SECONDS", alarm_seconds)
    monkeypatch.setattr(forking, "MARGIN_SECONDS", margin_seconds)


def test_child_that_hangs(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """It is killed, and tells where it waited."""
    give_children(monkeypatch, 1, 30)  # Both would be over at once where the machine stands still for longer.
    code = forking.exit_code(forking.fork_off(hang_on_a_lock))
    assert (code, "in hang_on_a_lock" in capfd.readouterr().err) == (-signal.SIGALRM, True)


def test_child_ends_past_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage puts itself before ``os._exit``, with locks that know no forks: a child does not wait for them."""
    give_children(monkeypatch, 20, 2)
    monkeypatch.setattr(os, "_exit", lambda _code: hang_on_a_lock())
    assert forking.exit_code(forking.fork_off(lambda: None)) == 0


def test_child_that_never_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that hangs before it could set its alarm is killed by its parent."""
    give_children(monkeypatch, 1, 1)
    monkeypatch.setattr(forking, "live_as_child", lambda _work: hang_on_a_lock())
    assert forking.exit_code(forking.fork_off(lambda: None)) == -signal.SIGKILL
