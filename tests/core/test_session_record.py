"""A session's record, as cookie and store carry it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.session import SessionRecord, TokenSet
from tests.core.samples import NOW, a_record


@pytest.mark.parametrize(
    "record", [a_record(), a_record(user=None), a_record(tokens=TokenSet("access", None, NOW, None), version=1_000_003)]
)
def test_round_trip(record: SessionRecord) -> None:
    """What was written is read again."""
    assert SessionRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


@pytest.mark.parametrize(
    "value", [None, 7, "session", {}, [], [1, 2], ["s", 1, None, 0, 0, None], ["s", 1, [], 0, 0, 7]]
)
def test_other_releases(value: Any) -> None:
    """What another release may have sealed is no session, and raises nothing."""
    assert SessionRecord.from_json(value) is None


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=7), max_leaves=20))
def test_any_json(value: Any) -> None:
    """Whatever comes, reading it raises nothing."""
    SessionRecord.from_json(value)


def test_no_secret_in_repr() -> None:
    """Neither the id nor a token stands in the repr."""
    shown = repr(a_record())
    assert [secret for secret in ("session-1", "access-1", "refresh-1") if secret in shown] == []
