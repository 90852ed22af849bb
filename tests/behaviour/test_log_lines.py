"""Lines of the log that an operator acts on: their level tells whose fault it is, their times can be read."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime

import pytest

from fotoweb_middleware.testing import Fault
from tests.behaviour.kit import Visited, Visitor


@pytest.fixture(autouse=True)
def listen(caplog: pytest.LogCaptureFixture) -> None:
    """Listen from INFO on."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")


def levels(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Return the level of each event's record, and the event."""
    records = [record for record in caplog.records if "fotoweb_event" in record.__dict__]
    return [(record.levelno, record.__dict__["fotoweb_event"]) for record in records]


def exchange_code(visitor: Visitor) -> int:
    """Log in and return the status of the callback."""
    return visitor.visit(visitor.approve(visitor.visit("/").location)).status


@pytest.mark.parametrize("error", ["invalid_request", "invalid_grant"])
def test_garbage_code(visitor: Visitor, caplog: pytest.LogCaptureFixture, error: str) -> None:
    """A code that FotoWeb calls invalid is a warning: anybody can send one, and the operator has nothing to mend."""
    visitor.site.fake.fault("token", Fault.oauth_error(error, 400))

    assert exchange_code(visitor) == 502
    assert levels(caplog) == [(logging.WARNING, "login_failed")]
    assert "refuses this app" not in caplog.text


def test_wrong_secret_at_the_callback(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """A client that FotoWeb does not know is the operator's business."""
    visitor.site.fake.fault("token", Fault.invalid_client())

    assert exchange_code(visitor) == 502
    assert levels(caplog) == [(logging.ERROR, "operator_fault")]


def test_times(site: Visited, visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """Times are written as people read them, in UTC."""
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor.log_in()
    site.clock.advance(301)
    caplog.clear()
    assert visitor.get("/").status == 200

    (line,) = [record.getMessage() for record in caplog.records]
    expected = datetime.fromtimestamp(site.clock() + 300, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert line.endswith(f" expires_at={expected}")
    assert re.search(r"\d{9}\.", line) is None
