"""A session as bytes: nothing of it is lost, and little is added to its tokens."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.model import SessionRecord, TokenSet, User
from fotoweb_middleware.site.held import Held, Limits, Version
from fotoweb_middleware.site.resting import pack, unpack
from tests.site.samples import NOW, a_record

LIMITS = Limits(refresh_leeway=60.0, session_lifetime=43_200.0, session_idle=600.0)
OF_SESSION = ("by_handle", "recheck_at", "failures", "retry_at", "operator_error")
OF_VERSION = tuple(name for name in Version.__slots__ if name != "cookies")

seconds = st.floats(min_value=-1e10, max_value=1e10) | st.integers(0, 10**10)
texts = st.text(max_size=20)
users = st.builds(User, st.integers(), texts, texts, texts)
tokens = st.builds(TokenSet, texts, st.none() | texts, seconds, st.none() | seconds)
records = st.builds(SessionRecord, st.just("s"), st.integers(0, 10**15), tokens, seconds, seconds, st.none() | users)
moments = st.floats(allow_nan=False)
notes = st.tuples(st.booleans(), moments, st.integers(0, 99), moments, texts)


def state(held: Held) -> dict[str, Any]:
    """Return everything that a session's next request may ask for."""
    return {
        **{name: getattr(held, name) for name in OF_SESSION},
        **{name: getattr(held.current, name) for name in OF_VERSION},
    }


@given(record=records, noted=notes, is_saved=st.booleans(), spent=st.booleans())
def test_nothing_is_lost(record: SessionRecord, noted: tuple[Any, ...], is_saved: bool, spent: bool) -> None:
    """Whatever is known of a session is known after a rest, and of the same types."""
    held = Held(Version(record, LIMITS))
    for name, value in zip(OF_SESSION, noted, strict=True):
        setattr(held, name, value)
    held.current.is_saved, held.current.spent = is_saved, spent

    woken = unpack("s", pack(held), LIMITS)

    assert repr(state(woken)) == repr(state(held))
    assert woken.record == record
    assert (woken.live, woken.identities, woken.current.cookies) == (True, (), None)


def test_every_note_is_looked_at() -> None:
    """The test above knows everything that a ``Held`` has, but for what a rest takes away."""
    assert {*Held.__slots__} == {*OF_SESSION, "current", "identities", "left_until", "live"}


def test_who_renews_it_does_not_rest() -> None:
    """Who is renewing the token has the old object, and could not take back of the new one that it is left alone."""
    held = Held(Version(a_record(), LIMITS))
    held.left_until = NOW

    assert unpack("s", pack(held), LIMITS).left_until == -math.inf


def test_sealed_cookies_do_not_rest() -> None:
    """They are larger than the session, and made again when they are needed."""
    held = Held(Version(a_record(), LIMITS))
    before = pack(held)

    held.current.cookies = {"fotoweb": "x" * 1700}

    assert pack(held) == before


def test_what_a_rest_takes() -> None:
    """A hundred bytes besides the tokens, where nobody's name is known."""
    held = Held(Version(a_record(access_token="a" * 550, refresh_token="r" * 550, user=None), LIMITS))
    held.recheck_at, held.retry_at = NOW + 0.123456, -math.inf

    assert len(pack(held)) - 1100 <= 100
