"""What lies in browsers and caches of today opens in the next release too: a change of the format is on purpose."""

from __future__ import annotations

import itertools
import struct

import pytest

from fotoweb_middleware.cookies.content import (
    LoginInProgress,
    Trail,
    write_handle,
    write_login,
    write_record,
    write_trail,
)
from fotoweb_middleware.cookies.header import CookieNames, identity_of
from fotoweb_middleware.cookies.seal import Opened, Purpose, Sealer
from tests.cookies.samples import PLAIN, SECURE
from tests.site.samples import NOW, a_record

NEW, OLD = "NEWvYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq", "OLDvYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq"
SEALED = {
    Purpose.SESSION: "AAAAAAAAAAAAAAABgHhT9P7aQ2xnJ2gufpdinWqmtJ3Gq0g.TNNqy4i2IU1PdBABeekqzjL0oaGAhTFAfm4JdYiWIfA",
    Purpose.LOGIN: "AAAAAAAAAAAAAAABAhHkcT65oQfmnZs587PWQpe25T8VMEE.OXu8Eajx-ITaYjuOvOJ69XtP3H0jwDjnhdQqLIqcbdQ",
    Purpose.CACHE: "AAAAAAAAAAAAAAABcz8GXlY8WumkGpRt9hYDvkb_yuDtlZ8.EBtIIU79Zeydql1eYofHuxqqCiqaoiifZ9LVMqSI7pg",
}


def a_sealer(*keys: str) -> Sealer:
    """Return a sealer whose nonces are the same in every run."""
    numbers = itertools.count(1)
    return Sealer(keys, binding="b", entropy=lambda count: next(numbers).to_bytes(count, "big"))


@pytest.mark.parametrize("purpose", Purpose)
def test_sealed_yesterday(purpose: Purpose) -> None:
    """What this release seals and opens is, letter by letter, what it always was."""
    assert a_sealer(NEW).seal(b"payload", purpose, name="n") == SEALED[purpose]
    assert a_sealer(NEW).open(SEALED[purpose], purpose, name="n") == Opened(b"payload", by_newest_key=True)
    assert a_sealer(OLD, NEW).open(SEALED[purpose], purpose, name="n") == Opened(b"payload", by_newest_key=False)


def test_largest_that_is_opened() -> None:
    """Nothing longer than a quarter of a million characters is looked at."""
    sealer = a_sealer(NEW)
    longest = sealer.seal(b"x" * 196_547, Purpose.CACHE)
    longer = sealer.seal(b"x" * 196_548, Purpose.CACHE)

    assert len(longest) == 262_144
    assert sealer.open(longest, Purpose.CACHE) is not None
    assert sealer.open(longer, Purpose.CACHE) is None


def test_slot_without_a_name() -> None:
    """A slot that is not named is the one of the empty name."""
    sealer = a_sealer(NEW)

    assert sealer.open(sealer.seal(b"x", Purpose.LOGIN), Purpose.LOGIN, name="") is not None


SIGNATURE = "s" * 43
LONG = f"{'p' * 300}.{SIGNATURE}"
ROOM = 256 - len("__Host-fotoweb=")


@pytest.mark.parametrize(
    ("names", "value", "identity"),
    [
        (SECURE, f"handle.{SIGNATURE}", f"__Host-fotoweb=handle.{SIGNATURE}"),
        (SECURE, "v" * ROOM, "__Host-fotoweb=" + "v" * ROOM),
        (SECURE, "v" * ROOM + "w", "v" * 42 + "w"),
        (SECURE, LONG, SIGNATURE),
        (SECURE, "", "__Host-fotoweb="),
        (SECURE, f"a,{LONG}", f"__Host-fotoweb=a,{LONG}"),
        (PLAIN, f"handle.{SIGNATURE}", SIGNATURE),
        (PLAIN, LONG, SIGNATURE),
        (PLAIN, f"a,handle.{SIGNATURE}", f"fotoweb=a,handle.{SIGNATURE}"),
    ],
)
def test_what_tells_a_cookie(names: CookieNames, value: str, identity: str) -> None:
    """A short Secure cookie is known by all of it, others by their signatures, two glued ones by all of them."""
    assert identity_of(names, value) == identity


def test_contents() -> None:
    """What stands inside begins with its kind; then come numbers, the places where texts end, and the texts."""
    now, hour = struct.pack(">d", NOW), struct.pack(">d", NOW + 3600)
    nobody = struct.pack(">7I", 9, 17, 26, 26, 26, 26, 26) + b"session-1access-1refresh-1"
    anna = (
        struct.pack(">7I", 9, 17, 26, 31, 35, 42, 61) + b"session-1access-1refresh-115001annaAnna Ekanna@tenant.example"
    )

    assert write_record(a_record(user=None)) == b"r2" + struct.pack(">Q", 1) + now + hour + now + now + nobody
    assert write_record(a_record()).endswith(anna)
    assert write_handle("s\u00e9", NOW) == b"h2" + now + struct.pack(">I", 2) + "s\u00e9".encode()
    assert (
        write_login(LoginInProgress("S", None, None, "/", NOW)) == b"l2" + now + struct.pack(">4I", 1, 1, 1, 2) + b"S/"
    )
    assert write_trail(Trail(2, NOW, 7)) == b"t2" + struct.pack(">Q", 2) + now + struct.pack(">Q", 7)


def test_no_secret_in_a_login() -> None:
    """Neither state, verifier nor way back stands in the repr."""
    assert "S3CR3T" not in repr(LoginInProgress("S3CR3T", "S3CR3T", "https://app.example", "/S3CR3T", NOW))


def test_names() -> None:
    """The cookies of a browser keep their names."""
    assert (SECURE.session, SECURE.trail, PLAIN.trail) == (
        "__Host-fotoweb",
        "__Host-fotoweb-trail",
        "fotoweb-trail",
    )
