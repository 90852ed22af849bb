"""What is asked of Redis, and how its answers are read: no Redis needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis.crc import key_slot

from fotoweb_middleware.caches.protocol import Lease, Stored
from fotoweb_middleware.caches.redis_scripts import (
    RedisCall,
    build_bury,
    build_free_lease,
    build_load,
    build_save,
    build_take_lease,
    entry_name,
    fence_name,
    lease_name,
    milliseconds,
    read_stored,
)
from fotoweb_middleware.errors import CacheUnavailable

CALLS: dict[str, Callable[[], RedisCall[Any]]] = {
    "load": lambda: build_load("n", "k"),
    "save": lambda: build_save("n", "k", b"S3CR3T", version=1, ttl_seconds=1, create=True, lease=None),
    "bury": lambda: build_bury("n", "k", ttl_seconds=1),
    "take": lambda: build_take_lease("n", "k", ttl_seconds=1),
    "free": lambda: build_free_lease("n", Lease("k", "S3CR3T", 1)),
}


@pytest.mark.parametrize("key", ["k", "session:{a", "a}b", ""])
@pytest.mark.parametrize("namespace", ["fotoweb", "a{b", "{a}"])
def test_one_slot(namespace: str, key: str) -> None:
    """The keys of one script lie in one slot of a Redis Cluster."""
    names = [name(namespace, key) for name in (entry_name, lease_name, fence_name)]
    same = {key_slot(name.encode()) for name in names}
    assert (len(set(names)), len(same)) == (3, 1 if key else len(same))


def test_slots_differ() -> None:
    """Sessions spread over a cluster."""
    assert len({key_slot(entry_name("n", f"k{number}").encode()) for number in range(100)}) > 90


@pytest.mark.parametrize(("seconds", "expected"), [(1, 1000), (0.0001, 1), (0, 1), (-5, 1), (1.0001, 1001)])
def test_milliseconds(seconds: float, expected: int) -> None:
    """A time to live is whole milliseconds, and never what Redis refuses."""
    assert milliseconds(seconds) == expected


ANSWERS: list[object] = [[b"v"], "text", 1.5, {}, b"v", 7, None]
FITTING: dict[str, tuple[type, ...]] = {"load": (bytes, type(None)), "take": (int,)}


@pytest.mark.parametrize(
    ("name", "answer"),
    [(name, answer) for name in CALLS for answer in ANSWERS if not isinstance(answer, FITTING.get(name, ()))],
)
def test_wrong_answer(name: str, answer: object) -> None:
    """An answer to some other question is none: the connection may be out of step."""
    with pytest.raises(CacheUnavailable):
        CALLS[name]().read(answer)


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"1\nv", b"1 \nv", b" 1\nv", b"a 1\nv", b"-1 1\nv", b"1 1", b"1 1" + b"0" * 200 + b"\nv"]
)
def test_unreadable_entry(text: bytes) -> None:
    """An entry that was written by somebody else counts as lost."""
    assert read_stored(text) is None


def test_entry_with_line_breaks() -> None:
    """The value is everything behind the first line."""
    assert read_stored(b"12 3\n\n1 2\n") == Stored(b"\n1 2\n", 12)


@pytest.mark.parametrize("name", CALLS)
def test_no_secret_in_repr(name: str) -> None:
    """Neither values nor owners stand in a repr."""
    call = CALLS[name]()
    assert not [word for word in ("S3CR3T", *map(str, call.command[3:5])) if word in repr(call)]
