"""What the log says: one line a record, and nothing that could forge another or tell a secret."""

from __future__ import annotations

import logging

import pytest

from fotoweb_middleware.events import EventEmitter, EventName
from fotoweb_middleware.log import log_response, readable_time

HOSTILE = "a\r\nERROR forged\x1b[31m\u202e\u2028 b"


def test_one_line_whatever_comes(caplog: pytest.LogCaptureFixture) -> None:
    """Line breaks, escapes, bidi and line separators are escaped in every value (R-LG2)."""
    caplog.set_level(logging.DEBUG, "fotoweb_middleware")

    EventEmitter().emit(EventName.LOGIN_REFUSED, cause=HOSTILE, description=HOSTILE)
    log_response(HOSTILE, HOSTILE, 401, "not_signed_in")

    for record in caplog.records:
        text = record.getMessage()
        assert text.isascii()
        assert text.isprintable()


def test_long_values_are_cut(caplog: pytest.LogCaptureFixture) -> None:
    """No value takes more than 256 characters of a line (R-LG2)."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")

    EventEmitter().emit(EventName.LOGIN_REFUSED, cause="x" * 100_000)

    assert caplog.records[0].getMessage().count("x") == 256


def test_session_is_named_by_a_hash(caplog: pytest.LogCaptureFixture) -> None:
    """Lines of one session belong together, and its id is in none (R-LG3)."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")

    EventEmitter().emit(EventName.LOGGED_IN, session_id="the-id")
    EventEmitter().emit(EventName.LOGGED_OUT, session_id="the-id")

    tags = {record.getMessage().partition("session=")[2] for record in caplog.records}
    assert len(tags) == 1
    assert "the-id" not in caplog.text


def test_quiet_levels_cost_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What nobody listens to is not even put together."""

    class Unprintable:
        def __str__(self) -> str:
            raise AssertionError("it was put together")

    caplog.set_level(logging.ERROR, "fotoweb_middleware")

    EventEmitter().emit(EventName.LOGGED_IN, cause=Unprintable())

    assert caplog.records == []


@pytest.mark.parametrize(("epoch_seconds", "text"), [(1_796_009_614.37, "2026-11-30T03:33:34Z"), (None, None)])
def test_readable_time(epoch_seconds: float | None, text: str | None) -> None:
    """Times are written as people read them, in UTC."""
    assert readable_time(epoch_seconds) == text
