"""What must hold of whatever stands in a Cookie header: of its names, its sealed values, their chunks and contents."""

from __future__ import annotations

import itertools
import json
import re

from fotoweb_middleware.cookies import CookieNames, is_own, join_chunks, read_cookies, split_into_chunks
from fotoweb_middleware.sealing import Purpose, Sealer, derive_keys
from fotoweb_middleware.session import SessionRecord
from fotoweb_middleware.views.login import LoginInProgress
from tests.core.samples import KEY, PLAIN, SECURE

__all__ = ["GENUINE", "NAMES", "SEALED", "check_chunks", "check_content", "check_cookie_header", "check_sealed"]

NAMES: tuple[CookieNames, ...] = (SECURE, PLAIN)
SESSION = NAMES[0].session


def counted_sealer() -> Sealer:
    """Return a sealer whose nonces are the same in every run, so that a found input stays an input."""
    numbers = itertools.count(1)
    return Sealer((KEY,), binding="b", entropy=lambda count: next(numbers).to_bytes(count, "big"))


SEALER = counted_sealer()
SIGNER = derive_keys(KEY, Purpose.SESSION)[1]
PAYLOADS = (["reference", "anna", 2e9], ["session", "b" * 4000], ["session", "c" * 7000])
SEALED = tuple(SEALER.seal(payload, Purpose.SESSION, name=SESSION) for payload in PAYLOADS)
GENUINE = tuple(split_into_chunks(SESSION, sealed) for sealed in SEALED)
"""Three people's cookies: in one, two and three chunks."""


def check_cookie_header(data: bytes) -> None:
    """Ours are read byte for byte, the app sees none of them, and everything else stays as it came."""
    header = data.decode("latin-1")
    for names in NAMES:
        own = read_cookies(header, names)
        assert all(is_own(name, names) and ";" not in value for name, value in own.values.items())
        told = [piece.strip(" \t").partition("=") for piece in re.split("[;,]", own.rest)]
        assert not [name for name, equals, _ in told if equals and is_own(name, names)], "the app sees a cookie of ours"
        again = read_cookies("; ".join(f"{name}={value}" for name, value in own.values.items()), names)
        assert again.values == own.values
        assert not again.rest
        if "," not in header:
            left = read_cookies(own.rest, names)
            assert (left.values, left.rest) == ({}, own.rest), "what is left over is left alone"
        assert names.tag not in own.rest
        if names.session not in header and names.tag not in header:
            assert own.rest == header


def check_chunks(data: bytes) -> None:
    """Chunks come together only as what was cut, whoever mixes them: one person's session, or nobody's."""
    own = read_cookies(data.decode("latin-1"), NAMES[0])
    joined = join_chunks(SESSION, own.values)
    if joined is None:
        return
    opened = SEALER.open(joined, Purpose.SESSION, name=SESSION)
    whose = SEALED.index(joined) if joined in SEALED else None
    assert (opened and opened.value) == (None if whose is None else PAYLOADS[whose]), "chunks of two sessions opened"


def check_sealed(data: bytes) -> None:
    """A value opens only byte for byte as it was sealed, and only in its own slot."""
    text = data.decode("latin-1")
    for purpose in Purpose:
        opened = SEALER.open(text, purpose, name=SESSION)
        if opened is not None:
            assert purpose is Purpose.SESSION
            assert opened.value == PAYLOADS[SEALED.index(text)]
    assert SEALER.open(text, Purpose.SESSION, name="other") is None
    # Whoever could sign could still not choose what is read: the encryption says no.
    signed = SIGNER.sign(data.replace(b".", b"")).decode("latin-1")
    again = SEALER.open(signed, Purpose.SESSION, name=SESSION)
    assert again is None or again.value in PAYLOADS


def check_content(data: bytes) -> None:
    """What another release may have sealed is read as one kind at most, and written again it reads the same."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    record, login = SessionRecord.from_json(value), LoginInProgress.from_json(value)
    assert record is None or login is None
    if record is not None:
        assert repr(SessionRecord.from_json(record.to_json())) == repr(record)
    if login is not None:
        assert repr(LoginInProgress.from_json(login.to_json())) == repr(login)
