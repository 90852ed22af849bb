"""Who may not: passwords, permissions, databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fotoweb_middleware.caches.protocol import Cache, Lease, SaveOutcome, Stored
from tests.caches.redis_kit import OWN_FACES, admin, failure, open_face
from tests.providers.redis_server import RedisServer

pytestmark = pytest.mark.redis


@pytest.fixture(params=OWN_FACES)
def face(request: pytest.FixtureRequest) -> str:
    """Return each face in turn."""
    return str(request.param)


@pytest.fixture
def cache(redis_server: RedisServer, face: str) -> Iterator[Cache]:
    """Return a cache on a Redis of this test's own, by each face."""
    with open_face(face, redis_server.url) as opened:
        yield opened


def save(cache: Cache, version: int = 1) -> SaveOutcome:
    """Save something."""
    return cache.save("k", b"v", version=version, ttl_seconds=60, create=True)


def test_wrong_password(redis_server: RedisServer, face: str) -> None:
    """A wrong password is told as such, and not repeated; the right one works."""
    with admin(redis_server.url) as client:
        client.config_set("requirepass", "right")
        wrong = redis_server.url.replace("//", "//:S3CR3T@")
        with open_face(face, wrong) as cache, open_face(face, wrong.replace("S3CR3T", "right")) as entitled:
            words = failure(lambda: cache.load("k"))
            assert ("password" in words, "S3CR3T" in words, entitled.load("k")) == (True, False, None)


def test_no_password(redis_server: RedisServer, cache: Cache) -> None:
    """A password that is wanted and not given is told as such."""
    with admin(redis_server.url) as client:
        client.config_set("requirepass", "right")
        assert "password" in failure(lambda: cache.load("k"))


def test_user_without_scripts(redis_server: RedisServer, cache: Cache) -> None:
    """A user who may not run scripts is told so."""
    with admin(redis_server.url) as client:
        client.acl_setuser(
            "default", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-evalsha"]
        )
        assert "may not" in failure(lambda: save(cache))


PERMISSIONS = ("get", "getrange", "set", "del", "pttl", "pexpire", "eval", "evalsha", "select", "client|setinfo")
"""What share-sessions-with-redis.md tells operators to grant."""


def restricted(redis_server: RedisServer, permissions: tuple[str, ...]) -> str:
    """Make a user with these permissions alone, and return the address to come in as that user."""
    with admin(redis_server.url) as client:
        grants = [f"+{permission}" for permission in permissions]
        client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">right", "~test:*", *grants)
    return redis_server.url.replace("//", "//app:right@")


def test_least_permissions(redis_server: RedisServer, face: str) -> None:
    """The permissions that the how-to page names are enough."""
    with open_face(face, restricted(redis_server, PERMISSIONS)) as cache:
        outcomes = [save(cache), cache.take_lease("k", ttl_seconds=60), cache.load("k")]
        lease = outcomes[1]
        assert isinstance(lease, Lease)
        cache.free_lease(lease)
        with admin(redis_server.url) as client:
            client.set("test:{l}:lease", "endless")
        outcomes.append(cache.take_lease("l", ttl_seconds=60))
        cache.bury("k", ttl_seconds=60)
        cache.bury("k", ttl_seconds=60)
        outcomes.append(save(cache, 2))
    assert outcomes == [SaveOutcome.SAVED, lease, Stored(b"v", 1), None, SaveOutcome.BURIED]


def test_blind_user(redis_server: RedisServer, cache: Cache, face: str) -> None:
    """A user who may write and not look never writes over a tombstone."""
    cache.bury("k", ttl_seconds=60)
    blind = tuple(permission for permission in PERMISSIONS if permission != "getrange")
    with open_face(face, restricted(redis_server, blind)) as other:
        words = failure(lambda: save(other))
    assert ("may not" in words, cache.load("k")) == (True, Stored(None, 0))


def test_wrong_database(redis_server: RedisServer, face: str) -> None:
    """A database that Redis does not have makes the cache unavailable."""
    with open_face(face, redis_server.url.removesuffix("/0") + "/99") as cache:
        assert "Redis" in failure(lambda: cache.load("k"))
