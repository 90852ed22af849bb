"""What stands in the terminal where the demo was started."""

from __future__ import annotations

import logging

import pytest

from fotoweb_middleware.demo import terminal
from fotoweb_middleware.demo.pages import time_of_day
from tests.demo.samples import refresh_line

LOGGER = logging.getLogger("fotoweb_middleware")


def test_lines_of_the_middleware_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    """With the time of day, and moments as such too."""
    with terminal.logging_to():
        LOGGER.handle(refresh_line(1_800_000_060, 1_800_000_000))

    out = capsys.readouterr().out.split()
    assert out[1:4] == ["token", "refreshed", "session=ab12"]
    assert out[4] == f"until={time_of_day(1_800_000_060)}"
    assert len(out[0]) == len("12:00:00")


def test_start_up_line_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Only events and warnings are written."""
    with terminal.logging_to():
        LOGGER.info("fotoweb-middleware 0.1.0: FotoWeb http://127.0.0.1:9000")
        LOGGER.warning("something is wrong")

    assert "wrong" in (out := capsys.readouterr().out)
    assert "9000" not in out


def test_the_logger_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Afterwards nothing of the demo hangs on it."""
    monkeypatch.setattr(LOGGER, "level", logging.ERROR)
    before = (LOGGER.level, LOGGER.propagate, list(LOGGER.handlers))
    with terminal.logging_to(logging.NullHandler()):
        assert LOGGER.level == logging.INFO

    assert (LOGGER.level, LOGGER.propagate, list(LOGGER.handlers)) == before


def test_lines_are_written_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets mean nothing, and nothing is wrapped."""
    text = "http://localhost:8000 [bold]" + " words" * 40
    terminal.write("Open", text, is_important=True)
    terminal.write()

    assert capsys.readouterr().out == f"  Open      {text}\n\n"
