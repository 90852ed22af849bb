"""What the log tells of a session's life: one record for each event, with the session's hash (R-LG3)."""

from __future__ import annotations

import logging
import re

import pytest

from fotoweb_middleware.testing import Fault
from tests.behaviour.kit import FETCH, Visited, Visitor

ELSEWHERE = {**FETCH, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}


@pytest.fixture(autouse=True)
def listen(caplog: pytest.LogCaptureFixture) -> None:
    """Listen from INFO on."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")


def events(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str | None]]:
    """Return each record's event, and the session that it names; then forget them."""
    told = [
        (record.__dict__["fotoweb_event"], record.getMessage().partition(" session=")[2][:12] or None)
        for record in caplog.records
        if "fotoweb_event" in record.__dict__
    ]
    caplog.clear()
    return told


def login_tag(caplog: pytest.LogCaptureFixture) -> str:
    """Return what stood in the log for the session that was logged in, and forget all events so far."""
    (line,) = [record.getMessage() for record in caplog.get_records("setup") if record.getMessage()[:9] == "logged in"]
    return line.partition(" session=")[2][:12]


def test_login(site: Visited, visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """A login is one record."""
    visitor.log_in()

    ((event, tag),) = events(caplog)
    assert event == "logged_in"
    assert re.fullmatch("[0-9a-f]{12}", tag or "")


def test_wrong_secret(site: Visited, visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """A login that fails by a wrong client secret is told as loudly as a refresh that does: as the operator's fault."""
    site.fake.fault("token", Fault.invalid_client())
    callback = visitor.approve(visitor.visit("/").location or "")

    assert visitor.visit(callback).status == 502
    assert [record.levelno for record in caplog.records if "fotoweb_event" in record.__dict__] == [logging.ERROR]
    assert events(caplog) == [("operator_fault", None)]


def test_refresh(site: Visited, member: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """A refresh is one record; requests that need none are none."""
    tag = login_tag(caplog)
    site.clock.advance(30_000)

    assert [member.get("/").status for _ in range(3)] == [200] * 3
    assert events(caplog) == [("refreshed", tag)]


def test_refusal(site: Visited, member: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """A session that FotoWeb ends is one record."""
    tag = login_tag(caplog)
    site.clock.advance(30_000)
    site.fake.fault("token", Fault.invalid_grant())
    events(caplog)

    assert member.get("/").status == 401
    assert events(caplog) == [("session_refused", tag)]


def test_failure(site: Visited, member: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """A refresh that fails is one record, however many requests come before the next try."""
    tag = login_tag(caplog)
    site.clock.advance(30_000)
    site.fake.switch(reachable=False)

    assert [member.get("/").status for _ in range(5)] == [503] * 5
    assert events(caplog) == [("refresh_failed", tag)]


def test_logout(site: Visited, member: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """A logout is one record."""
    tag = login_tag(caplog)

    assert member.send("POST", "/oauth2/logout", FETCH).status == 200
    assert events(caplog) == [("logged_out", tag)]


@pytest.mark.parametrize("target", ["/a", "/oauth2/logout"])
def test_request_from_elsewhere(site: Visited, member: Visitor, caplog: pytest.LogCaptureFixture, target: str) -> None:
    """A request that another origin made the browser send is one record, and tells whose session it came with."""
    tag = login_tag(caplog)

    assert member.send("POST", target, ELSEWHERE).status == 403
    assert events(caplog) == [("cross_origin", tag)]


def test_wrong_callback(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """A callback that is refused is one record, of nobody's session, and a short one whatever came (T-LG-04)."""
    assert visitor.visit(f"/oauth2/callback?code=c&state={'s' * 60_000}").status == 400
    assert len(caplog.text) < 1024
    assert events(caplog) == [("state_refused", None)]
