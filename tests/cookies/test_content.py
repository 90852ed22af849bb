"""What stands inside sealed cookies and cache entries."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.cookies.content import (
    LoginInProgress,
    read_handle,
    read_login,
    read_record,
    write_handle,
    write_login,
    write_record,
)
from fotoweb_middleware.model import SessionRecord, TokenSet, User

times = st.floats(0, 1e11, allow_nan=False) | st.integers(0, 10**11)
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
users = st.none() | st.builds(User, st.integers(0, 10**12), texts, texts, texts)
tokens = st.builds(TokenSet, texts, st.none() | texts, times, st.none() | times)
records = st.builds(SessionRecord, texts, st.integers(1, 10**15), tokens, times, times, users)
logins = st.builds(LoginInProgress, texts, st.none() | texts, st.none() | texts, texts, times)

RECORD = SessionRecord("id", 1, TokenSet("AT", "RT", 1.5, None), 2, 3.25, User(1, "anna", "", ""))
LOGIN = LoginInProgress("S", "V", None, "/P", 1.5)
READERS: list[Callable[[bytes], object]] = [read_record, read_handle, read_login]
OTHER_KINDS = [
    (read_record, write_handle("id", 1)),
    (read_record, write_login(LOGIN)),
    (read_handle, write_record(RECORD)),
    (read_handle, write_login(LOGIN)),
    (read_login, write_record(RECORD)),
    (read_login, write_handle("id", 1)),
]


@given(records)
def test_record_round_trip(record: SessionRecord) -> None:
    """A session record comes back as it was written."""
    assert read_record(write_record(record)) == record


@given(texts, times)
def test_handle_round_trip(session_id: str, ends_at: float) -> None:
    """A handle comes back as it was written."""
    assert read_handle(write_handle(session_id, ends_at)) == (session_id, ends_at)


@given(logins)
def test_login_round_trip(login: LoginInProgress) -> None:
    """A login in progress comes back as it was written."""
    assert read_login(write_login(login)) == login


@pytest.mark.parametrize(("read", "payload"), OTHER_KINDS)
def test_kinds_apart(read: Callable[[bytes], object], payload: bytes) -> None:
    """No kind is read as another."""
    assert read(payload) is None


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "payload", [b"", b"{", b"null", b"1", b'"r1"', b"[]", b'["r1"]', b'["h1"]', b'["l1"]', b"\xff", b'["r2","x",1]']
)
def test_garbage(read: Callable[[bytes], object], payload: bytes) -> None:
    """What another release may have written reads as nothing."""
    assert read(payload) is None


@pytest.mark.parametrize("payload", [write_record(RECORD), write_handle("id", 1.5), write_login(LOGIN)])
@pytest.mark.parametrize("stranger", [None, 7, "x", [], {"a": 1}])
def test_wrong_type_never_raises(payload: bytes, stranger: object) -> None:
    """A member of another type raises nothing, wherever it stands."""
    content = json.loads(payload)
    for place in range(len(content)):
        changed = json.dumps([*content[:place], stranger, *content[place + 1 :]]).encode()
        read = [read(changed) for read in READERS]
        assert {type(value) for value in read} <= {SessionRecord, LoginInProgress, tuple, type(None)}


@pytest.mark.parametrize("place", [1, 2, 3, 5, 7, 8])
def test_record_member_missing(place: int) -> None:
    """A record without something it needs reads as nothing."""
    content = json.loads(write_record(RECORD))
    content[place] = None
    assert read_record(json.dumps(content).encode()) is None


def test_record_longer() -> None:
    """A record with a member more is of another release, and reads as nothing."""
    assert read_record(json.dumps([*json.loads(write_record(RECORD)), 1]).encode()) is None


@pytest.mark.parametrize("user", [7, [], ["anna"], [1, "anna", "", None], ["1", "anna", "", ""], {"userId": 1}])
def test_record_user_unreadable(user: object) -> None:
    """A record whose user can't be read is a record without one."""
    content = [*json.loads(write_record(RECORD))[:-1], user]
    record = read_record(json.dumps(content).encode())
    assert (record.session_id, record.user) == ("id", None) if record else None


def test_compact() -> None:
    """A record is compact: there is little room in a cookie."""
    assert write_record(RECORD) == b'["r1","id",1,"AT","RT",1.5,null,2,3.25,[1,"anna","",""]]'


@pytest.mark.parametrize("value", [RECORD, LOGIN, RECORD.tokens])
def test_no_secret_in_repr(value: object) -> None:
    """Neither tokens, session id, state, verifier nor the way back stand in a repr."""
    text = repr(value)
    assert not [secret for secret in ("'AT'", "'RT'", "'id'", "'S'", "'V'", "'/P'") if secret in text]
