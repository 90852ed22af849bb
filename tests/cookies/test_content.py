"""What stands inside sealed cookies and cache entries."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.cookies.content import (
    LoginInProgress,
    Trail,
    read_handle,
    read_login,
    read_record,
    read_trail,
    write_handle,
    write_login,
    write_record,
    write_trail,
)
from fotoweb_middleware.model import SessionRecord, TokenSet, User

times = st.floats(0, 1e11, allow_nan=False) | st.integers(0, 10**11)
letters = st.characters(exclude_categories=["Cs"])
texts = st.text(alphabet=letters, max_size=40)
some_texts = st.none() | st.text(alphabet=letters, min_size=1, max_size=40)
users = st.none() | st.builds(User, st.integers(0, 10**12), texts, texts, texts)
tokens = st.builds(TokenSet, texts, some_texts, times, st.none() | times)
records = st.builds(SessionRecord, texts, st.integers(1, 10**15), tokens, times, times, users)
logins = st.builds(LoginInProgress, texts, some_texts, some_texts, texts, times)

RECORD = SessionRecord("id", 1, TokenSet("AT", "RT", 1.5, None), 2, 3.25, User(1, "anna", "", ""))
LOGIN = LoginInProgress("S", "V", None, "/P", 1.5)
READERS: dict[str, Callable[[bytes], object]] = {
    "record": read_record,
    "handle": read_handle,
    "login": read_login,
    "trail": read_trail,
}
PAYLOADS = {
    "record": write_record(RECORD),
    "handle": write_handle("id", 1),
    "login": write_login(LOGIN),
    "trail": write_trail(Trail(2, 1.5, 7)),
}
OF_THE_FIRST_FORMAT = [
    b'["r1","id",1,"AT","RT",1.5,null,2,3.25,[1,"anna","",""]]',
    b'["h1","id",1.5]',
    b'["l1","S","V",null,"/P",1.5]',
    b'["t1",2,1.5,7]',
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


@given(st.integers(0, 2**64 - 1), times, st.integers(0, 2**64 - 1))
def test_trail_round_trip(rounds: int, ended_at: float, characters: int) -> None:
    """A trail comes back as it was written."""
    assert read_trail(write_trail(Trail(rounds, ended_at, characters))) == Trail(rounds, ended_at, characters)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_times_are_exact(seconds: float) -> None:
    """A time comes back bit by bit."""
    assert repr(read_handle(write_handle("id", seconds))) == repr(("id", seconds))


@pytest.mark.parametrize("kind", PAYLOADS)
def test_kinds_apart(kind: str) -> None:
    """No kind is read as another."""
    assert [other for other, read in READERS.items() if read(PAYLOADS[kind]) is not None] == [kind]


@pytest.mark.parametrize("read", READERS.values())
@pytest.mark.parametrize("payload", [b"", b"{", b"null", b"r2", b"h2", b"l2", b"t2", b"\xff", bytes(200)])
def test_garbage(read: Callable[[bytes], object], payload: bytes) -> None:
    """What another release may have written reads as nothing."""
    assert read(payload) is None


@pytest.mark.parametrize("read", READERS.values())
@pytest.mark.parametrize("payload", OF_THE_FIRST_FORMAT)
def test_the_first_format(read: Callable[[bytes], object], payload: bytes) -> None:
    """The JSON of the first format reads as nothing, and raises nothing."""
    assert read(payload) is None


@pytest.mark.parametrize("kind", PAYLOADS)
def test_cut_short(kind: str) -> None:
    """What is cut short anywhere reads as nothing."""
    payload = PAYLOADS[kind]
    assert {READERS[kind](payload[:length]) for length in range(len(payload))} == {None}


@pytest.mark.parametrize("kind", PAYLOADS)
def test_longer(kind: str) -> None:
    """What goes on behind its last text is of another release, and reads as nothing."""
    assert READERS[kind](PAYLOADS[kind] + b"x") is None


@pytest.mark.parametrize(
    ("kind", "head", "texts"), [("record", ">2sQdddd7I", 7), ("handle", ">2sdI", 1), ("login", ">2sd4I", 4)]
)
def test_texts_end_in_order(kind: str, head: str, texts: int) -> None:
    """Where a text ends before the one in front of it does, or behind them all, the whole reads as nothing."""
    size = struct.calcsize(head)
    values, text = struct.unpack(head, PAYLOADS[kind][:size]), PAYLOADS[kind][size:]
    for place in range(1, texts + 1):
        for wrong in (values[-place] + 100, 2**32 - 1):
            changed = [*values]
            changed[-place] = wrong
            assert READERS[kind](struct.pack(head, *changed) + text) is None


@pytest.mark.parametrize("kind", ["record", "handle", "login"])
def test_no_utf_8(kind: str) -> None:
    """Texts that are no UTF-8 read as nothing."""
    assert READERS[kind](PAYLOADS[kind][:-2] + b"\xff\xfe") is None


@pytest.mark.parametrize("user_id", ["x", " ", "-", "\u00b2"])
def test_user_id_unreadable(user_id: str) -> None:
    """A record whose user's id is no number reads as nothing."""
    assert read_record(write_record(RECORD).replace(b"1anna", f"{user_id}anna".encode())) is None


def test_compact() -> None:
    """A record is compact, since there is little room in a cookie: 70 bytes and its texts."""
    assert len(write_record(RECORD)) == 70 + len("idATRT1anna")


@pytest.mark.parametrize("value", [RECORD, LOGIN, RECORD.tokens])
def test_no_secret_in_repr(value: object) -> None:
    """Neither tokens, session id, state, verifier nor the way back stand in a repr."""
    text = repr(value)
    assert not [secret for secret in ("'AT'", "'RT'", "'id'", "'S'", "'V'", "'/P'") if secret in text]
