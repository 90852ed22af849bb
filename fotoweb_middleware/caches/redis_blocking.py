"""The blocking face of ``redis://`` and ``rediss://``, thin over redis-py."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import redis

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.caches.redis_address import read_address
from fotoweb_middleware.caches.redis_connections import open_blocking_client
from fotoweb_middleware.caches.redis_failures import is_wrong_type
from fotoweb_middleware.caches.redis_health import PAUSE_SECONDS, Health
from fotoweb_middleware.caches.redis_orphans import Sweeper
from fotoweb_middleware.caches.redis_scripts import (
    RedisCall,
    build_bury,
    build_free_lease,
    build_load,
    build_save,
    build_take_lease,
)
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["RedisCache"]

R = TypeVar("R")

QUEUE_SECONDS = 5.0
"""Most time for the wait until a connection is free. Redis's own time begins after it."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one process holds: a client, and as many turns as it may have connections."""

    client: redis.Redis
    turns: threading.Semaphore


class RedisCache:
    """The blocking face of a server cache in Redis or Valkey (6.0 and later).

    Safe to call from several threads, and after a fork: each process has connections of its own.

    Args:
        url: ``redis://`` or ``rediss://`` with host, port, database, user, password, and TLS options in the query.
        namespace: What every key begins with.
        timeout_seconds: Most time for Redis to answer a call. A step (connecting, one answer) has half of that.
        queue_seconds: Most time for a call to wait before that, while all connections are in use.
        health: How Redis is; None: a new one.

    Attributes:
        sweeper: Gives up leases that Redis may hold for nobody.

    Raises:
        SettingsError: The address can't be read.
    """

    shared = True

    def __init__(
        self,
        url: str,
        *,
        namespace: str,
        timeout_seconds: float = 1.0,
        queue_seconds: float = QUEUE_SECONDS,
        health: Health | None = None,
    ) -> None:
        self._most_calls: int = read_address(url)["max_connections"]
        self._url = url
        self._namespace = namespace
        self._step_seconds = timeout_seconds / 2
        self._queue_seconds = queue_seconds
        self._health = health or Health(url, timeout_seconds=timeout_seconds)
        self.sweeper = Sweeper(self._health.orphans, pause_seconds=PAUSE_SECONDS)
        # By process: what came over a fork belongs to the parent, and is neither used nor closed here.
        self._held: dict[int, Held] = {}

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
        """See ``Cache.close``. A connection in use is closed once its answer is there; a later call opens it anew."""
        self.sweeper.close()
        self._drop_connections()

    def _drop_connections(self) -> None:
        # With its last reference redis-py closes a client's connections. To have the idle ones closed here could hit
        # one that another thread has just taken up.
        self._held.pop(os.getpid(), None)

    def _run(self, call: RedisCall[R]) -> R:
        self.sweeper.open()
        try:
            self._health.check(call)
            outcome = self._ask_in_turn(call)
        finally:
            self.wake_sweeper()
        if isinstance(outcome, CacheUnavailable):
            raise outcome  # Here, so that it drags along neither redis-py's error nor the client in its frames.
        return outcome

    def wake_sweeper(self) -> None:
        """See to it that leases of nobody are given up, where there are any."""
        self.sweeper.wake(self._ask_in_turn)

    def give_up(self, call: RedisCall[Any]) -> object:
        """Ask for an awaitable face, which has no other use for this one; the last call closes the connection."""
        try:
            return self._ask_in_turn(call)
        finally:
            if not self._health.orphans:
                self._drop_connections()

    def _ask_in_turn(self, call: RedisCall[R]) -> R | CacheUnavailable:
        held = self._hold()
        with self._turn(held, call):
            self._health.admit(call)  # Those who queued while Redis went down don't ask it one after the other.
            try:
                result = call.read(self._ask(held.client, call))
            except Exception as error:  # noqa: BLE001 (nonsense makes redis-py raise anything, ValueError to IndexError)
                if self._health.needs_new_connections(error):
                    self._drop_connections()
                return self._health.failed(call, error)
            self._health.answered(call)
            return result

    @contextlib.contextmanager
    def _turn(self, held: Held, call: RedisCall[R]) -> Iterator[None]:
        if not held.turns.acquire(timeout=self._queue_seconds):
            raise self._health.queue_too_long(call)
        try:
            yield
        finally:
            held.turns.release()

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

    def _hold(self) -> Held:
        process = os.getpid()
        held = self._held.get(process)
        if held is None:
            # Two threads may both make one; one is kept, and the other has no connection yet.
            client = open_blocking_client(self._url, step_seconds=self._step_seconds)
            held = self._held.setdefault(process, Held(client, threading.Semaphore(self._most_calls)))
        return held
