"""Servers that talk nonsense, too slowly, too much or not at all: CacheUnavailable in time, and no wrong answer."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from tests.caches.redis_kit import (
    OWN_FACES,
    SLOWNESS_SECONDS,
    TIMEOUT_SECONDS,
    failure,
    open_face,
    seconds_of,
    speaking,
)


@pytest.fixture(params=OWN_FACES)
def face(request: pytest.FixtureRequest) -> str:
    """Return each face in turn."""
    return str(request.param)


NONSENSE = {
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "noise": bytes(range(256)) * 10,
    "length that is no number": b"$five\r\nvalue\r\n",
    "array that is no number": b"*x\r\n",
    "endless array": b"*1\r\n" * 5000,
    "another type": b":5\r\n",
    "array": b"*1\r\n$1\r\nv\r\n",
    "huge length": b"$999999999999\r\nv",
    "unknown type": b"?\r\n",
    "error without words": b"-\r\n",
    "strange error": b"-ERR unknown command, with args beginning with: 'S3CR3T'\r\n",
    "moved": b"-MOVED 1 127.0.0.1:1\r\n",
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense(face: str, name: str) -> None:
    """Whatever comes back, the failure is CacheUnavailable within the time-out, and repeats nothing of it."""
    with speaking(lambda peer: peer.sendall(peer.recv(1)[:0] + NONSENSE[name])) as url:
        with open_face(face, url, timeout_seconds=TIMEOUT_SECONDS) as cache:
            words: list[str] = []
            slow = seconds_of(lambda: words.append(failure(lambda: cache.load("k"))))
        assert (slow < TIMEOUT_SECONDS + SLOWNESS_SECONDS, "S3CR3T" in words[0]) == (True, False)


def test_silence(face: str) -> None:
    """A server that closes at once, or says nothing, makes the cache unavailable within the time-out."""
    with (
        speaking(lambda peer: peer.shutdown(socket.SHUT_RDWR)) as closing,
        speaking(lambda peer: None) as silent,
        open_face(face, closing, timeout_seconds=TIMEOUT_SECONDS) as first,
        open_face(face, silent, timeout_seconds=TIMEOUT_SECONDS) as second,
    ):
        slow = seconds_of(lambda: [failure(lambda: first.load("k")), failure(lambda: second.load("k"))])
        assert slow < TIMEOUT_SECONDS + SLOWNESS_SECONDS


def drip(peer: socket.socket) -> None:
    """Greet ever so slowly: an answer to each command just before the step's time-out."""
    while peer.recv(4096):
        time.sleep(TIMEOUT_SECONDS / 2 * 0.8)
        peer.sendall(b"+OK\r\n")


def test_slow_greeting(face: str) -> None:
    """A greeting of several slow answers (password, name, database) is bounded as a whole."""
    with speaking(drip) as url:
        slow_url = url.replace("//", "//:p@").removesuffix("/0") + "/3?client_name=a"
        with open_face(face, slow_url, timeout_seconds=TIMEOUT_SECONDS) as cache:
            slow = seconds_of(lambda: failure(lambda: cache.load("k")))
    assert slow < TIMEOUT_SECONDS + SLOWNESS_SECONDS


def answer_twice(peer: socket.socket) -> None:
    """Greet, and then answer every question twice with its own key."""
    while words := peer.recv(65_536).split(b"\r\n"):
        if words[2:3] == [b"GET"]:
            text = b"1 0\n" + words[4]
            peer.sendall(b"$%d\r\n%s\r\n" % (len(text), text) * 2)
        else:
            peer.sendall(b"+OK\r\n" * words.count(b"SETINFO"))


def test_surplus_answer(face: str) -> None:
    """An answer too many is never read as the answer to the next question."""
    with speaking(answer_twice) as url, open_face(face, url) as cache:
        values = []
        for number in range(10):
            stored = cache.load(f"k{number}")
            values.append(stored.value if stored is not None else None)
            time.sleep(0.01)
        assert values == [b"test:{k%d}:entry" % number for number in range(10)]


def test_name_look_up_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocking face does not wait longer for a name server than for Redis."""
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(20))
    with open_face("blocking", "redis://cache.example/0", timeout_seconds=TIMEOUT_SECONDS) as cache:
        slow = seconds_of(lambda: failure(lambda: cache.load("k")))
    over.set()
    assert slow < TIMEOUT_SECONDS + SLOWNESS_SECONDS
