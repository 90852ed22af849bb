"""The log is told once of a trouble and once of its end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fotoweb_middleware.caches.reports import Reports
from fotoweb_middleware.testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock to turn."""
    return FakeClock()


@pytest.fixture
def reports(clock: FakeClock) -> Reports:
    """Return reports of a Redis that has answered before."""
    reports = Reports("Redis at cache.example:6379/0", monotonic=clock)
    reports.answered("load")
    return reports


def test_outage(reports: Reports, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """However many calls fail: a line when it begins, a line when it is over, with how long it took."""
    for _ in range(100):
        reports.out_of_reach("no answer in time", has_mend=False)
    clock.advance(12.34)
    for _ in range(100):
        reports.answered("load")
    first, last = caplog.messages
    assert first == (
        "Redis at cache.example:6379/0 is out of reach: no answer in time. Until it is back, sealed sessions go on "
        "from their cookies, reference sessions get 503. It is asked again by itself."
    )
    assert last == "Redis at cache.example:6379/0 is back after 12.3 s."


def test_second_outage(reports: Reports, caplog: pytest.LogCaptureFixture) -> None:
    """The next outage is told of again."""
    for _ in range(2):
        reports.out_of_reach("no answer in time", has_mend=False)
        reports.answered("load")
    assert len(caplog.messages) == 4


def test_another_cause(reports: Reports, caplog: pytest.LogCaptureFixture) -> None:
    """A cause that turns up later is told of once, where somebody must mend it, and not where it passes by itself."""
    reports.out_of_reach("no answer in time", has_mend=False)
    for cause, has_mend in [("Connection refused", False), ("wrong password", True), ("wrong password", True)]:
        reports.out_of_reach(cause, has_mend=has_mend)
    assert caplog.messages[1:] == [
        "Redis at cache.example:6379/0 is still out of reach, now for another reason: wrong password."
    ]


def test_never_answered(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """What never answered may be something else: the line says what to look at, and not where it answered before."""
    reports = Reports("Redis at h:1/0", never_answered=" Is it redis:// or rediss://?", monotonic=clock)
    for _ in range(2):
        reports.out_of_reach("no answer in time", has_mend=False)
        reports.answered("load")
    assert ["redis:// or rediss://?" in line for line in caplog.messages] == [True, False, False, False]


def test_refusal(reports: Reports, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal is told of once, and its end when the call that was refused works again; others say nothing of it."""
    for name in ("save", "bury", "save"):
        reports.refused(name, "its memory is full (maxmemory)")
        reports.answered("load")
    clock.advance(3)
    reports.answered("save")
    first, last = caplog.messages
    assert first == (
        "Redis at cache.example:6379/0: save is refused: its memory is full (maxmemory). Until that is mended, logouts "
        "and refreshes may not reach the other processes."
    )
    assert last == "Redis at cache.example:6379/0: save works again after 3.0 s."


def test_many_threads(reports: Reports, caplog: pytest.LogCaptureFixture) -> None:
    """Of many threads that see the same failure at the same moment one tells."""
    start = threading.Barrier(50)

    def fail() -> None:
        start.wait()
        reports.out_of_reach("no answer in time", has_mend=False)

    with ThreadPoolExecutor(50) as pool:
        for _ in range(50):
            pool.submit(fail)
    assert len(caplog.messages) == 1


def test_levels(reports: Reports, caplog: pytest.LogCaptureFixture) -> None:
    """All lines are warnings, which Python shows by itself: the end must be seen where the beginning was."""
    reports.out_of_reach("no answer in time", has_mend=False)
    reports.answered("load")
    reports.refused("save", "full")
    reports.answered("save")
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_ever_new_causes(reports: Reports, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever gives each refusal another reason fills neither the log nor the memory."""
    for number in range(1000):
        reports.refused("load", f"it refuses ({number})")
        reports.out_of_reach(f"reason {number}", has_mend=True)
    assert len(caplog.messages) <= 40
