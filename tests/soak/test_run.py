"""The soak itself: it runs, and finds what it looks for. ``make soak`` runs it for long."""

from __future__ import annotations

import threading

import pytest

from tests.attacks.raw_client import RawReply
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.faults.workers import Workers
from tests.soak.meter import (
    MOST_FILES_A_MINUTE,
    MOST_KIB_A_MINUTE,
    SHORTEST_SECONDS,
    Meter,
    Sample,
    judgement,
    slope,
)
from tests.soak.run import soak, told_of
from tests.soak.users import User


def test_a_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten people behind both doors, tokens of two seconds and a FotoWeb that fails: nothing is broken (T-RL-07)."""
    code = soak(6, people=10)

    said = capsys.readouterr().out
    assert (code, "\n0 breaks\n" in said) == (0, True), said
    assert [said.count(word) for word in ("RSS", "gunicorn, 3 workers", "uvicorn, 2 workers")] == [2, 1, 1]
    assert "are not judged" in said


@pytest.mark.parametrize(
    ("status", "body", "broken"),
    [
        (500, b"", ["I1"]),
        (0, b"", ["I1"]),
        (200, b'{"token": "at.u999.1.x"}', ["I2"]),
        (200, b'{"token": null}', ["I2"]),
        (503, b"", []),
    ],
    ids=["500", "no answer", "another's token", "no token", "503"],
)
def test_breaks_are_found(status: int, body: bytes, broken: list[str]) -> None:
    """An unhandled error, a dropped request and a token of somebody else's are breaks; a 503 is none."""
    with Workers("gunicorn", 1) as group, ScriptedFotoWeb() as fotoweb:
        user = User([group], fotoweb, threading.Event())
        user._noted(RawReply("GET /", status, (), body, 0.1))

        assert [one[:2] for one in told_of([user], [group], fotoweb)] == broken


def test_slope_of_a_leak() -> None:
    """A growth of 3 each minute is told as 3."""
    minutes = [number / 10 for number in range(50)]
    assert slope(minutes, [100 + 3 * minute for minute in minutes]) == pytest.approx(3)


def meter_of(kib_a_minute: float, files_a_minute: float) -> Meter:
    """Return the samples of ten minutes: growth, a warm-up of 50 MB and 40 files before it, and some noise."""
    meter = Meter("workers", list)
    for number in range(60):
        minute, noise = number / 6, (-1) ** number
        warm = min(1.0, number / 15)
        kib = 100_000 + 50_000 * warm + kib_a_minute * minute + 200 * noise
        meter.samples.append(
            Sample(minute * 60, int(kib * 1024), int(80 + 40 * warm + files_a_minute * minute + noise))
        )
    return meter


@pytest.mark.parametrize(
    ("kib", "files", "found"),
    [
        (0, 0, []),
        (MOST_KIB_A_MINUTE * 0.9, MOST_FILES_A_MINUTE * 0.9, []),
        (-1000, -1000, []),
        (MOST_KIB_A_MINUTE * 1.1, 0, ["memory"]),
        (0, MOST_FILES_A_MINUTE * 1.1, ["open files"]),
        (1000, 10, ["memory", "open files"]),
    ],
)
def test_what_goes_on_growing_is_found(kib: float, files: float, found: list[str]) -> None:
    """Growth beyond a limit after the warm-up is a break; what fills up first is none (T-RL-07)."""
    said, grown = judgement([meter_of(kib, files)], SHORTEST_SECONDS)

    assert "are judged" in said
    assert [words in one for words, one in zip(found, grown, strict=True)] == [True] * len(found)


def test_a_short_run_is_not_judged() -> None:
    """Before ten minutes are over nothing is said of growth."""
    assert judgement([meter_of(1000, 10)], SHORTEST_SECONDS - 1)[1] == []
