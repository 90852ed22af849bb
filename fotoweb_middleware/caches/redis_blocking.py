"""The blocking face of ``redis://`` and ``rediss://``, thin over redis-py."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import redis

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.caches.redis_address import read_address
from fotoweb_middleware.caches.redis_breaker import Breaker
from fotoweb_middleware.caches.redis_connections import open_blocking_client
from fotoweb_middleware.caches.redis_failures import is_outage, is_wrong_type, needs_new_connections, tell
from fotoweb_middleware.caches.redis_scripts import (
    RedisCall,
    build_bury,
    build_free_lease,
    build_load,
    build_save,
    build_take_lease,
)

__all__ = ["RedisCache"]

R = TypeVar("R")

PAUSE_SECONDS = 0.5
"""How long after a failure nobody waits for Redis."""


class RedisCache:
    """The blocking face of a server cache in Redis or Valkey (6.0 and later).

    Safe to call from several threads, and after a fork: each process has connections of its own.

    Args:
        url: ``redis://`` or ``rediss://`` with host, port, database, user, password, and TLS options in the query.
        namespace: What every key begins with.
        timeout_seconds: Most time for a call. A step of it (connecting, one answer) has half of that.

    Raises:
        SettingsError: The address can't be read.
    """

    shared = True

    def __init__(self, url: str, *, namespace: str, timeout_seconds: float = 1.0) -> None:
        read_address(url)
        self._url = url
        self._namespace = namespace
        self._step_seconds = timeout_seconds / 2
        self._breaker = Breaker(pause_seconds=PAUSE_SECONDS, trial_seconds=timeout_seconds)
        # By process: what came over a fork belongs to the parent, and is neither used nor closed here.
        self._clients: dict[int, redis.Redis] = {}

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        return self._run(build_load(self._namespace, key))

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        return self._run(
            build_save(
                self._namespace, key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease
            )
        )

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        self._run(build_bury(self._namespace, key, ttl_seconds=ttl_seconds))

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        return self._run(build_take_lease(self._namespace, key, ttl_seconds=ttl_seconds))

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        self._run(build_free_lease(self._namespace, lease))

    def close(self) -> None:
        """See ``Cache.close``. A connection in use is closed once its answer is there."""
        # With its last reference redis-py closes a client's connections. To have the idle ones closed here could hit
        # one that another thread has just taken up.
        self._clients.pop(os.getpid(), None)

    def _run(self, call: RedisCall[R]) -> R:
        self._breaker.admit()
        try:
            result = call.read(self._ask(self._client(), call))
        except Exception as error:  # noqa: BLE001 (nonsense makes redis-py raise anything from ValueError to IndexError)
            if is_outage(error):
                self._breaker.trip()
            if needs_new_connections(error):
                self.close()
            failure = tell(error)
        else:
            self._breaker.reset()
            return result
        raise failure  # Out here, so that it drags along neither redis-py's error nor the connection in its frames.

    def _ask(self, client: redis.Redis, call: RedisCall[Any]) -> object:
        execute: Callable[..., object] = client.execute_command
        try:
            return execute(*call.command)
        except redis.exceptions.NoScriptError:
            return execute(*call.in_full)
        except redis.ResponseError as error:
            if is_wrong_type(error):
                return None
            raise

    def _client(self) -> redis.Redis:
        process = os.getpid()
        client = self._clients.get(process)
        if client is None:
            # Two threads may both make one; one is kept, and the other has no connection yet.
            made = open_blocking_client(self._url, step_seconds=self._step_seconds)
            client = self._clients.setdefault(process, made)
        return client
