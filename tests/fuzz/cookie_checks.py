"""What must hold of whatever stands in a Cookie header: of its names, its sealed values, their parts and contents."""

from __future__ import annotations

import itertools
import re

from fotoweb_middleware.cookies.content import (
    read_handle,
    read_login,
    read_record,
    read_trail,
    write_handle,
    write_login,
    write_record,
)
from fotoweb_middleware.cookies.header import CookieNames, is_own, names_of, read_cookies
from fotoweb_middleware.cookies.parts import join_parts, split_value
from fotoweb_middleware.cookies.seal import Purpose, Sealer
from tests.settings.samples import KEY

__all__ = ["GENUINE", "NAMES", "SEALED", "check_content", "check_cookie_header", "check_parts", "check_sealed"]

NAMES: tuple[CookieNames, ...] = (
    names_of("fotoweb", secure=True, same_site="lax"),
    names_of("fotoweb", secure=False, same_site="lax"),
)
SESSION = NAMES[0].session


def counted_sealer() -> Sealer:
    """Return a sealer whose nonces are the same in every run, so that a found input stays an input."""
    numbers = itertools.count(1)
    return Sealer((KEY,), binding="b", entropy=lambda count: next(numbers).to_bytes(count, "big"))


SEALER = counted_sealer()
PAYLOADS = (write_handle("anna", 2e9), b"r2bo" + b"b" * 4000, b"r2cy" + b"c" * 7500)
SEALED = tuple(SEALER.seal(payload, Purpose.SESSION, name=SESSION) for payload in PAYLOADS)
GENUINE = tuple(split_value(SESSION, sealed) for sealed in SEALED)
"""Three people's cookies: in one, two and three parts."""


def check_cookie_header(data: bytes) -> None:
    """Ours are read byte for byte, the app sees none of them, and everything else stays as it came."""
    header = data.decode("latin-1")
    for names in NAMES:
        own = read_cookies(header, names)
        assert all(is_own(name, names) and ";" not in value for name, value in own.values.items())
        told = [piece.strip(" \t").partition("=") for piece in re.split("[;,]", own.rest or "")]
        assert not [name for name, equals, _ in told if equals and is_own(name, names)], "the app sees a cookie of ours"
        again = read_cookies("; ".join(f"{name}={value}" for name, value in own.values.items()), names)
        assert again.values == own.values
        assert again.rest is None
        if "," not in header:
            assert read_cookies(own.rest, names) == type(own)({}, False, own.rest), "what is left over is left alone"
        if names.session not in header:
            assert own.rest == (header or None)


def check_parts(data: bytes) -> None:
    """Parts come together only as what was cut, whoever mixes them: one person's session, or nobody's."""
    own = read_cookies(data.decode("latin-1"), NAMES[0])
    joined = join_parts(SESSION, own.values)
    if joined is None:
        return
    opened = SEALER.open(joined, Purpose.SESSION, name=SESSION)
    whose = SEALED.index(joined) if joined in SEALED else None
    assert (opened and opened.payload) == (None if whose is None else PAYLOADS[whose]), "parts of two sessions opened"


def check_sealed(data: bytes) -> None:
    """A value opens only byte for byte as it was sealed, and only in its own slot."""
    text = data.decode("latin-1")
    for purpose in Purpose:
        opened = SEALER.open(text, purpose, name=SESSION)
        if opened is not None:
            assert purpose is Purpose.SESSION
            assert opened.payload == PAYLOADS[SEALED.index(text)]
    assert SEALER.open(text, Purpose.SESSION, name="other") is None
    # Whoever could sign could still not choose what is read: the encryption says no.
    signed = SEALER._keys[Purpose.SESSION][0].signer.sign(data.replace(b".", b"")).decode("latin-1")
    again = SEALER.open(signed, Purpose.SESSION, name=SESSION)
    assert again is None or again.payload in PAYLOADS


def check_content(data: bytes) -> None:
    """What another release may have sealed is read as one kind at most, and written again it reads the same."""
    record, handle, login = read_record(data), read_handle(data), read_login(data)
    assert [record, handle, login, read_trail(data)].count(None) >= 3
    if record is not None:
        assert repr(read_record(write_record(record))) == repr(record)
    if handle is not None:
        assert repr(read_handle(write_handle(*handle))) == repr(handle)
    if login is not None:
        assert repr(read_login(write_login(login))) == repr(login)
