"""What an operator sees in the log when Redis is in trouble: one line when it begins, one when it is over."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from fotoweb_middleware.caches.protocol import Cache
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.redis_kit import (
    OWN_FACES,
    PATIENT_SECONDS,
    TIMEOUT_SECONDS,
    admin,
    failure,
    frozen,
    kill,
    open_face,
    speaking,
)
from tests.providers.redis_server import RedisServer

pytestmark = pytest.mark.redis

CALLERS = 8


@contextlib.contextmanager
def killed(server: RedisServer) -> Iterator[None]:
    """End Redis as a crash does, and start it empty."""
    kill(server)
    yield
    server.start()


def set_to(name: str, bad: str, good: str) -> Callable[[RedisServer], AbstractContextManager[None]]:
    """Return what sets an option of Redis, cuts all connections, and sets it back afterwards."""

    @contextlib.contextmanager
    def change(server: RedisServer) -> Iterator[None]:
        with admin(server.url) as client:
            client.config_set(name, bad)
            client.client_kill_filter(_type="normal", skipme=True)
            yield
            client.config_set(name, good)

    return change


@contextlib.contextmanager
def failed_over(server: RedisServer) -> Iterator[None]:
    """Make Redis a replica for a while."""
    with admin(server.url) as client:
        client.replicaof("127.0.0.1", "1")
        yield
        client.replicaof("NO", "ONE")


FAULTS: dict[str, tuple[Callable[[RedisServer], AbstractContextManager[None]], str, str]] = {
    "killed": (killed, "is out of reach: ", "is back after"),
    "hanging": (frozen, "is out of reach: no answer in time.", "is back after"),
    "password": (set_to("requirepass", "x", ""), "is out of reach: it refuses the user and password", "is back after"),
    "full": (set_to("maxmemory", "1", "0"), "save is refused: its memory is full (maxmemory).", "save works again"),
    "replica": (failed_over, "save is refused: it is a read-only replica", "save works again"),
}


def ask_for(cache: Cache, seconds: float) -> None:
    """Save and load from several threads for a while, whatever comes of it."""
    ends_at = time.monotonic() + seconds

    def ask(caller: int) -> None:
        while time.monotonic() < ends_at:
            with contextlib.suppress(CacheUnavailable):
                version = time.monotonic_ns()
                cache.save(f"k{caller}", b"v", version=version, ttl_seconds=60, create=True)
                cache.load(f"k{caller}")
            time.sleep(0.005)

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(ask, range(CALLERS)))


def ask_until(cache: Cache, is_over: Callable[[], bool]) -> None:
    """Save over and over until the log says that it works."""
    for _ in range(150):
        ask_for(cache, 0.05)
        if is_over():
            return


@pytest.mark.parametrize("face", OWN_FACES)
@pytest.mark.parametrize("fault", FAULTS)
def test_one_line_and_one_line(
    redis_server: RedisServer, face: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """However many calls fail meanwhile, the log holds one line with the cause, and one when it is over."""
    inflict, begins, ends = FAULTS[fault]
    seconds = 4 * TIMEOUT_SECONDS if fault == "hanging" else PATIENT_SECONDS
    with open_face(face, redis_server.url, timeout_seconds=seconds) as cache:
        ask_for(cache, 0.05)
        with inflict(redis_server):
            ask_for(cache, 1.2 if fault == "hanging" else 0.3)
        ask_until(cache, lambda: len(caplog.messages) > 1)
    assert [words in line for words, line in zip((begins, ends), caplog.messages, strict=True)] == [True, True]


@pytest.mark.parametrize("face", OWN_FACES)
def test_no_secret(redis_server: RedisServer, face: str, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong password is told of with its mend, once, and without user, password or options."""
    with admin(redis_server.url) as client:
        client.config_set("requirepass", "right")
        url = redis_server.url.replace("//", "//S3CR3T:S3CR3T@") + "?client_name=S3CR3T"
        with open_face(face, url) as cache:
            for _ in range(20):
                failure(lambda: cache.load("k"))
    assert ["user and password in FOTOWEB_CACHE" in line for line in caplog.messages] == [True]
    assert "S3CR3T" not in caplog.text


ANSWERS = {
    "loading": (b"-LOADING Redis is loading the dataset in memory\r\n", "it is still loading its data"),
    "busy": (b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL.\r\n", "a script keeps it busy"),
    "no primary": (b"-MASTERDOWN Link with MASTER is down\r\n", "it is a replica without its primary"),
    "disk full": (b"-MISCONF Redis is configured to save RDB snapshots\r\n", "it can't write to its disk"),
    "no replicas": (b"-NOREPLICAS Not enough good replicas to write.\r\n", "too few replicas follow it"),
    "clients": (b"-ERR max number of clients reached\r\n", "it takes no more connections (maxclients)"),
    "cluster": (b"-MOVED 1 127.0.0.1:1\r\n", "it is a Redis Cluster, which is not supported"),
}


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    """Return a server's talk: the greeting is taken, and each question is answered so."""

    def talk(peer: socket.socket) -> None:
        while words := peer.recv(65_536):
            names = words.count(b"SETINFO")
            peer.sendall(b"+OK\r\n" * names if names else answer)

    return talk


@pytest.mark.parametrize("face", OWN_FACES)
@pytest.mark.parametrize("name", ANSWERS)
def test_refusals_are_told_in_words(face: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """What Redis says of its state is told in our words, to the caller and once to the log."""
    answer, words = ANSWERS[name]
    with speaking(answering(answer)) as url, open_face(face, url) as cache:
        told = [failure(lambda: cache.load("k")) for _ in range(3)]
    assert ([words in line for line in caplog.messages], words in told[0]) == ([True], True)


@pytest.mark.parametrize("face", OWN_FACES)
def test_wrong_port(face: str, caplog: pytest.LogCaptureFixture) -> None:
    """A server that says nothing we understand may be another one: the line says what to look at."""
    with speaking(lambda peer: None) as url, open_face(face, url, timeout_seconds=TIMEOUT_SECONDS) as cache:
        failure(lambda: cache.load("k"))
    assert ["is it redis:// or rediss://?" in line for line in caplog.messages] == [True]
