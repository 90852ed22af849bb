"""What is wrong is told in plain words: passwords, permissions, servers that refuse or are no Redis at all."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial

import pytest

from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry
from tests.providers.redis_server import RedisServer
from tests.stores.redis_kit import admin, failure, open_store, speaking

PERMISSIONS = ("get", "getrange", "set", "del", "evalsha", "script|load", "select", "scan")
"""What the how-to page tells operators to grant."""


def save(store: Store, version: int = 1) -> SaveOutcome:
    """Save something."""
    return store.save("k", b"v", version=version, ttl_seconds=60, create=True)


def restricted(server: RedisServer, *permissions: str) -> str:
    """Make a user with these permissions alone, and return the address to come in as that user."""
    with admin(server.url) as client:
        grants = [f"+{permission}" for permission in permissions]
        client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">right", "~test:*", *grants)
    return server.url.replace("//", "//app:right@")


@pytest.mark.redis
def test_password(redis_server: RedisServer) -> None:
    """A wrong password and a missing one are told as such, and not repeated; the right one works."""
    with admin(redis_server.url) as client:
        client.config_set("requirepass", "right")
    words = []
    for credentials in (":S3CR3T@", "S3CR3T:S3CR3T@", ""):
        with open_store(redis_server.url.replace("//", f"//{credentials}")) as store:
            words.append(failure(partial(store.load, "k")))
    with open_store(redis_server.url.replace("//", "//:right@")) as store:
        assert store.load("k") is None
    assert [("user and password in FOTOWEB_CACHE" in text, "S3CR3T" in text) for text in words] == [(True, False)] * 3


@pytest.mark.redis
def test_least_permissions(redis_server: RedisServer) -> None:
    """The permissions that the how-to page names are enough."""
    with open_store(restricted(redis_server, *PERMISSIONS)) as store:
        lock = store.acquire_lock("k", ttl_seconds=60)
        assert lock is not None
        outcomes = [save(store), store.load("k"), store.use_once("k", ttl_seconds=60), store.keys("k")]
        store.release_lock(lock)
        store.revoke("k", ttl_seconds=60)
        store.revoke("k", ttl_seconds=60)
        outcomes.append(save(store, 2))
    assert outcomes == [SaveOutcome.SAVED, StoredEntry(b"v", 1), True, {"k"}, SaveOutcome.REVOKED]


@pytest.mark.redis
@pytest.mark.parametrize("missing", PERMISSIONS[1:3] + PERMISSIONS[4:6])
def test_missing_permission(redis_server: RedisServer, missing: str) -> None:
    """A user who may not do what is needed is told so, and never writes over a revocation."""
    with open_store(redis_server.url) as store:
        store.revoke("k", ttl_seconds=60)
        with admin(redis_server.url) as client:
            client.script_flush()
        granted = [permission for permission in PERMISSIONS if permission != missing]
        with open_store(restricted(redis_server, *granted)) as limited:
            key = "other" if missing == "set" else "k"
            words = failure(lambda: limited.save(key, b"v", version=2, ttl_seconds=60, create=True))
        assert ("lacks a permission (ACL)" in words, store.load("k")) == (True, StoredEntry(None, 0))


@pytest.mark.redis
def test_wrong_database(redis_server: RedisServer) -> None:
    """A database that Redis does not have is told as such."""
    with open_store(redis_server.url.removesuffix("/0") + "/99") as store:
        assert "it has no database of this number" in failure(lambda: store.load("k"))


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 64])
def test_unknown_host(host: str) -> None:
    """A host that nobody knows is told as such."""
    with open_store(f"redis://{host}/0") as store:
        assert "its host has no address" in failure(lambda: store.load("k"))


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    """Return a server's talk: every question is answered so."""

    def talk(peer: socket.socket) -> None:
        while peer.recv(65_536):
            peer.sendall(answer)

    return talk


ANSWERS = {
    b"-LOADING Redis is loading the dataset in memory": "it is still loading its data",
    b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL.": "a script keeps it busy",
    b"-MASTERDOWN Link with MASTER is down": "it is a read-only replica",
    b"-MISCONF Redis is configured to save RDB snapshots": "it takes no writes (is its disk full?)",
    b"-ERR max number of clients reached": "it takes no more connections; raise maxclients",
    b"-DENIED Redis is running in protected mode": "it takes connections from its own machine only",
    b"-MOVED 1 127.0.0.1:1": "it is a Redis Cluster",
    b"-CLUSTERDOWN Hash slot not served": "its cluster is down",
    b"-ERR unknown command 'GET', with args beginning with: 'S3CR3T'": "it refuses, for a reason that we don't know",
    b"-ERR S3CR3T": "it refuses, for a reason that we don't know",
    b"-": "it refuses, for a reason that we don't know",
    b"HTTP/1.1 400 Bad Request\r\n": "it does not speak as Redis does",
    b"?": "it does not speak as Redis does",
    b"*x": "it does not speak as Redis does",
    b"$five\r\nvalue": "it does not speak as Redis does",
    b":5": "it does not speak as Redis does",
    b"*1\r\n$1\r\nv": "it does not speak as Redis does",
    b"*1\r\n" * 5000: "it does not speak as Redis does",
}


@pytest.mark.parametrize("answer", ANSWERS, ids=[f"{number}" for number in range(len(ANSWERS))])
def test_answers(answer: bytes) -> None:
    """What a server answers is told in our words, and never repeated."""
    with speaking(answering(answer + b"\r\n")) as url, open_store(url) as store:
        words = failure(lambda: store.load("k"))
    assert (ANSWERS[answer] in words, "S3CR3T" in words) == (True, False)


@pytest.mark.parametrize("answer", [b"$1\r\nv\r\n", b"$-1\r\n", b"+OK\r\n", b"*0\r\n"])
def test_answers_to_scripts(answer: bytes) -> None:
    """An answer that a script of ours never gives is no answer: neither a lock nor a save came of it."""
    with speaking(answering(answer)) as url, open_store(url) as store:
        words = [failure(lambda: store.acquire_lock("k", ttl_seconds=60))]
    with speaking(answering(answer)) as url, open_store(url) as store:
        words.append(failure(lambda: save(store)))
    assert ["it does not speak as Redis does" in text for text in words] == [True, True]


def test_closes_at_once() -> None:
    """A server that hangs up at once is told as such."""
    with speaking(lambda peer: peer.shutdown(socket.SHUT_RDWR)) as url, open_store(url) as store:
        assert "the connection broke; look at port" in failure(lambda: store.load("k"))


def test_surplus_answer() -> None:
    """An answer too many is never read as the answer to the next question."""

    def answer_twice(peer: socket.socket) -> None:
        while words := peer.recv(65_536):
            text = b"1 0\n" + words.split(b"\r\n")[4]
            peer.sendall(b"$%d\r\n%s\r\n" % (len(text), text) * 2)

    with speaking(answer_twice) as url, open_store(url) as store:
        loaded = [store.load(f"k{number}") for number in range(10)]
    assert loaded == [StoredEntry(b"test:{k%d}:entry" % number, 1) for number in range(10)]
