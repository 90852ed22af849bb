"""What the log says (R-LG1 to R-LG3; T-LG-02)."""

from __future__ import annotations

import hashlib
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.errors import FotoWebUnreachable
from fotoweb_middleware.site.journal import Event, journal, plain, session_tag


@pytest.fixture(autouse=True)
def every_level(caplog: pytest.LogCaptureFixture) -> None:
    """Capture what our logger says, whatever its level."""
    caplog.set_level(logging.DEBUG, "fotoweb_middleware")


def test_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """An event is one record with its words and what is told of it."""
    journal(Event.REFRESHED, expires_at=1.5)
    assert [record.getMessage() for record in caplog.records] == ["token refreshed expires_at=1.5"]


def test_words_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing more is known the words stand alone."""
    journal(Event.LOGGED_OUT, cause=None, user=None)
    assert caplog.messages == ["logged out"]


@pytest.mark.parametrize("event", list(Event))
def test_levels(event: Event, caplog: pytest.LogCaptureFixture) -> None:
    """Every event has a level and a name that programs can look for."""
    journal(event)
    record = caplog.records[0]
    assert (record.levelno, record.__dict__["fotoweb_event"]) == (event.value[1], event.name.lower())


def test_switched_off(caplog: pytest.LogCaptureFixture) -> None:
    """A level that is switched off costs nothing: values are not even turned into text."""

    class Loud:
        def __str__(self) -> str:
            raise AssertionError

    caplog.set_level(logging.ERROR, "fotoweb_middleware")
    journal(Event.LOGGED_IN, cause=Loud())
    assert caplog.records == []


def test_session_hashed(caplog: pytest.LogCaptureFixture) -> None:
    """A session is named by a hash: lines belong together, and nobody can use them (R-LG3)."""
    journal(Event.LOGGED_IN, session_id="S3CR3T")
    assert caplog.messages == [f"logged in session={hashlib.sha256(b'S3CR3T').hexdigest()[:12]}"]


def test_session_tag() -> None:
    """The same session has the same tag, another session another."""
    assert (session_tag("a") == session_tag("a"), session_tag("a") == session_tag("b")) == (True, False)


def test_error_as_cause(caplog: pytest.LogCaptureFixture) -> None:
    """An error tells its message, quoted since it has spaces."""
    journal(Event.REFRESH_FAILED, cause=FotoWebUnreachable("FotoWeb answered HTTP 503"))
    assert caplog.messages == ["refresh failed: session kept cause='FotoWeb answered HTTP 503'"]


@pytest.mark.parametrize(
    "value",
    [
        "a\n2026-01-01 CRITICAL forged",
        "a\r\nb",
        "\x1b[2J",
        "a\u202eb",
        "a\u2028b",
        "a\u0085b",
        "\x00",
        "\x7f",
        "\ud800",
        "j\u00f6rg",
    ],
)
def test_one_line_whatever_comes(value: str, caplog: pytest.LogCaptureFixture) -> None:
    """Control, ANSI, bidi and line-separator characters are escaped (R-LG2, T-LG-02)."""
    journal(Event.LOGIN_REFUSED, description=value)
    message = caplog.messages[0]
    assert message.isascii()
    assert message.isprintable()


def test_cut(caplog: pytest.LogCaptureFixture) -> None:
    """A value is cut to 256 characters (R-LG2, T-LG-04)."""
    journal(Event.STATE_REFUSED, cause="x" * 60_000)
    assert caplog.messages == [f"callback refused cause={'x' * 256}"]


def test_percent_sign(caplog: pytest.LogCaptureFixture) -> None:
    """A percent sign in a value is no format."""
    journal(Event.STATE_REFUSED, cause="%s%d%(x)s")
    assert caplog.messages == ["callback refused cause=%s%d%(x)s"]


@given(st.text(max_size=300))
def test_plain_is_one_visible_word_or_quoted(text: str) -> None:
    """A value is one visible ASCII word, or quoted."""
    written = plain(text)
    assert written.isascii()
    assert written.isprintable()
    assert " " not in written or written[0] in "'\""
