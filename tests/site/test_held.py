"""A session in memory: its versions, and what is noted of it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from tests.site.samples import NOW, a_near, a_record, adopted


def test_new_tokens_start_afresh() -> None:
    """With new tokens everything that was noted of the old ones is forgotten."""
    near = a_near()
    held = near.adopt(a_record(version=1))
    held.current.spent, held.failures, held.retry_at, held.operator_error = True, 4, 99.0, "invalid_client"
    held.current.cookies = {"fotoweb": "old"}

    near.adopt(a_record(version=2))

    state = [held.current.spent, held.failures, held.retry_at, held.operator_error, held.current.cookies]
    assert state == [False, 0, -math.inf, None, None]


def test_note_keeps_what_was_noted() -> None:
    """A version with the same tokens, as a note for the idle limit makes, keeps failed tries and the spent use."""
    near = a_near()
    record = a_record(version=1)
    held = near.adopt(record)
    held.current.spent, held.failures, held.retry_at = True, 4, 99.0

    near.adopt(dataclasses.replace(record, version=2, seen_at=record.seen_at + 1))

    assert (held.current.spent, held.failures, held.retry_at) == (True, 4, 99.0)


def test_versions_are_swapped_as_a_whole() -> None:
    """A thread that looked at one version keeps its token and its times, whatever comes meanwhile."""
    near = a_near()
    held = near.adopt(a_record(version=1))
    looked_at = held.current
    before = (looked_at.session, looked_at.stale_at, looked_at.expires_at)

    near.adopt(a_record(version=2))

    assert held.current is not looked_at
    assert (looked_at.session, looked_at.stale_at, looked_at.expires_at) == before


@pytest.mark.parametrize(
    ("token", "stale_after_seconds"),
    [
        ({"expires_at": NOW + 3600}, 3540),
        ({"expires_at": NOW + 100}, 50),
        ({"expires_at": NOW + 120}, 60),
        ({"expires_at": NOW}, 0),
        ({"expires_at": None}, math.inf),
        ({"expires_at": NOW + 3600, "refresh_token": None}, 3600),
    ],
)
def test_stale_at(token: dict[str, Any], stale_after_seconds: float) -> None:
    """A token is stale a minute before it expires, or half its life where that is less; never without a refresh token.

    What can't be refreshed is never stale, only expired.
    """
    assert adopted(**token).current.stale_at == NOW + stale_after_seconds


@pytest.mark.parametrize(("expires_at", "expected"), [(NOW + 3600, NOW + 3600), (None, math.inf)])
def test_expires_at(expires_at: float | None, expected: float) -> None:
    """Without expiry a token never expires as far as is known."""
    assert adopted(expires_at=expires_at).current.expires_at == expected


def test_ends_at_lifetime() -> None:
    """Without an idle limit a session ends after its lifetime, counted from the login (R-CS9)."""
    assert adopted(started_at=NOW - 100, seen_at=NOW).current.ends_at == NOW - 100 + 43_200


def test_ends_at_idle() -> None:
    """An idle limit ends a session after its last request."""
    assert adopted(a_near(session_idle=600), seen_at=NOW + 50).current.ends_at == NOW + 650


def test_ends_at_earlier() -> None:
    """A session in use ends after its lifetime all the same."""
    near = a_near(session_idle=600)
    assert adopted(near, started_at=NOW - 43_000, seen_at=NOW).current.ends_at == NOW + 200


@pytest.mark.parametrize(("idle", "step"), [(0, math.inf), (600, 30.0), (10, 1.0), (1, 0.5)])
def test_note_at(idle: float, step: float) -> None:
    """Use is noted twenty times within the idle limit, at most once a second, and never without a limit."""
    assert adopted(a_near(session_idle=idle), seen_at=NOW + 5).current.note_at == NOW + 5 + step


@pytest.mark.parametrize(
    ("record", "idle", "quiet_seconds"),
    [
        ({}, 0, 3540),
        ({"expires_at": None}, 0, 43_200),
        ({"expires_at": NOW + 100_000}, 0, 43_200),
        ({}, 600, 30),
        ({"expires_at": NOW + 20}, 600, 10),
    ],
)
def test_quiet_until(record: dict[str, Any], idle: float, quiet_seconds: float) -> None:
    """Nothing is due before the token is stale, the session ends or its use has to be noted."""
    assert adopted(a_near(session_idle=idle), **record).current.quiet_until == NOW + quiet_seconds


@pytest.mark.parametrize(
    ("record", "idle", "usable_seconds"),
    [
        ({}, 0, 3600),
        ({"expires_at": None}, 0, 43_200),
        ({"expires_at": NOW + 100_000}, 0, 43_200),
        ({}, 600, 30),
        ({"expires_at": NOW + 20}, 600, 20),
    ],
)
def test_usable_until(record: dict[str, Any], idle: float, usable_seconds: float) -> None:
    """No request waits before the token has expired, the session ends or its use has to be noted."""
    assert adopted(a_near(session_idle=idle), **record).current.usable_until == NOW + usable_seconds
